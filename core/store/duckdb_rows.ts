/** Minute rows of a flush as columns of Parquet, and how DuckDB takes them into its table. */
import { type Dimension, DIMENSIONS, type Measure, MEASURES } from "../minutes/fields.ts";
import { column } from "./duckdb_schema.ts";
import type { RowGroup } from "./duckdb_staging.ts";
import type { ParquetColumn, Spans } from "../parquet/encoder.ts";
import type { MeasureColumns, MinuteRows, PartitionFlush } from "./ports.ts";

/** The largest double below 2^63: sums beyond it stay at it instead of stopping their partition. */
const INTEGER_MAX = "9223372036854774784";

const integer = (name: string) => `${column(name)}::BIGINT`;
const saturated = (name: string) =>
  `(CASE WHEN abs(${name}) > ${INTEGER_MAX} THEN sign(${name}) * ${INTEGER_MAX} ELSE ${name} END)::BIGINT`;

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

/** Minute rows of one partition. */
export type MinutesOfPartition = Pick<PartitionFlush, "topicId" | "partition" | "minutes">;

/** The minute rows of some flushes, one after the other, as one row group: a reader's work goes by columns of groups. */
export function minuteRowGroup(flushes: readonly MinutesOfPartition[]): RowGroup {
  const parts = flushes.filter(({ minutes }) => minutes.rows > 0);
  const all = parts.map(({ minutes }) => minutes);
  const rows = all.reduce((sum, { rows }) => sum + rows, 0);
  const floats = (of: (part: MinuteRows) => Float64Array) => joined(new Float64Array(rows), all.map(of));
  return {
    rows,
    columns: [
      {
        name: "topic_id",
        kind: "dictionary",
        ...repeated(parts.map(({ topicId, minutes }) => [topicId, minutes.rows])),
      },
      { name: "part", kind: "int32", values: Int32Array.from(repeatEach(parts)) },
      { name: "minute", kind: "int32", values: joined(new Int32Array(rows), all.map(({ minutes }) => minutes)) },
      { name: "from_offset", kind: "double", values: floats(({ fromOffsets }) => fromOffsets) },
      ...DIMENSIONS.map((name): ParquetColumn => ({ name, kind: "dictionary", ...dimensionColumn(all, name, rows) })),
      { name: "count", kind: "double", values: floats(({ counts }) => counts) },
      { name: "errors", kind: "double", values: floats(({ errors }) => errors) },
      ...MEASURES.flatMap(({ name }) => measureColumns(name, all, rows)),
    ],
  };
}

/** The parts one after the other in `into`, which has just their length. */
function joined<A extends Float64Array | Int32Array>(into: A, parts: readonly A[]): A {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
  return into;
}

function* repeatEach(flushes: readonly MinutesOfPartition[]): Generator<number> {
  for (const { partition, minutes: { rows } } of flushes) for (let i = 0; i < rows; i++) yield partition;
}

interface Dictionary {
  readonly dictionary: string[];
  readonly ids: Uint32Array;
}

/** Texts, each repeated so often. */
function repeated(texts: readonly (readonly [text: string, times: number])[]): Dictionary {
  const dictionary = [...new Set(texts.map(([text]) => text))];
  const ids = new Uint32Array(texts.reduce((sum, [, times]) => sum + times, 0));
  let at = 0;
  for (const [text, times] of texts) ids.fill(dictionary.indexOf(text), at, at += times);
  return { dictionary, ids };
}

/** An absent dimension is the empty text. */
function dimensionColumn(parts: readonly MinuteRows[], name: Dimension, rows: number): Dictionary {
  const entries = new Map<string, number>();
  const entryOf = (text: string): number => {
    let entry = entries.get(text);
    if (entry === undefined) entries.set(text, entry = entries.size);
    return entry;
  };
  const ids = new Uint32Array(rows);
  let at = 0;
  for (const part of parts) {
    const column = part.dimensions[name];
    if (column === undefined) ids.fill(entryOf(""), at, at + part.rows);
    else {
      const entryOfId = column.dictionary.map(entryOf);
      for (let row = 0; row < part.rows; row++) ids[at + row] = entryOfId[column.ids[row]];
    }
    at += part.rows;
  }
  return { dictionary: [...entries.keys()], ids };
}

/** A cell without values of this measure has nulls in all its columns. */
function measureColumns(name: Measure, parts: readonly MinuteRows[], rows: number): ParquetColumn[] {
  const measures = parts.map((part) => ({ rows: part.rows, measure: part.measures[name] }));
  const isAbsent = measures.every(({ measure }) => measure === undefined);
  const numbers = (of: "counts" | "sums" | "minima" | "maxima" | "m2"): Float64Array | null => {
    if (isAbsent) return null;
    const values = new Float64Array(rows).fill(NaN);
    let at = 0;
    for (const { rows, measure } of measures) {
      if (measure !== undefined) {
        for (let row = 0; row < rows; row++) if (measure.counts[row] !== 0) values[at + row] = measure[of][row];
      }
      at += rows;
    }
    return values;
  };
  return [
    { name: `${name}_count`, kind: "nullable double", values: numbers("counts") },
    { name: `${name}_sum`, kind: "nullable double", values: numbers("sums") },
    { name: `${name}_min`, kind: "nullable double", values: numbers("minima") },
    { name: `${name}_max`, kind: "nullable double", values: numbers("maxima") },
    { name: `${name}_m2`, kind: "nullable double", values: numbers("m2") },
    { name: `${name}_sketch`, kind: "spans", isText: false, spans: isAbsent ? null : sketchSpans(measures, rows) },
  ];
}

function sketchSpans(
  measures: readonly { readonly rows: number; readonly measure: MeasureColumns | undefined }[],
  rows: number,
): Spans {
  const bytes = new Uint8Array(measures.reduce((sum, { measure }) => sum + (measure?.sketches.length ?? 0), 0));
  const starts = new Int32Array(rows).fill(-1);
  const ends = new Int32Array(rows);
  let at = 0;
  let written = 0;
  for (const { rows, measure } of measures) {
    if (measure !== undefined) {
      bytes.set(measure.sketches, written);
      for (let row = 0; row < rows; row++) {
        if (measure.counts[row] === 0) continue;
        starts[at + row] = written + (row === 0 ? 0 : measure.sketchEnds[row - 1]);
        ends[at + row] = written + measure.sketchEnds[row];
      }
      written += measure.sketches.length;
    }
    at += rows;
  }
  return { bytes, starts, ends };
}
