/**
 * Events and quarantined records of one partition as encoded row groups of Parquet: made where they were parsed, and from
 * there on only bytes, whichever store keeps them. A group has at most {@link BLOCK_BYTES} of records, so that who reads
 * one never needs much memory, however wide its records are.
 */
import { isAscii, isUtf8 } from "node:buffer";
import { type Measure, MEASURES, TEXT_FIELDS, type TextField } from "../minutes/fields.ts";
import { type EncodedRowGroup, type ParquetColumn, RowGroupEncoder, type Spans } from "../parquet/encoder.ts";
import { escapeInvalid } from "./raw_text.ts";

/** Events, as columns. Text is UTF-8 spans of `bytes`; an absent value has start -1. */
export interface EventRows {
  readonly rows: number;
  readonly bytes: Uint8Array;
  readonly offsets: Float64Array;
  readonly timestampMicros: Float64Array;
  /** The record's own time in the log, epoch milliseconds: what retention goes by. */
  readonly recordTimesMs: Float64Array;
  /** The record itself. */
  readonly rawStarts: Uint32Array;
  readonly rawEnds: Uint32Array;
  readonly text: Readonly<Partial<Record<TextField, { readonly starts: Int32Array; readonly ends: Int32Array }>>>;
  /** Integer units; NaN where absent. */
  readonly measures: Readonly<Partial<Record<Measure, Float64Array>>>;
}

/** Records that could not be parsed. */
export interface QuarantineRows {
  readonly rows: number;
  readonly bytes: Uint8Array;
  readonly rawStarts: Uint32Array;
  readonly rawEnds: Uint32Array;
  readonly offsets: Float64Array;
  /** The record's own time in the log, epoch milliseconds. */
  readonly recordTimesMs: Float64Array;
  readonly reasons: readonly string[];
}

/** A row group, and what a catalogue says of it. */
export interface RecordBlock {
  readonly group: EncodedRowGroup;
  /** Smallest and largest time: of the events, or of quarantined records in the log. Microseconds since 1970. */
  readonly firstMicros: number;
  readonly lastMicros: number;
  /** Largest time in the log, epoch milliseconds: what retention goes by. */
  readonly lastRecordMs: number;
}

/** Bytes of records in a block, but for a single record that is larger. */
const BLOCK_BYTES = 4 * 1_048_576;

const encoder = new RowGroupEncoder("zstd");

/** The columns of events, in their order; `ts` is the event's time, `record_time` the record's in the log. */
export function encodeEvents(topicId: string, partition: number, rows: EventRows): RecordBlock[] {
  const content = contentOf(rows.bytes);
  return sliceRows(rows).map(({ from, to }) => {
    const count = to - from;
    const times = rows.timestampMicros.subarray(from, to);
    const recordTimes = microsOf(rows.recordTimesMs.subarray(from, to));
    const spansOf = ({ starts, ends }: Pick<Spans, "starts" | "ends">): Spans => ({
      bytes: rows.bytes,
      starts: starts.subarray(from, to),
      ends: ends.subarray(from, to),
    });
    const raw = spansOf({ starts: rows.rawStarts, ends: rows.rawEnds });
    const invalid = invalidRows(raw, content);
    const columns: ParquetColumn[] = [
      { name: "topic_id", kind: "dictionary", dictionary: [topicId], ids: null },
      { name: "part", kind: "constant", value: partition },
      { name: "offset", kind: "int64", values: rows.offsets.subarray(from, to) },
      { name: "ts", kind: "timestamp", values: times },
      { name: "record_time", kind: "timestamp", values: recordTimes },
      ...TEXT_FIELDS.map((name): ParquetColumn => {
        const spans = rows.text[name];
        return { name, kind: "spans", isText: true, spans: spans ? textSpans(spansOf(spans), content) : null };
      }),
      ...MEASURES.map(({ name }): ParquetColumn => ({
        name,
        kind: "nullable int64",
        values: rows.measures[name]?.subarray(from, to) ?? null,
      })),
      // Where a record is not UTF-8: a text to search (bad bytes as \xNN) and, beside it, the bytes themselves.
      { name: "raw", kind: "spans", isText: true, spans: replaceRows(raw, invalid, escapeInvalid) },
      { name: "raw_bytes", kind: "spans", isText: false, spans: onlyRows(raw, invalid) },
      { name: "width_bytes", kind: "int32", values: widthsOf(raw) },
    ];
    return { group: encoder.encode(count, columns), ...boundsOf(times), lastRecordMs: lastOf(recordTimes) };
  });
}

/** The columns of quarantined records, in their order. */
export function encodeQuarantine(topicId: string, partition: number, rows: QuarantineRows): RecordBlock[] {
  return sliceRows(rows).map(({ from, to }) => {
    const recordTimes = microsOf(rows.recordTimesMs.subarray(from, to));
    const raw = { bytes: rows.bytes, starts: rows.rawStarts.subarray(from, to), ends: rows.rawEnds.subarray(from, to) };
    const columns: ParquetColumn[] = [
      { name: "topic_id", kind: "dictionary", dictionary: [topicId], ids: null },
      { name: "part", kind: "constant", value: partition },
      { name: "offset", kind: "int64", values: rows.offsets.subarray(from, to) },
      { name: "record_time", kind: "timestamp", values: recordTimes },
      { name: "reason", kind: "dictionary", ...dictionaryOf(rows.reasons.slice(from, to)) },
      { name: "raw", kind: "spans", isText: false, spans: raw },
      { name: "width_bytes", kind: "int32", values: widthsOf(raw) },
    ];
    return { group: encoder.encode(to - from, columns), ...boundsOf(recordTimes), lastRecordMs: lastOf(recordTimes) };
  });
}

/** Rows that follow each other, a block each. */
function sliceRows(
  { rows, rawStarts, rawEnds }: Pick<EventRows, "rows" | "rawStarts" | "rawEnds">,
): { from: number; to: number }[] {
  const slices: { from: number; to: number }[] = [];
  let from = 0;
  let bytes = 0;
  for (let row = 0; row < rows; row++) {
    const width = rawEnds[row] - rawStarts[row];
    if (row > from && bytes + width > BLOCK_BYTES) {
      slices.push({ from, to: row });
      from = row;
      bytes = 0;
    }
    bytes += width;
  }
  if (rows > from) slices.push({ from, to: rows });
  return slices;
}

function boundsOf(micros: Float64Array): Pick<RecordBlock, "firstMicros" | "lastMicros"> {
  let firstMicros = Infinity;
  let lastMicros = -Infinity;
  for (const value of micros) {
    if (value < firstMicros) firstMicros = value;
    if (value > lastMicros) lastMicros = value;
  }
  return { firstMicros, lastMicros };
}

const lastOf = (micros: Float64Array) => Math.ceil(boundsOf(micros).lastMicros / 1000);

// Loops, for a call a value costs more than what it does.

function microsOf(timesMs: Float64Array): Float64Array {
  const micros = new Float64Array(timesMs.length);
  for (let row = 0; row < micros.length; row++) micros[row] = Math.floor(timesMs[row]) * 1000;
  return micros;
}

function widthsOf({ starts, ends }: Spans): Int32Array {
  const widths = new Int32Array(starts.length);
  for (let row = 0; row < widths.length; row++) widths[row] = ends[row] - starts[row];
  return widths;
}

function dictionaryOf(texts: readonly string[]): { dictionary: string[]; ids: Uint32Array } {
  const entries = new Map<string, number>();
  const ids = new Uint32Array(texts.length);
  texts.forEach((text, row) => {
    let id = entries.get(text);
    if (id === undefined) entries.set(text, id = entries.size);
    ids[row] = id;
  });
  return { dictionary: [...entries.keys()], ids };
}

const looseText = new TextDecoder("utf-8", { ignoreBOM: true });

/** Spans of text as readers take them: what is not UTF-8 with U+FFFD for what is wrong. */
function textSpans(spans: Spans, content: Content): Spans {
  return replaceRows(spans, invalidRows(spans, content), (bytes) => looseText.decode(bytes));
}

/** What bytes are as a whole, which spares most looks at their spans. */
type Content = "ascii" | "utf-8" | "bytes";

const contentOf = (bytes: Uint8Array): Content => isAscii(bytes) ? "ascii" : isUtf8(bytes) ? "utf-8" : "bytes";

/**
 * The rows whose span is not UTF-8. Where all of the bytes are, only a span that is cut within a character can be wrong: two
 * halves of one that happen to lie side by side are.
 */
function invalidRows({ bytes, starts, ends }: Spans, content: Content): number[] {
  const rows: number[] = [];
  if (content === "ascii") return rows;
  const isText = content === "utf-8";
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
