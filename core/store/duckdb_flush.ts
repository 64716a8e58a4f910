/** Rule 1 in DuckDB: a flush is one transaction that compares, then writes. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { MinuteSegments } from "./duckdb_minute_segments.ts";
import { type MinuteSpan, minuteSpan, replaceMinutes } from "./duckdb_replace.ts";
import type { Segments } from "./duckdb_segments.ts";
import type { Staging } from "./duckdb_staging.ts";
import { givenRows, numberOf, Parameters, rowsOf, textOf } from "./duckdb_values.ts";
import type { FlushOutcome, PartitionFlush } from "./ports.ts";
import { RECORD_TABLES } from "./segment_catalog.ts";

/** Where rows go that are not written through the connection. */
export interface FlushFiles {
  readonly staging: Staging;
  readonly segments: Segments;
  readonly minuteSegments: MinuteSegments;
  /** Segments that were written: they are to be removed where the transaction fails. */
  readonly written: string[];
}

/**
 * Applies flushes of different partitions inside one transaction, which the caller commits; those that conflict change
 * nothing. Answers their outcomes in order.
 */
export async function applyFlushes(
  connection: DuckDBConnection,
  { staging, segments, minuteSegments, written }: FlushFiles,
  flushes: readonly PartitionFlush[],
): Promise<FlushOutcome[]> {
  const conflicts = await findConflicts(connection, flushes);
  const accepted = flushes.filter((_, i) => conflicts[i] === null);
  if (accepted.length > 0) {
    const asSegment = minuteSegments.worthwhile(accepted);
    if (asSegment.length > 0) {
      written.push(await minuteSegments.add(connection, asSegment, replacedMinutes(asSegment)));
    }
    const asRows = asSegment.length === 0 ? accepted : accepted.filter((flush) => !asSegment.includes(flush));
    await replaceMinutes(connection, staging, asRows, replacedMinutes(asRows));
    for (const table of RECORD_TABLES) {
      const file = await segments.add(connection, table, accepted);
      if (file !== null) written.push(file);
    }
    await addGaps(connection, accepted);
    await moveUnits(connection, accepted);
    await moveCheckpoints(connection, accepted);
  }
  return conflicts.map((conflict) => conflict ?? { kind: "applied" });
}

const PARTITION_KEY = { topic_id: "VARCHAR", part: "INTEGER" } as const;
const UNIT_KEY = { ...PARTITION_KEY, bucket: "INTEGER" } as const;

const partitionKey = (topicId: unknown, partition: unknown) => `${topicId}/${partition}`;
const unitKey = (topicId: unknown, partition: unknown, bucket: unknown) => `${topicId}/${partition}/${bucket}`;

/** For each flush: what was not as it expected, or null. */
async function findConflicts(
  connection: DuckDBConnection,
  flushes: readonly PartitionFlush[],
): Promise<(FlushOutcome | null)[]> {
  const partitions = flushes.map(({ topicId, partition }) => ({ topic_id: topicId, part: partition }));
  const checkpoints = new Map(
    (await rowsOf(
      connection,
      `SELECT topic_id, part, checkpoint FROM partitions JOIN ${givenRows("$1", PARTITION_KEY)} USING (topic_id, part)`,
      [JSON.stringify(partitions)],
    )).map((row) => [partitionKey(row.topic_id, row.part), numberOf(row.checkpoint)]),
  );
  const uptos = await readUptos(connection, flushes);
  return flushes.map(({ topicId, partition, expectCheckpoint, units }): FlushOutcome | null => {
    const reached = checkpoints.get(partitionKey(topicId, partition)) ?? 0;
    if (reached !== expectCheckpoint) return { kind: "conflict", bucket: null, found: reached };
    for (const { bucket, expect, expectWriter } of units) {
      const { upto, writer } = uptos.get(unitKey(topicId, partition, bucket)) ?? NEVER_WRITTEN;
      if (upto !== expect || (expectWriter !== undefined && writer !== expectWriter)) {
        return { kind: "conflict", bucket, found: upto };
      }
    }
    return null;
  });
}

const NEVER_WRITTEN = { upto: 0, writer: null };

async function readUptos(
  connection: DuckDBConnection,
  flushes: readonly PartitionFlush[],
): Promise<ReadonlyMap<string, { readonly upto: number; readonly writer: string | null }>> {
  const keys = flushes.flatMap(({ topicId, partition, units }) =>
    units.map(({ bucket }) => ({ topic_id: topicId, part: partition, bucket }))
  );
  if (keys.length === 0) return new Map();
  const rows = await rowsOf(
    connection,
    `SELECT topic_id, part, bucket, upto, writer
     FROM units JOIN ${givenRows("$1", UNIT_KEY)} USING (topic_id, part, bucket)`,
    [JSON.stringify(keys)],
  );
  return new Map(
    rows.map((row) => [
      unitKey(row.topic_id, row.part, row.bucket),
      { upto: numberOf(row.upto), writer: textOf(row.writer) },
    ]),
  );
}

/** The minutes of rows that may be stored already: of partials older than their partition's last flush. */
function replacedMinutes(flushes: readonly PartitionFlush[]): MinuteSpan | null {
  return minuteSpan(flushes, ({ expectCheckpoint }, fromOffset) => fromOffset < expectCheckpoint);
}

async function addGaps(connection: DuckDBConnection, flushes: readonly PartitionFlush[]): Promise<void> {
  const parameters = new Parameters();
  const rows = flushes.flatMap(({ topicId, partition, gaps }) =>
    gaps.map(({ start, end }) => parameters.list([topicId, partition, start, end]))
  );
  if (rows.length === 0) return;
  await connection.run(`INSERT INTO gaps VALUES ${rows.join(", ")}`, parameters.values);
}

async function moveUnits(connection: DuckDBConnection, flushes: readonly PartitionFlush[]): Promise<void> {
  const rows = flushes.flatMap(({ topicId, partition, units, at, writer, lastRecordTimeMs }) =>
    units.map(({ bucket }) => ({
      topic_id: topicId,
      part: partition,
      bucket,
      upto: at,
      writer,
      touched_ms: Math.floor(lastRecordTimeMs),
    }))
  );
  if (rows.length === 0) return;
  const columns = { ...UNIT_KEY, upto: "BIGINT", writer: "VARCHAR", touched_ms: "BIGINT" } as const;
  await connection.run(
    `INSERT INTO units BY NAME FROM ${givenRows("$1", columns)}
     ON CONFLICT DO UPDATE SET upto = excluded.upto, writer = excluded.writer, touched_ms = excluded.touched_ms`,
    [JSON.stringify(rows)],
  );
}

async function moveCheckpoints(connection: DuckDBConnection, flushes: readonly PartitionFlush[]): Promise<void> {
  const rows = flushes.map(({ topicId, partition, at, writer, watermarkMs, totals }) => ({
    topic_id: topicId,
    part: partition,
    checkpoint: at,
    writer,
    watermark_ms: watermarkMs,
    consumed: totals.consumed,
    events: totals.events,
    unparsed: totals.unparsed,
    late: totals.late,
    clock_bad: totals.clockBad,
  }));
  const columns = {
    ...PARTITION_KEY,
    checkpoint: "BIGINT",
    writer: "VARCHAR",
    watermark_ms: "BIGINT",
    consumed: "BIGINT",
    events: "BIGINT",
    unparsed: "BIGINT",
    late: "BIGINT",
    clock_bad: "BIGINT",
  } as const;
  await connection.run(
    `INSERT INTO partitions BY NAME FROM ${givenRows("$1", columns)}
     ON CONFLICT DO UPDATE SET
       checkpoint = greatest(partitions.checkpoint, excluded.checkpoint), writer = excluded.writer,
       watermark_ms = greatest(partitions.watermark_ms, excluded.watermark_ms),
       consumed = partitions.consumed + excluded.consumed, events = partitions.events + excluded.events,
       unparsed = partitions.unparsed + excluded.unparsed, late = partitions.late + excluded.late,
       clock_bad = partitions.clock_bad + excluded.clock_bad`,
    [JSON.stringify(rows)],
  );
}
