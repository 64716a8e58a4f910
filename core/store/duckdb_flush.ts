/** Rule 1 in DuckDB: a flush is one transaction that compares, then writes. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBTimestampValue } from "@duckdb/node-api";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DIMENSIONS, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { escapeInvalid } from "./duckdb_raw_text.ts";
import { MEASURE_COLUMNS } from "./duckdb_schema.ts";
import { integerLiteral, numberOf, rowsOf } from "./duckdb_values.ts";
import type { EventRows, FlushOutcome, MeasureColumns, MinuteRows, PartitionFlush, QuarantineRows } from "./ports.ts";

/** Rows appended before the thread is given up for a moment: some 20 ms. */
const SLICE_ROWS = 2048;

const COLUMNS_PER_MEASURE = MEASURE_COLUMNS.length / MEASURES.length;

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const looseText = new TextDecoder("utf-8", { ignoreBOM: true });

/** Runs inside a transaction, which the caller commits iff the outcome is `applied`. */
export async function applyFlush(connection: DuckDBConnection, flush: PartitionFlush): Promise<FlushOutcome> {
  const conflict = await findConflict(connection, flush);
  if (conflict !== null) return conflict;
  await deleteReplaced(connection, flush);
  await append(connection, "minutes", flush.minutes.rows, minuteAppender(flush, flush.minutes));
  const { events, quarantine } = flush;
  if (events !== null) await append(connection, "events", events.rows, eventAppender(flush, events));
  if (quarantine !== null) {
    await append(connection, "quarantine", quarantine.rows, quarantineAppender(flush, quarantine));
  }
  for (const { start, end } of flush.gaps) {
    await connection.run("INSERT INTO gaps VALUES ($1, $2, $3, $4)", [flush.topicId, flush.partition, start, end]);
  }
  await moveUnits(connection, flush);
  await moveCheckpoint(connection, flush);
  return { kind: "applied" };
}

async function findConflict(connection: DuckDBConnection, flush: PartitionFlush): Promise<FlushOutcome | null> {
  const { topicId, partition, units } = flush;
  const [checkpoint] = await rowsOf(
    connection,
    "SELECT checkpoint FROM partitions WHERE topic_id = $1 AND part = $2",
    [topicId, partition],
  );
  const reached = checkpoint === undefined ? 0 : numberOf(checkpoint.checkpoint);
  if (reached !== flush.expectCheckpoint) return { kind: "conflict", bucket: null, found: reached };
  if (units.length === 0) return null;
  const stored = await rowsOf(
    connection,
    `SELECT bucket, upto FROM units WHERE topic_id = $1 AND part = $2 AND bucket IN (${units.map(bucketLiteral)})`,
    [topicId, partition],
  );
  const uptos = new Map(stored.map(({ bucket, upto }) => [numberOf(bucket), numberOf(upto)]));
  for (const { bucket, expect } of units) {
    const found = uptos.get(bucket) ?? 0;
    if (found !== expect) return { kind: "conflict", bucket, found };
  }
  return null;
}

const bucketLiteral = ({ bucket }: { bucket: number }) => integerLiteral(bucket);

/** Deletes the rows that this flush's cumulative rows replace: those of partials older than the last flush. */
async function deleteReplaced(connection: DuckDBConnection, flush: PartitionFlush): Promise<void> {
  const { minutes: { rows, minutes, fromOffsets }, expectCheckpoint } = flush;
  const pairs = new Set<string>();
  let first = Infinity;
  let last = -Infinity;
  for (let row = 0; row < rows; row++) {
    if (fromOffsets[row] >= expectCheckpoint) continue; // begun after the last flush: not stored yet
    pairs.add(`(${integerLiteral(minutes[row])}, ${integerLiteral(fromOffsets[row])})`);
    first = Math.min(first, minutes[row]);
    last = Math.max(last, minutes[row]);
  }
  if (pairs.size === 0) return;
  // The range lets DuckDB pass over row groups by their smallest and largest minute.
  await connection.run(
    `DELETE FROM minutes WHERE topic_id = $1 AND part = $2 AND minute BETWEEN $3 AND $4
       AND (minute, from_offset) IN (${[...pairs].join(", ")})`,
    [flush.topicId, flush.partition, first, last],
  );
}

/**
 * Row by row: data chunks made in JavaScript crash Deno when they are collected. The thread is given up between slices
 * of rows, so that the gateway answers meanwhile; nobody else uses the writing connection.
 */
async function append(
  connection: DuckDBConnection,
  table: string,
  rows: number,
  appendRow: RowAppender,
): Promise<void> {
  if (rows === 0) return;
  const appender = await connection.createAppender(table);
  try {
    for (let row = 0; row < rows; row++) {
      appendRow(appender, row);
      appender.endRow();
      if (row % SLICE_ROWS === SLICE_ROWS - 1) await nextTurn();
    }
    appender.flushSync();
  } catch (error) {
    appender.clear(); // so that closing it does not try again
    throw error;
  } finally {
    appender.closeSync();
  }
}

type RowAppender = (appender: DuckDBAppender, row: number) => void;

function minuteAppender({ topicId, partition }: PartitionFlush, rows: MinuteRows): RowAppender {
  const dimensions = DIMENSIONS.map((name) => rows.dimensions[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  return (appender, row) => {
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

function eventAppender({ topicId, partition }: PartitionFlush, rows: EventRows): RowAppender {
  const text = TEXT_FIELDS.map((name) => rows.text[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  return (appender, row) => {
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

function quarantineAppender({ topicId, partition }: PartitionFlush, rows: QuarantineRows): RowAppender {
  return (appender, row) => {
    appender.appendVarchar(topicId);
    appender.appendInteger(partition);
    appender.appendBigInt(BigInt(rows.offsets[row]));
    appender.appendTimestamp(recordTime(rows.recordTimesMs[row]));
    appender.appendVarchar(rows.reasons[row]);
    appender.appendBlob(rows.bytes.subarray(rows.rawStarts[row], rows.rawEnds[row]));
  };
}

async function moveUnits(connection: DuckDBConnection, flush: PartitionFlush): Promise<void> {
  if (flush.units.length === 0) return;
  const rows = flush.units.map((unit) => `($1, $2, ${bucketLiteral(unit)}, $3, $4, $5)`);
  await connection.run(
    `INSERT INTO units VALUES ${rows.join(", ")}
     ON CONFLICT DO UPDATE SET upto = excluded.upto, writer = excluded.writer, touched_ms = excluded.touched_ms`,
    [flush.topicId, flush.partition, flush.at, flush.writer, BigInt(Math.floor(flush.lastRecordTimeMs))],
  );
}

async function moveCheckpoint(connection: DuckDBConnection, flush: PartitionFlush): Promise<void> {
  const { totals } = flush;
  await connection.run(
    `INSERT INTO partitions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT DO UPDATE SET
       checkpoint = greatest(partitions.checkpoint, excluded.checkpoint), writer = excluded.writer,
       watermark_ms = greatest(partitions.watermark_ms, excluded.watermark_ms),
       consumed = partitions.consumed + excluded.consumed, events = partitions.events + excluded.events,
       unparsed = partitions.unparsed + excluded.unparsed, late = partitions.late + excluded.late,
       clock_bad = partitions.clock_bad + excluded.clock_bad`,
    [
      flush.topicId,
      flush.partition,
      flush.at,
      flush.writer,
      flush.watermarkMs,
      totals.consumed,
      totals.events,
      totals.unparsed,
      totals.late,
      totals.clockBad,
    ],
  );
}
