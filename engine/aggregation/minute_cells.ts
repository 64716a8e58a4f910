/**
 * The cells of one minute: a table of (dimension ids) → count, errors and, per measure, count, sum, min, max, squared
 * deviations and quantile bins, all in typed arrays. Nothing is allocated per record (bench/scan shows it).
 *
 * Deviations are taken from the cell's first value (shifted data: Chan, Golub, LeVeque 1983), which is stable where
 * sums of squares cancel, and needs no division per record as Welford's method does.
 */
import { Sketch, sketchBin } from "../../core/minutes/sketch.ts";

const NO_BINS = -1;
const FIRST_CELLS = 16;
const FIRST_BINS = 16;

/** One measure of all cells. */
class MeasureCells {
  counts = new Float64Array(FIRST_CELLS);
  sums = new Float64Array(FIRST_CELLS);
  minima = new Float64Array(FIRST_CELLS).fill(NaN);
  maxima = new Float64Array(FIRST_CELLS).fill(NaN);
  #shifts = new Float64Array(FIRST_CELLS);
  #deviations = new Float64Array(FIRST_CELLS);
  #squares = new Float64Array(FIRST_CELLS);
  /** Quantile bins: a window [base, base + width) of bins a cell, kept in a common pool. */
  #binBases = new Int32Array(FIRST_CELLS).fill(NO_BINS);
  #binWidths = new Int32Array(FIRST_CELLS);
  #binStarts = new Int32Array(FIRST_CELLS);
  #pool = new Uint32Array(FIRST_BINS * FIRST_CELLS);
  #poolEnd = 0;
  #zeros = new Float64Array(FIRST_CELLS);
  /** Negative values are rare: their bins live in sketches of their own. */
  readonly #negatives = new Map<number, Sketch>();

  grow(cells: number): void {
    const more = (old: Float64Array<ArrayBuffer>, fill: number) => {
      const array = new Float64Array(cells).fill(fill, old.length);
      array.set(old);
      return array;
    };
    const moreInts = (old: Int32Array<ArrayBuffer>, fill: number) => {
      const array = new Int32Array(cells).fill(fill, old.length);
      array.set(old);
      return array;
    };
    this.counts = more(this.counts, 0);
    this.sums = more(this.sums, 0);
    this.minima = more(this.minima, NaN);
    this.maxima = more(this.maxima, NaN);
    this.#shifts = more(this.#shifts, 0);
    this.#deviations = more(this.#deviations, 0);
    this.#squares = more(this.#squares, 0);
    this.#zeros = more(this.#zeros, 0);
    this.#binBases = moreInts(this.#binBases, NO_BINS);
    this.#binWidths = moreInts(this.#binWidths, 0);
    this.#binStarts = moreInts(this.#binStarts, 0);
  }

  add(cell: number, value: number): void {
    if (this.counts[cell]++ === 0) {
      this.#shifts[cell] = value;
      this.minima[cell] = value;
      this.maxima[cell] = value;
    } else {
      if (value < this.minima[cell]) this.minima[cell] = value;
      if (value > this.maxima[cell]) this.maxima[cell] = value;
    }
    this.sums[cell] += value;
    const deviation = value - this.#shifts[cell];
    this.#deviations[cell] += deviation;
    this.#squares[cell] += deviation * deviation;
    if (value >= 1) {
      const bin = sketchBin(value);
      const at = bin - this.#binBases[cell];
      if (this.#binBases[cell] >= 0 && at >= 0 && at < this.#binWidths[cell]) this.#pool[this.#binStarts[cell] + at]++;
      else this.#addOutside(cell, bin);
    } else if (value === 0) this.#zeros[cell]++;
    else this.#addNegative(cell, value);
  }

  #addNegative(cell: number, value: number): void {
    let sketch = this.#negatives.get(cell);
    if (sketch === undefined) this.#negatives.set(cell, sketch = new Sketch());
    sketch.add(value);
  }

  /** Moves a cell's window to a larger place at the end of the pool; the old place is left unused. */
  #addOutside(cell: number, bin: number): void {
    const oldBase = this.#binBases[cell];
    const oldWidth = this.#binWidths[cell];
    let base = Math.max(0, bin - 3);
    let width = FIRST_BINS;
    if (oldBase >= 0) {
      const low = Math.min(bin, oldBase);
      const high = Math.max(bin + 1, oldBase + oldWidth);
      width = Math.max(oldWidth * 2, high - low);
      // Grow towards the side that ran out.
      base = bin < oldBase ? Math.max(0, high - width) : low;
    }
    const start = this.#poolEnd;
    this.#poolEnd += width;
    if (this.#poolEnd > this.#pool.length) {
      const pool = new Uint32Array(Math.max(this.#poolEnd, this.#pool.length * 2));
      pool.set(this.#pool);
      this.#pool = pool;
    }
    for (let i = 0; i < oldWidth; i++) this.#pool[start + oldBase - base + i] = this.#pool[this.#binStarts[cell] + i];
    this.#binBases[cell] = base;
    this.#binWidths[cell] = width;
    this.#binStarts[cell] = start;
    this.#pool[start + bin - base]++;
  }

  /** Sum of squared deviations from the mean. */
  m2(cell: number): number {
    const count = this.counts[cell];
    if (count < 2) return 0;
    return Math.max(0, this.#squares[cell] - this.#deviations[cell] * this.#deviations[cell] / count);
  }

  sketch(cell: number): Uint8Array {
    const sketch = new Sketch();
    sketch.zeros = this.#zeros[cell];
    const start = this.#binStarts[cell];
    for (let i = 0; i < this.#binWidths[cell]; i++) {
      const count = this.#pool[start + i];
      if (count > 0) sketch.positive.add(this.#binBases[cell] + i, count);
    }
    const negative = this.#negatives.get(cell)?.encode();
    if (negative !== undefined) sketch.mergeEncoded(negative);
    return sketch.encode();
  }
}

export class MinuteCells {
  /** Dimension ids of cell i: dimensionIds[i × dimensions, (i + 1) × dimensions). */
  dimensionIds: Int32Array;
  counts = new Float64Array(FIRST_CELLS);
  errors = new Float64Array(FIRST_CELLS);
  readonly measures: readonly MeasureCells[];
  #size = 0;
  #capacity = FIRST_CELLS;
  /** cell + 1 by hash of its ids, 0 where free; at most half full. */
  #table = new Int32Array(FIRST_CELLS * 2);

  constructor(readonly dimensions: number, measures: number) {
    this.dimensionIds = new Int32Array(FIRST_CELLS * dimensions);
    this.measures = Array.from({ length: measures }, () => new MeasureCells());
  }

  get size(): number {
    return this.#size;
  }

  /** The cell of these ids, or -1. */
  find(ids: Int32Array): number {
    const mask = this.#table.length - 1;
    for (let at = hashOf(ids, 0, this.dimensions) & mask;; at = (at + 1) & mask) {
      const cell = this.#table[at] - 1;
      if (cell < 0 || this.#isCell(cell, ids)) return cell;
    }
  }

  #isCell(cell: number, ids: Int32Array): boolean {
    const dimensions = this.dimensions;
    const from = cell * dimensions;
    for (let i = 0; i < dimensions; i++) if (this.dimensionIds[from + i] !== ids[i]) return false;
    return true;
  }

  /** Makes a cell for ids that {@link find} does not know. */
  insert(ids: Int32Array): number {
    if (this.#size === this.#capacity) this.#grow();
    const cell = this.#size++;
    this.dimensionIds.set(ids.subarray(0, this.dimensions), cell * this.dimensions);
    this.#link(cell);
    return cell;
  }

  #link(cell: number): void {
    const mask = this.#table.length - 1;
    let at = hashOf(this.dimensionIds, cell * this.dimensions, this.dimensions) & mask;
    while (this.#table[at] !== 0) at = (at + 1) & mask;
    this.#table[at] = cell + 1;
  }

  #grow(): void {
    this.#capacity *= 2;
    const more = <A extends Float64Array | Int32Array>(array: A, old: A): A => (array.set(old), array);
    this.dimensionIds = more(new Int32Array(this.#capacity * this.dimensions), this.dimensionIds);
    this.counts = more(new Float64Array(this.#capacity), this.counts);
    this.errors = more(new Float64Array(this.#capacity), this.errors);
    for (const measure of this.measures) measure.grow(this.#capacity);
    this.#table = new Int32Array(this.#capacity * 2);
    for (let cell = 0; cell < this.#size; cell++) this.#link(cell);
  }
}

function hashOf(ids: Int32Array, from: number, length: number): number {
  let hash = 0;
  for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ ids[i], 0x9e3779b1) ^ hash >>> 15;
  return hash ^ hash >>> 16;
}
