/**
 * Wide rows a slice at a time. DuckDB moves 2048 rows at once, so that a query that touches the raw records of large rows
 * takes 2048 times their width, several times over, whatever its memory limit says. A slice is small enough in bytes; its
 * rows are joined by row id, which reads the records of those rows alone.
 */
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { isOutOfMemory } from "./duckdb_errors.ts";
import { integerLiteral, numberOf, type Row, rowsOf } from "./duckdb_values.ts";

/** Rows of a slice at most: with narrow rows, that is a row group of Parquet. */
export const SLICE_ROWS = 40_960;
/** Records up to this many bytes are narrow: 2048 of them are no burden. */
const NARROW_BYTES = 2048;
/** Bytes of records in a slice, about: where they are narrow, and where they are wide. */
const NARROW_SLICE_BYTES = 16 * 1_048_576;
const WIDE_SLICE_BYTES = 2 * 1_048_576;
/** Rows that an older Millrace stored have no width: they are taken to be this wide. */
const UNKNOWN_BYTES = 4096;

/** What a row takes up of a slice: the greater of its share in rows and in bytes. */
const WEIGHT = `greatest(1 / ${SLICE_ROWS},
  width / CASE WHEN width <= ${NARROW_BYTES} THEN ${NARROW_SLICE_BYTES} ELSE ${WIDE_SLICE_BYTES} END)`;

/** Rows that follow each other. */
export interface Slice {
  /** A condition that they alone fulfil. */
  readonly where: string;
  /** True where a single record is larger than a slice should be. */
  readonly isHuge: boolean;
}

/** Rows to put into slices: of a table with `width_bytes`, in the order of its columns `orderBy`. */
export interface SliceQuery {
  readonly table: "events" | "quarantine";
  /** Conditions over the table, without its records. */
  readonly where: string;
  readonly values: DuckDBValue[];
  readonly orderBy: string;
}

/**
 * Puts the rows into slices that follow each other in their order; a temporary table of the transaction keeps them.
 * Answers none where there are no rows.
 */
export async function planSlices(
  connection: DuckDBConnection,
  { table, where, values, orderBy }: SliceQuery,
): Promise<Slice[]> {
  await connection.run(
    `CREATE TEMP TABLE slices AS
     SELECT id, width, floor(sum(${WEIGHT}) OVER (ORDER BY ${orderBy} ROWS UNBOUNDED PRECEDING))::BIGINT AS slice
     FROM (SELECT rowid AS id, ${orderBy}, coalesce(width_bytes, ${UNKNOWN_BYTES}) AS width FROM ${table} WHERE ${where})`,
    values,
  );
  const rows = await rowsOf(connection, "SELECT slice, max(width) AS widest FROM slices GROUP BY slice ORDER BY slice");
  return rows.map(({ slice, widest }) => ({
    where: `rowid IN (SELECT id FROM slices WHERE slice = ${numberOf(slice)})`,
    isHuge: numberOf(widest) > WIDE_SLICE_BYTES,
  }));
}

/** Runs `read`; where memory does not suffice for what DuckDB reads together, once more with single rows. */
export async function readWide<T>(
  connections: DuckDbConnections,
  table: SliceQuery["table"],
  read: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  try {
    return await connections.read(read);
  } catch (error) {
    if (!isOutOfMemory(error)) throw error;
    await easeWideReads(connections, table);
    return await connections.read(read);
  }
}

/** The columns of rows by their ids, in the order of these, some megabytes of records at a time. */
export async function readByIds(
  connection: DuckDBConnection,
  table: SliceQuery["table"],
  columns: string,
  keys: readonly { readonly id: number; readonly widthBytes: number }[],
): Promise<Row[]> {
  const rows = new Map<number, Row>();
  for (let at = 0; at < keys.length;) {
    const ids: number[] = [];
    for (let bytes = 0; at < keys.length && bytes < WIDE_SLICE_BYTES; at++) {
      ids.push(keys[at].id);
      bytes += keys[at].widthBytes;
    }
    // Sorted here, where wide rows need not be moved for it.
    const list = ids.map(integerLiteral).join(", ");
    const found = await rowsOf(
      connection,
      `SELECT rowid AS id, ${columns} FROM ${table} WHERE rowid IN (SELECT unnest([${list}]::BIGINT[]))`,
    );
    for (const row of found) rows.set(numberOf(row.id), row);
  }
  return keys.flatMap(({ id }): Row[] => {
    const row = rows.get(id);
    return row === undefined ? [] : [row];
  });
}

/** Bytes of records that DuckDB may well read at once. */
const BURDEN_BYTES = 8 * 1_048_576;
const VECTOR_ROWS = 2048;

/**
 * Makes DuckDB read single rows of the table where those that it would read together have large records. Rows that are
 * appended from then on it reads together all the same.
 */
export async function easeWideReads(connections: DuckDbConnections, table: SliceQuery["table"]): Promise<void> {
  if (await connections.read((connection) => isBurden(connection, table))) await connections.refresh();
}

async function isBurden(connection: DuckDBConnection, table: SliceQuery["table"]): Promise<boolean> {
  const [row] = await rowsOf(
    connection,
    `SELECT coalesce(max(bytes), 0)::DOUBLE AS bytes
     FROM (SELECT sum(width_bytes) AS bytes FROM ${table} GROUP BY rowid // ${VECTOR_ROWS})`,
  );
  return numberOf(row.bytes) > BURDEN_BYTES;
}
