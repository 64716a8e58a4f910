/** Rule 1 in DuckDB: a flush is one transaction that compares, then writes. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBTimestampValue } from "@duckdb/node-api";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DIMENSIONS, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { escapeInvalid } from "./duckdb_raw_text.ts";
import { MEASURE_COLUMNS } from "./duckdb_schema.ts";
import { integerLiteral, numberOf, Parameters, rowsOf } from "./duckdb_values.ts";
import type { FlushOutcome, MeasureColumns, PartitionFlush } from "./ports.ts";

/** Rows appended before the thread is given up for a moment: some 20 ms. */
const SLICE_ROWS = 2048;

const COLUMNS_PER_MEASURE = MEASURE_COLUMNS.length / MEASURES.length;

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const looseText = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Applies flushes of different partitions inside one transaction, which the caller commits; those that conflict change
 * nothing. Answers their outcomes in order.
 */
export async function applyFlushes(
  connection: DuckDBConnection,
  flushes: readonly PartitionFlush[],
): Promise<FlushOutcome[]> {
  const conflicts = await findConflicts(connection, flushes);
  const accepted = flushes.filter((_, i) => conflicts[i] === null);
  if (accepted.length > 0) {
    await deleteReplaced(connection, accepted);
    await append(connection, "minutes", accepted.map(minuteSource));
    await append(connection, "events", accepted.map(eventSource));
    await append(connection, "quarantine", accepted.map(quarantineSource));
    await addGaps(connection, accepted);
    await moveUnits(connection, accepted);
    await moveCheckpoints(connection, accepted);
  }
  return conflicts.map((conflict) => conflict ?? { kind: "applied" });
}

const partitionKey = (topicId: unknown, partition: unknown) => `${topicId}/${partition}`;
const unitKey = (topicId: unknown, partition: unknown, bucket: unknown) => `${topicId}/${partition}/${bucket}`;

/** For each flush: what was not as it expected, or null. */
async function findConflicts(
  connection: DuckDBConnection,
  flushes: readonly PartitionFlush[],
): Promise<(FlushOutcome | null)[]> {
  const parameters = new Parameters();
  const partitions = flushes.map(({ topicId, partition }) => parameters.list([topicId, partition]));
  const checkpoints = new Map(
    (await rowsOf(
      connection,
      `SELECT topic_id, part, checkpoint FROM partitions WHERE (topic_id, part) IN (${partitions.join(", ")})`,
      parameters.values,
    )).map((row) => [partitionKey(row.topic_id, row.part), numberOf(row.checkpoint)]),
  );
  const uptos = await readUptos(connection, flushes);
  return flushes.map(({ topicId, partition, expectCheckpoint, units }): FlushOutcome | null => {
    const reached = checkpoints.get(partitionKey(topicId, partition)) ?? 0;
    if (reached !== expectCheckpoint) return { kind: "conflict", bucket: null, found: reached };
    for (const { bucket, expect } of units) {
      const found = uptos.get(unitKey(topicId, partition, bucket)) ?? 0;
      if (found !== expect) return { kind: "conflict", bucket, found };
    }
    return null;
  });
}

async function readUptos(
  connection: DuckDBConnection,
  flushes: readonly PartitionFlush[],
): Promise<ReadonlyMap<string, number>> {
  const parameters = new Parameters();
  const keys = flushes.filter(({ units }) => units.length > 0).map(({ topicId, partition, units }) => {
    const topic = parameters.add(topicId);
    return `(topic_id = ${topic} AND part = ${integerLiteral(partition)} AND bucket IN (${units.map(bucketLiteral)}))`;
  });
  if (keys.length === 0) return new Map();
  const rows = await rowsOf(
    connection,
    `SELECT topic_id, part, bucket, upto FROM units WHERE ${keys.join(" OR ")}`,
    parameters.values,
  );
  return new Map(rows.map((row) => [unitKey(row.topic_id, row.part, row.bucket), numberOf(row.upto)]));
}

const bucketLiteral = ({ bucket }: { bucket: number }) => integerLiteral(bucket);

/** Deletes the rows that cumulative rows replace: those of partials older than their partition's last flush. */
async function deleteReplaced(connection: DuckDBConnection, flushes: readonly PartitionFlush[]): Promise<void> {
  const parameters = new Parameters();
  const keys: string[] = [];
  let first = Infinity;
  let last = -Infinity;
  for (const { topicId, partition, expectCheckpoint, minutes: { rows, minutes, fromOffsets } } of flushes) {
    const pairs = new Set<string>();
    for (let row = 0; row < rows; row++) {
      if (fromOffsets[row] >= expectCheckpoint) continue; // begun after the last flush: not stored yet
      pairs.add(`${integerLiteral(minutes[row])}, ${integerLiteral(fromOffsets[row])}`);
      first = Math.min(first, minutes[row]);
      last = Math.max(last, minutes[row]);
    }
    if (pairs.size === 0) continue;
    const topic = parameters.add(topicId);
    for (const pair of pairs) keys.push(`(${topic}, ${integerLiteral(partition)}, ${pair})`);
  }
  if (keys.length === 0) return;
  // The range lets DuckDB pass over row groups by their smallest and largest minute.
  await connection.run(
    `DELETE FROM minutes WHERE minute BETWEEN ${integerLiteral(first)} AND ${integerLiteral(last)}
       AND (topic_id, part, minute, from_offset) IN (${keys.join(", ")})`,
    parameters.values,
  );
}

/**
 * Row by row: data chunks made in JavaScript crash Deno when they are collected. The thread is given up between slices
 * of rows, so that the gateway answers meanwhile; nobody else uses the writing connection.
 */
async function append(
  connection: DuckDBConnection,
  table: string,
  sources: readonly (RowSource | null)[],
): Promise<void> {
  const filled = sources.flatMap((source) => source === null || source.rows === 0 ? [] : [source]);
  if (filled.length === 0) return;
  const appender = await connection.createAppender(table);
  let appended = 0;
  try {
    for (const source of filled) {
      for (let row = 0; row < source.rows; row++) {
        source.append(appender, row);
        appender.endRow();
        if (++appended % SLICE_ROWS === 0) await nextTurn();
      }
    }
    appender.flushSync();
  } catch (error) {
    appender.clear(); // so that closing it does not try again
    throw error;
  } finally {
    appender.closeSync();
  }
}

/** Rows of one flush for one table: `append` gives the columns of one row. */
interface RowSource {
  readonly rows: number;
  append(appender: DuckDBAppender, row: number): void;
}

function minuteSource({ topicId, partition, minutes: rows }: PartitionFlush): RowSource {
  const dimensions = DIMENSIONS.map((name) => rows.dimensions[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  return {
    rows: rows.rows,
    append(appender, row) {
      appender.appendVarchar(topicId);
      appender.appendInteger(partition);
      appender.appendInteger(rows.minutes[row]);
      appender.appendBigInt(BigInt(rows.fromOffsets[row]));
      for (const values of dimensions) {
        appender.appendVarchar(values === undefined ? "" : values.dictionary[values.ids[row]]);
      }
      appender.appendBigInt(BigInt(rows.counts[row]));
      appender.appendBigInt(BigInt(rows.errors[row]));
      for (const measure of measures) appendMeasure(appender, measure, row);
    },
  };
}

function appendMeasure(appender: DuckDBAppender, measure: MeasureColumns | undefined, row: number): void {
  if (measure === undefined || measure.counts[row] === 0) {
    for (let i = 0; i < COLUMNS_PER_MEASURE; i++) appender.appendNull();
    return;
  }
  appender.appendBigInt(BigInt(measure.counts[row]));
  appender.appendBigInt(BigInt(measure.sums[row]));
  appender.appendBigInt(BigInt(measure.minima[row]));
  appender.appendBigInt(BigInt(measure.maxima[row]));
  appender.appendDouble(measure.m2[row]);
  appender.appendBlob(measure.sketches.subarray(row === 0 ? 0 : measure.sketchEnds[row - 1], measure.sketchEnds[row]));
}

function eventSource({ topicId, partition, events: rows }: PartitionFlush): RowSource | null {
  if (rows === null) return null;
  const text = TEXT_FIELDS.map((name) => rows.text[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  return {
    rows: rows.rows,
    append(appender, row) {
      appender.appendVarchar(topicId);
      appender.appendInteger(partition);
      appender.appendBigInt(BigInt(rows.offsets[row]));
      appender.appendTimestamp(new DuckDBTimestampValue(BigInt(rows.timestampMicros[row])));
      appender.appendTimestamp(recordTime(rows.recordTimesMs[row]));
      for (const spans of text) {
        const start = spans === undefined ? -1 : spans.starts[row];
        if (spans === undefined || start < 0) appender.appendNull();
        else appender.appendVarchar(looseText.decode(rows.bytes.subarray(start, spans.ends[row])));
      }
      for (const values of measures) {
        if (values === undefined || Number.isNaN(values[row])) appender.appendNull();
        else appender.appendBigInt(BigInt(values[row]));
      }
      appendRaw(appender, rows.bytes.subarray(rows.rawStarts[row], rows.rawEnds[row]));
    },
  };
}

function recordTime(ms: number): DuckDBTimestampValue {
  return new DuckDBTimestampValue(BigInt(Math.floor(ms)) * 1000n);
}

/** Text where it is UTF-8; else a text to search (bad bytes as \xNN) and, beside it, the bytes themselves. */
function appendRaw(appender: DuckDBAppender, raw: Uint8Array): void {
  let text: string;
  try {
    text = strictText.decode(raw);
  } catch {
    appender.appendVarchar(escapeInvalid(raw));
    appender.appendBlob(raw);
    return;
  }
  appender.appendVarchar(text);
  appender.appendNull();
}

function quarantineSource({ topicId, partition, quarantine: rows }: PartitionFlush): RowSource | null {
  if (rows === null) return null;
  return {
    rows: rows.rows,
    append(appender, row) {
      appender.appendVarchar(topicId);
      appender.appendInteger(partition);
      appender.appendBigInt(BigInt(rows.offsets[row]));
      appender.appendTimestamp(recordTime(rows.recordTimesMs[row]));
      appender.appendVarchar(rows.reasons[row]);
      appender.appendBlob(rows.bytes.subarray(rows.rawStarts[row], rows.rawEnds[row]));
    },
  };
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
  const parameters = new Parameters();
  const rows = flushes.filter(({ units }) => units.length > 0).flatMap((flush) => {
    const topic = parameters.add(flush.topicId);
    const writer = parameters.add(flush.writer);
    const touched = integerLiteral(Math.floor(flush.lastRecordTimeMs));
    const rest = `${integerLiteral(flush.at)}, ${writer}, ${touched}`;
    return flush.units.map((unit) => `(${topic}, ${integerLiteral(flush.partition)}, ${bucketLiteral(unit)}, ${rest})`);
  });
  if (rows.length === 0) return;
  await connection.run(
    `INSERT INTO units VALUES ${rows.join(", ")}
     ON CONFLICT DO UPDATE SET upto = excluded.upto, writer = excluded.writer, touched_ms = excluded.touched_ms`,
    parameters.values,
  );
}

async function moveCheckpoints(connection: DuckDBConnection, flushes: readonly PartitionFlush[]): Promise<void> {
  const parameters = new Parameters();
  const rows = flushes.map(({ topicId, partition, at, writer, watermarkMs, totals }) =>
    parameters.list([
      topicId,
      partition,
      at,
      writer,
      watermarkMs,
      totals.consumed,
      totals.events,
      totals.unparsed,
      totals.late,
      totals.clockBad,
    ])
  );
  await connection.run(
    `INSERT INTO partitions VALUES ${rows.join(", ")}
     ON CONFLICT DO UPDATE SET
       checkpoint = greatest(partitions.checkpoint, excluded.checkpoint), writer = excluded.writer,
       watermark_ms = greatest(partitions.watermark_ms, excluded.watermark_ms),
       consumed = partitions.consumed + excluded.consumed, events = partitions.events + excluded.events,
       unparsed = partitions.unparsed + excluded.unparsed, late = partitions.late + excluded.late,
       clock_bad = partitions.clock_bad + excluded.clock_bad`,
    parameters.values,
  );
}
