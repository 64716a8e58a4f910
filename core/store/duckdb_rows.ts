/** The rows of a flush as columns of Parquet, and how DuckDB takes them into its tables. */
import { isUtf8 } from "node:buffer";
import { DIMENSIONS, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { escapeInvalid } from "./duckdb_raw_text.ts";
import { column } from "./duckdb_schema.ts";
import type { RowGroup } from "./duckdb_staging.ts";
import type { ParquetColumn, Spans } from "./parquet_encoder.ts";
import type { MeasureColumns, PartitionFlush } from "./ports.ts";

/** The largest double below 2^63: sums beyond it stay at it instead of stopping their partition. */
const INTEGER_MAX = "9223372036854774784";

const integer = (name: string) => `${column(name)}::BIGINT`;
const saturated = (name: string) =>
  `(CASE WHEN abs(${name}) > ${INTEGER_MAX} THEN sign(${name}) * ${INTEGER_MAX} ELSE ${name} END)::BIGINT`;
const timestamp = (name: string) => `make_timestamp(${column(name)}::BIGINT)`;

/** Expressions over the staged columns, in the order of the tables' columns. */
export const MINUTE_SELECT = [
  "topic_id",
  "part",
  "minute",
  integer("from_offset"),
  ...DIMENSIONS.map(column),
  integer("count"),
  integer("errors"),
  ...MEASURES.flatMap(({ name }) => [
    integer(`${name}_count`),
    saturated(`${name}_sum`),
    integer(`${name}_min`),
    integer(`${name}_max`),
    `${name}_m2`,
    `${name}_sketch`,
  ]),
].join(", ");

export const EVENT_SELECT = [
  "topic_id",
  "part",
  integer("offset"),
  timestamp("ts"),
  timestamp("record_time"),
  ...TEXT_FIELDS.map(column),
  ...MEASURES.map(({ name }) => integer(name)),
  "raw",
  "raw_bytes",
  "(strlen(raw) + coalesce(octet_length(raw_bytes), 0))::INTEGER",
].join(", ");

export const QUARANTINE_SELECT = [
  "topic_id",
  "part",
  integer("offset"),
  timestamp("record_time"),
  "reason",
  "raw",
  "octet_length(raw)::INTEGER",
].join(", ");

/** What all rows of a flush have in common. */
function partitionColumns({ topicId, partition }: PartitionFlush, rows: number): ParquetColumn[] {
  return [
    { name: "topic_id", kind: "dictionary", dictionary: [topicId], ids: null },
    { name: "part", kind: "int32", values: new Int32Array(rows).fill(partition) },
  ];
}

export function minuteRowGroup(flush: PartitionFlush): RowGroup {
  const { minutes: rows } = flush;
  return {
    rows: rows.rows,
    columns: () => [
      ...partitionColumns(flush, rows.rows),
      { name: "minute", kind: "int32", values: rows.minutes },
      { name: "from_offset", kind: "double", values: rows.fromOffsets },
      ...DIMENSIONS.map((name): ParquetColumn => ({
        name,
        kind: "dictionary",
        dictionary: rows.dimensions[name]?.dictionary ?? [""],
        ids: rows.dimensions[name]?.ids ?? null,
      })),
      { name: "count", kind: "double", values: rows.counts },
      { name: "errors", kind: "double", values: rows.errors },
      ...MEASURES.flatMap(({ name }) => measureColumns(name, rows.measures[name])),
    ],
  };
}

/** A cell without values of this measure has nulls in all its columns. */
function measureColumns(name: string, measure: MeasureColumns | undefined): ParquetColumn[] {
  const numbers = (of: "counts" | "sums" | "minima" | "maxima" | "m2"): Float64Array | null =>
    measure === undefined ? null : measure[of].map((value, row) => measure.counts[row] === 0 ? NaN : value);
  return [
    { name: `${name}_count`, kind: "nullable double", values: numbers("counts") },
    { name: `${name}_sum`, kind: "nullable double", values: numbers("sums") },
    { name: `${name}_min`, kind: "nullable double", values: numbers("minima") },
    { name: `${name}_max`, kind: "nullable double", values: numbers("maxima") },
    { name: `${name}_m2`, kind: "nullable double", values: numbers("m2") },
    {
      name: `${name}_sketch`,
      kind: "spans",
      isText: false,
      spans: measure === undefined ? null : sketchSpans(measure),
    },
  ];
}

function sketchSpans({ counts, sketches, sketchEnds }: MeasureColumns): Spans {
  const starts = new Int32Array(sketchEnds.length);
  for (let row = 0; row < starts.length; row++) {
    starts[row] = counts[row] === 0 ? -1 : row === 0 ? 0 : sketchEnds[row - 1];
  }
  return { bytes: sketches, starts, ends: sketchEnds };
}

export function eventRowGroup(flush: PartitionFlush): RowGroup {
  const rows = flush.events;
  if (rows === null) return { rows: 0, columns: () => [] };
  return {
    rows: rows.rows,
    columns: () => {
      const { bytes } = rows;
      const isText = isUtf8(bytes);
      const raw = { bytes, starts: rows.rawStarts, ends: rows.rawEnds };
      const invalid = invalidRows(raw, isText);
      return [
        ...partitionColumns(flush, rows.rows),
        { name: "offset", kind: "double", values: rows.offsets },
        { name: "ts", kind: "double", values: rows.timestampMicros },
        { name: "record_time", kind: "double", values: microsOf(rows.recordTimesMs) },
        ...TEXT_FIELDS.map((name): ParquetColumn => {
          const spans = rows.text[name];
          return { name, kind: "spans", isText: true, spans: spans ? textSpans({ bytes, ...spans }, isText) : null };
        }),
        ...MEASURES.map(({ name }): ParquetColumn => ({
          name,
          kind: "nullable double",
          values: rows.measures[name] ?? null,
        })),
        // Where a record is not UTF-8: a text to search (bad bytes as \xNN) and, beside it, the bytes themselves.
        { name: "raw", kind: "spans", isText: true, spans: replaceRows(raw, invalid, escapeInvalid) },
        { name: "raw_bytes", kind: "spans", isText: false, spans: onlyRows(raw, invalid) },
      ];
    },
  };
}

export function quarantineRowGroup(flush: PartitionFlush): RowGroup {
  const rows = flush.quarantine;
  if (rows === null) return { rows: 0, columns: () => [] };
  return {
    rows: rows.rows,
    columns: () => [
      ...partitionColumns(flush, rows.rows),
      { name: "offset", kind: "double", values: rows.offsets },
      { name: "record_time", kind: "double", values: microsOf(rows.recordTimesMs) },
      { name: "reason", ...dictionaryOf(rows.reasons) },
      {
        name: "raw",
        kind: "spans",
        isText: false,
        spans: { bytes: rows.bytes, starts: rows.rawStarts, ends: rows.rawEnds },
      },
    ],
  };
}

function microsOf(timesMs: Float64Array): Float64Array {
  return timesMs.map((ms) => Math.floor(ms) * 1000);
}

function dictionaryOf(texts: readonly string[]): { kind: "dictionary"; dictionary: string[]; ids: Uint32Array } {
  const entries = new Map<string, number>();
  const ids = new Uint32Array(texts.length);
  texts.forEach((text, row) => {
    let id = entries.get(text);
    if (id === undefined) entries.set(text, id = entries.size);
    ids[row] = id;
  });
  return { kind: "dictionary", dictionary: [...entries.keys()], ids };
}

const looseText = new TextDecoder("utf-8", { ignoreBOM: true });

/** Spans of text as DuckDB takes them: what is not UTF-8 with U+FFFD for what is wrong. */
function textSpans(spans: Spans, isText: boolean): Spans {
  return replaceRows(spans, invalidRows(spans, isText), (bytes) => looseText.decode(bytes));
}

/**
 * The rows whose span is not UTF-8. Where all of the bytes are (`isText`), only a span that is cut within a character
 * can be wrong: two halves of one that happen to lie side by side are.
 */
function invalidRows({ bytes, starts, ends }: Spans, isText: boolean): number[] {
  const rows: number[] = [];
  for (let row = 0; row < starts.length; row++) {
    const start = starts[row];
    if (start < 0) continue;
    const end = ends[row];
    const isValid = isText
      ? (start === end || (bytes[start] & 0xc0) !== 0x80) && (end === bytes.length || (bytes[end] & 0xc0) !== 0x80)
      : isUtf8(bytes.subarray(start, end));
    if (!isValid) rows.push(row);
  }
  return rows;
}

function replaceRows(spans: Spans, rows: readonly number[], replace: (bytes: Uint8Array) => string): Spans {
  if (rows.length === 0) return spans;
  const utf8 = new TextEncoder();
  const texts = rows.map((row) => utf8.encode(replace(spans.bytes.subarray(spans.starts[row], spans.ends[row]))));
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + length, spans.bytes.length));
  bytes.set(spans.bytes);
  const starts = Int32Array.from(spans.starts);
  const ends = Int32Array.from(spans.ends);
  let at = spans.bytes.length;
  texts.forEach((text, i) => {
    bytes.set(text, at);
    starts[rows[i]] = at;
    ends[rows[i]] = at += text.length;
  });
  return { bytes, starts, ends };
}

function onlyRows(spans: Spans, rows: readonly number[]): Spans | null {
  if (rows.length === 0) return null;
  const starts = new Int32Array(spans.starts.length).fill(-1);
  for (const row of rows) starts[row] = spans.starts[row];
  return { ...spans, starts };
}
