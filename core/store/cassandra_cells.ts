/** Minute rows as Cassandra's units keep them: one cell a row, its dimensions as the key, its figures as bytes. */
import { createHash } from "node:crypto";
import { DIMENSIONS, MEASURES } from "../minutes/fields.ts";
import type { MeasureColumns, MinuteRows } from "./ports.ts";

/** One cell of a unit. */
export interface StoredCell {
  readonly minute: number;
  readonly fromOffset: number;
  /** {@link cellKey} of its dimensions. */
  readonly key: string;
  readonly count: number;
  readonly data: Uint8Array;
}

/** Keys of Cassandra's rows have some kilobytes at most: the digest of longer dimensions stands for them. */
const KEY_LENGTH_MAX = 2_000;

function cellKey(dimensions: string): string {
  if (dimensions.length <= KEY_LENGTH_MAX) return dimensions;
  return `#${createHash("sha256").update(dimensions).digest("hex")}`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const HEAD_BYTES = 4 + 8 + 1;
const MEASURE_BYTES = 5 * 8 + 4;

/**
 * The rows that are in the bucket (floor of minute / 60), as cells. Layout of the bytes: length of the dimensions (u32),
 * errors (f64), a bit per measure that the cell has, then for each of those count, sum, min, max, m2 (f64), the length of
 * its sketch (u32) and the sketch; last the dimensions, a JSON array of texts. All little-endian.
 */
export function* cellsOf(rows: MinuteRows, bucket: number): Generator<StoredCell> {
  for (let row = 0; row < rows.rows; row++) {
    const minute = rows.minutes[row];
    if (Math.floor(minute / 60) !== bucket) continue;
    const dimensions = JSON.stringify(DIMENSIONS.map((name) => {
      const column = rows.dimensions[name];
      return column === undefined ? "" : column.dictionary[column.ids[row]];
    }));
    yield {
      minute,
      fromOffset: rows.fromOffsets[row],
      key: cellKey(dimensions),
      count: rows.counts[row],
      data: encodeFigures(rows, row, encoder.encode(dimensions)),
    };
  }
}

function encodeFigures(rows: MinuteRows, row: number, dimensions: Uint8Array): Uint8Array {
  const present = MEASURES.map(({ name }) => rows.measures[name])
    .map((measure) => measure !== undefined && measure.counts[row] > 0 ? measure : null);
  const sketches = present.map((measure) => measure === null ? null : sketchOf(measure, row));
  let size = HEAD_BYTES + dimensions.length;
  for (const sketch of sketches) if (sketch !== null) size += MEASURE_BYTES + sketch.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, dimensions.length, true);
  view.setFloat64(4, rows.errors[row], true);
  let at = HEAD_BYTES;
  present.forEach((measure, slot) => {
    const sketch = sketches[slot];
    if (measure === null || sketch === null) return;
    bytes[HEAD_BYTES - 1] |= 1 << slot;
    for (const values of [measure.counts, measure.sums, measure.minima, measure.maxima, measure.m2]) {
      view.setFloat64(at, values[row], true);
      at += 8;
    }
    view.setUint32(at, sketch.length, true);
    bytes.set(sketch, at + 4);
    at += 4 + sketch.length;
  });
  bytes.set(dimensions, at);
  return bytes;
}

function sketchOf({ sketches, sketchEnds }: MeasureColumns, row: number): Uint8Array {
  return sketches.subarray(row === 0 ? 0 : sketchEnds[row - 1], sketchEnds[row]);
}

interface OpenMeasure {
  readonly numbers: readonly [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  readonly sketches: Uint8Array[];
  readonly sketchEnds: Uint32Array;
  size: number;
}

/** The cells as minute rows again. */
export function rowsOfCells(cells: readonly StoredCell[]): MinuteRows {
  const count = cells.length;
  const numbers = () => new Float64Array(count);
  const fromOffsets = numbers();
  const counts = numbers();
  const errors = numbers();
  const minutes = new Int32Array(count);
  const columns = DIMENSIONS.map(() => ({ entries: new Map<string, number>(), ids: new Uint32Array(count) }));
  const measures = MEASURES.map((): OpenMeasure => ({
    numbers: [numbers(), numbers(), numbers(), numbers(), numbers()],
    sketches: [],
    sketchEnds: new Uint32Array(count),
    size: 0,
  }));
  cells.forEach(({ minute, fromOffset, count, data }, row) => {
    minutes[row] = minute;
    fromOffsets[row] = fromOffset;
    counts[row] = count;
    errors[row] = decodeFigures(data, row, measures);
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const texts = textsOf(data.subarray(data.length - view.getUint32(0, true)));
    columns.forEach(({ entries, ids }, i) => {
      let id = entries.get(texts[i]);
      if (id === undefined) entries.set(texts[i], id = entries.size);
      ids[row] = id;
    });
  });
  return {
    rows: count,
    minutes,
    fromOffsets,
    counts,
    errors,
    dimensions: Object.fromEntries(
      DIMENSIONS.map((name, i) => [name, { dictionary: [...columns[i].entries.keys()], ids: columns[i].ids }]),
    ),
    measures: Object.fromEntries(MEASURES.map(({ name }, slot) => [name, closedMeasure(measures[slot])])),
  };
}

/** Fills in the measures of a row; answers its errors. */
function decodeFigures(data: Uint8Array, row: number, measures: readonly OpenMeasure[]): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = HEAD_BYTES;
  measures.forEach((measure, slot) => {
    if ((data[HEAD_BYTES - 1] & 1 << slot) === 0) {
      measure.numbers[2][row] = measure.numbers[3][row] = NaN;
    } else {
      for (const values of measure.numbers) {
        values[row] = view.getFloat64(at, true);
        at += 8;
      }
      const length = view.getUint32(at, true);
      measure.sketches.push(data.subarray(at + 4, at + 4 + length));
      measure.size += length;
      at += 4 + length;
    }
    measure.sketchEnds[row] = measure.size;
  });
  return view.getFloat64(4, true);
}

function closedMeasure({ numbers, sketches, sketchEnds, size }: OpenMeasure): MeasureColumns {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const sketch of sketches) {
    bytes.set(sketch, at);
    at += sketch.length;
  }
  const [counts, sums, minima, maxima, m2] = numbers;
  return { counts, sums, minima, maxima, m2, sketches: bytes, sketchEnds };
}

/** The dimensions at the end of a cell's bytes, in the order of {@link DIMENSIONS}. */
export function dimensionsOf(data: Uint8Array): readonly string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return textsOf(data.subarray(data.length - view.getUint32(0, true)));
}

function textsOf(bytes: Uint8Array): readonly string[] {
  const texts: unknown = JSON.parse(decoder.decode(bytes));
  if (!Array.isArray(texts)) throw new TypeError("a cell without dimensions");
  return texts;
}
