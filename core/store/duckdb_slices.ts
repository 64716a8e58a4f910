/**
 * Rows a slice at a time, for exports: so many that what is made of them fits into memory, whatever the width of their
 * records.
 */
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import { integerLiteral, numberOf, rowsOf, textLiteral } from "./duckdb_values.ts";
import type { TimeRange } from "./ports.ts";
import type { RecordTable } from "./segment_catalog.ts";

/** Rows of a slice at most: with narrow rows, that is a row group of Parquet. */
export const SLICE_ROWS = 40_960;
/** Records up to this many bytes are narrow: 2048 of them, which DuckDB moves at once, are no burden. */
const NARROW_BYTES = 2048;
/** Bytes of records in a slice, about: where they are narrow, and where they are wide. */
const NARROW_SLICE_BYTES = 16 * 1_048_576;
const WIDE_SLICE_BYTES = 2 * 1_048_576;

/** What a row takes up of a slice: the greater of its share in rows and in bytes. */
const WEIGHT = `greatest(1 / ${SLICE_ROWS},
  width / CASE WHEN width <= ${NARROW_BYTES} THEN ${NARROW_SLICE_BYTES} ELSE ${WIDE_SLICE_BYTES} END)`;

/** Rows that follow each other. */
export interface Slice {
  /** What to select their rows, and no others, from. */
  readonly from: string;
  /** True where a single record is larger than a slice should be. */
  readonly isHuge: boolean;
}

/** Rows to put into slices, in the order of time, partition and offset. */
export interface SliceQuery {
  readonly table: RecordTable;
  readonly topicId: string;
  readonly range: TimeRange;
  /** The column of time. */
  readonly time: "ts" | "record_time";
  /** Conditions over the table, without its records. */
  readonly where: string;
  readonly values: DuckDBValue[];
}

/**
 * Puts the rows into slices that follow each other in their order; a temporary table of the transaction keeps them.
 * Answers none where there are no rows.
 */
export async function planSlices(
  connection: DuckDBConnection,
  segments: Segments,
  { table, topicId, range, time, where, values }: SliceQuery,
): Promise<Slice[]> {
  const entries = await readEntries(connection, { table, topicId, range });
  await connection.run(
    `CREATE TEMP TABLE slices AS
     SELECT part, "offset", ${time}, width,
       floor(sum(${WEIGHT}) OVER (ORDER BY ${time}, part, "offset" ROWS UNBOUNDED PRECEDING))::BIGINT AS slice
     FROM (SELECT part, "offset", ${time}, width_bytes AS width FROM ${
      sourceSql(segments, table, entries)
    } WHERE ${where})`,
    values,
  );
  const rows = await rowsOf(
    connection,
    `SELECT slice, max(width) AS widest, epoch_us(min(${time})) AS first, epoch_us(max(${time})) AS last
     FROM slices GROUP BY slice ORDER BY slice`,
  );
  return rows.map(({ slice, widest, first, last }) => {
    const [from, to] = [numberOf(first), numberOf(last)];
    const holding = entries.filter(({ firstMicros, lastMicros }) => firstMicros <= to && lastMicros >= from);
    const keys = `SELECT part, "offset" FROM slices WHERE slice = ${numberOf(slice)}`;
    return {
      from: `(SELECT * FROM ${sourceSql(segments, table, holding)} SEMI JOIN (${keys}) USING (part, "offset")
        WHERE topic_id = ${textLiteral(topicId)}
          AND ${time} BETWEEN make_timestamp(${integerLiteral(from)}) AND make_timestamp(${integerLiteral(to)}))`,
      isHuge: numberOf(widest) > WIDE_SLICE_BYTES,
    };
  });
}
