/** Rule 1 in DuckDB: a flush is one transaction that compares, then writes. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBTimestampValue } from "@duckdb/node-api";
import { DIMENSIONS, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { numberOf, rowsOf } from "./duckdb_connections.ts";
import type { EventRows, FlushOutcome, MeasureColumns, MinuteRows, PartitionFlush, QuarantineRows } from "./ports.ts";

const strictText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const looseText = new TextDecoder("utf-8", { ignoreBOM: true });

/** Runs inside a transaction, which the caller commits iff the outcome is `applied`. */
export async function applyFlush(connection: DuckDBConnection, flush: PartitionFlush): Promise<FlushOutcome> {
  const conflict = await findConflict(connection, flush);
  if (conflict !== null) return conflict;
  await deleteReplaced(connection, flush);
  await append(connection, "minutes", (appender) => appendMinutes(appender, flush, flush.minutes));
  const { events, quarantine } = flush;
  if (events !== null) await append(connection, "events", (appender) => appendEvents(appender, flush, events));
  if (quarantine !== null) {
    await append(connection, "quarantine", (appender) => appendQuarantine(appender, flush, quarantine));
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

/** A literal is safe here: anything but an integer throws. */
function integerLiteral(value: number): string {
  return BigInt(value).toString();
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

/** Row by row: data chunks made in JavaScript crash Deno when they are collected (docs/adr). */
async function append(
  connection: DuckDBConnection,
  table: string,
  fill: (appender: DuckDBAppender) => void,
): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    fill(appender);
  } finally {
    appender.closeSync();
  }
}

function appendMinutes(appender: DuckDBAppender, flush: PartitionFlush, rows: MinuteRows): void {
  const dimensions = DIMENSIONS.map((name) => rows.dimensions[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  for (let row = 0; row < rows.rows; row++) {
    appender.appendVarchar(flush.topicId);
    appender.appendInteger(flush.partition);
    appender.appendInteger(rows.minutes[row]);
    appender.appendBigInt(BigInt(rows.fromOffsets[row]));
    for (const values of dimensions) {
      appender.appendVarchar(values === undefined ? "" : values.dictionary[values.ids[row]]);
    }
    appender.appendBigInt(BigInt(rows.counts[row]));
    appender.appendBigInt(BigInt(rows.errors[row]));
    for (const measure of measures) appendMeasure(appender, measure, row);
    appender.endRow();
  }
}

function appendMeasure(appender: DuckDBAppender, measure: MeasureColumns | undefined, row: number): void {
  if (measure === undefined || measure.counts[row] === 0) {
    for (let i = 0; i < 6; i++) appender.appendNull();
    return;
  }
  appender.appendBigInt(BigInt(measure.counts[row]));
  appender.appendBigInt(BigInt(measure.sums[row]));
  appender.appendBigInt(BigInt(measure.minima[row]));
  appender.appendBigInt(BigInt(measure.maxima[row]));
  appender.appendDouble(measure.m2[row]);
  appender.appendBlob(measure.sketches.subarray(row === 0 ? 0 : measure.sketchEnds[row - 1], measure.sketchEnds[row]));
}

function appendEvents(appender: DuckDBAppender, flush: PartitionFlush, rows: EventRows): void {
  const text = TEXT_FIELDS.map((name) => rows.text[name]);
  const measures = MEASURES.map(({ name }) => rows.measures[name]);
  for (let row = 0; row < rows.rows; row++) {
    appender.appendVarchar(flush.topicId);
    appender.appendInteger(flush.partition);
    appender.appendBigInt(BigInt(rows.offsets[row]));
    appender.appendTimestamp(new DuckDBTimestampValue(BigInt(rows.timestampMicros[row])));
    appender.appendTimestamp(new DuckDBTimestampValue(BigInt(rows.recordTimesMs[row]) * 1000n));
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
    appender.endRow();
  }
}

/** Text where it is UTF-8; else a text to search (bad bytes as \xNN) and, beside it, the bytes themselves. */
function appendRaw(appender: DuckDBAppender, raw: Uint8Array): void {
  try {
    appender.appendVarchar(strictText.decode(raw));
    appender.appendNull();
  } catch {
    appender.appendVarchar(escapeInvalid(raw));
    appender.appendBlob(raw);
  }
}

function escapeInvalid(raw: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < raw.length) {
    let length = Math.min(4, raw.length - at);
    for (; length > 0; length--) {
      const decoded = looseText.decode(raw.subarray(at, at + length));
      if (!decoded.includes("\ufffd") && [...decoded].length === 1) {
        text += decoded;
        break;
      }
    }
    if (length === 0) text += `\\x${raw[at].toString(16).padStart(2, "0")}`;
    at += Math.max(1, length);
  }
  return text;
}

function appendQuarantine(appender: DuckDBAppender, flush: PartitionFlush, rows: QuarantineRows): void {
  for (let row = 0; row < rows.rows; row++) {
    appender.appendVarchar(flush.topicId);
    appender.appendInteger(flush.partition);
    appender.appendBigInt(BigInt(rows.offsets[row]));
    appender.appendTimestamp(new DuckDBTimestampValue(BigInt(rows.recordTimesMs[row]) * 1000n));
    appender.appendVarchar(rows.reasons[row]);
    appender.appendBlob(rows.bytes.subarray(rows.rawStarts[row], rows.rawEnds[row]));
    appender.endRow();
  }
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
       checkpoint = excluded.checkpoint, writer = excluded.writer,
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
