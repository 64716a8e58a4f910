/**
 * The cells of one minute: a table of (dimension ids) → count, errors and, per measure, count, sum, min, max, squared
 * deviations and quantile bins, all in typed arrays. Nothing is allocated per record (bench/scan shows it).
 *
 * Deviations are taken from the cell's first value (shifted data: Chan, Golub, LeVeque 1983), which is stable where
 * sums of squares cancel, and needs no division per record as Welford's method does.
 */
import {
  BINS_MAX,
  BINS_PER_OCTAVE,
  OCTAVES,
  Sketch,
  sketchBin,
  type SketchEncoder,
} from "../../core/minutes/sketch.ts";

const FIRST_CELLS = 16;
/** Bins that a cell lists one by one before it gets counters: most cells of a minute see few values. */
const LISTED_MAX = 32;
const OCTAVE_SHIFT = Math.log2(BINS_PER_OCTAVE);
// Places in the record of a cell; its count is at 0.
const STRIDE = 8;
const SUM = 1;
const MIN = 2;
const MAX = 3;
const SHIFT = 4;
const DEVIATIONS = 5;
const SQUARES = 6;
const ZEROS = 7;

// The sketch that is being encoded: its bins that are not empty, and their counts.
const entryBins = new Int32Array(BINS_MAX);
const entryCounts = new Uint32Array(BINS_MAX);

/** One measure of all cells. Nothing is held before the first value. */
class MeasureCells {
  /** Eight numbers a cell, one cache line: count, sum, min, max, shift, sum of deviations, of their squares, zeros. */
  #cells = new Float64Array(0);
  /** By cell: 0 or less, how many bins it lists (negated); more, its block of pages. */
  #blocks = new Int32Array(0);
  /** Bins of the first values of a cell, as they came: LISTED_MAX a cell. */
  #listed = new Uint16Array(0);
  /**
   * Beyond these, counters of bins in pages of one octave, which are never moved: page of (block, octave), 0 for none,
   * and the pages' counts. Windows that grow and move took three times as long where cells are many (bench/scan).
   */
  #pages = new Int32Array(0);
  #blockCount = 1;
  #pool = new Uint32Array(0);
  #pageCount = 1;
  /** Negative values are rare: their bins live in sketches of their own. */
  readonly #negatives = new Map<number, Sketch>();

  add(cell: number, value: number): void {
    const at = cell * STRIDE;
    if (at >= this.#cells.length) this.#grow(cell);
    const cells = this.#cells;
    if (cells[at]++ === 0) {
      cells[at + MIN] = value;
      cells[at + MAX] = value;
      cells[at + SHIFT] = value;
    } else if (value < cells[at + MIN]) cells[at + MIN] = value;
    else if (value > cells[at + MAX]) cells[at + MAX] = value;
    const deviation = value - cells[at + SHIFT];
    cells[at + SUM] += value;
    cells[at + DEVIATIONS] += deviation;
    cells[at + SQUARES] += deviation * deviation;
    if (value >= 1) {
      const bin = sketchBin(value);
      const block = this.#blocks[cell];
      if (block > 0) this.#count(block, bin);
      else if (block > -LISTED_MAX) {
        this.#listed[cell * LISTED_MAX - block] = bin;
        this.#blocks[cell] = block - 1;
      } else this.#count(this.#addBlock(cell), bin);
    } else if (value === 0) cells[at + ZEROS]++;
    else this.#addNegative(cell, value);
  }

  /**
   * Adds a column of values, those of row i for cell tagged[i] >> 1, at values[i × stride + at]; NaN is none. The same as
   * {@link add} for each, but arrays are looked up once a call, not once a value.
   */
  addRows(rows: number, tagged: Int32Array, values: Float64Array, stride: number, at: number): void {
    let cells = this.#cells;
    let blocks = this.#blocks;
    for (let row = 0; row < rows; row++) {
      const value = values[row * stride + at];
      const cell = tagged[row] >> 1;
      const from = cell * STRIDE;
      // Integers from 1 on, of a cell that has counters and values already: nearly all.
      if (value >= 1 && from < cells.length && blocks[cell] > 0) {
        const deviation = value - cells[from + SHIFT];
        cells[from]++;
        cells[from + SUM] += value;
        cells[from + DEVIATIONS] += deviation;
        cells[from + SQUARES] += deviation * deviation;
        if (value < cells[from + MIN]) cells[from + MIN] = value;
        else if (value > cells[from + MAX]) cells[from + MAX] = value;
        this.#count(blocks[cell], sketchBin(value));
      } else if (value === value) {
        this.add(cell, value);
        cells = this.#cells;
        blocks = this.#blocks;
      }
    }
  }

  #count(block: number, bin: number): void {
    const octave = block * OCTAVES + (bin >>> OCTAVE_SHIFT);
    let page = this.#pages[octave];
    if (page === 0) page = this.#addPage(octave); // before the pool is looked up, which it may replace
    this.#pool[page * BINS_PER_OCTAVE + (bin & BINS_PER_OCTAVE - 1)]++;
  }

  /** Makes room for `cell` and as many again. */
  #grow(cell: number): void {
    const cells = Math.max(FIRST_CELLS, (cell + 1) * 2);
    this.#cells = grown(new Float64Array(cells * STRIDE), this.#cells);
    this.#blocks = grown(new Int32Array(cells), this.#blocks);
    this.#listed = grown(new Uint16Array(cells * LISTED_MAX), this.#listed);
  }

  /** Gives a cell counters, and counts what it has listed. */
  #addBlock(cell: number): number {
    const block = this.#blockCount++;
    if (this.#blockCount * OCTAVES > this.#pages.length) {
      this.#pages = grown(new Int32Array(this.#blockCount * 2 * OCTAVES), this.#pages);
    }
    this.#blocks[cell] = block;
    for (let i = 0; i < LISTED_MAX; i++) this.#count(block, this.#listed[cell * LISTED_MAX + i]);
    return block;
  }

  #addPage(at: number): number {
    const page = this.#pageCount++;
    if (this.#pageCount * BINS_PER_OCTAVE > this.#pool.length) {
      this.#pool = grown(new Uint32Array(this.#pageCount * 2 * BINS_PER_OCTAVE), this.#pool);
    }
    this.#pages[at] = page;
    return page;
  }

  #addNegative(cell: number, value: number): void {
    let sketch = this.#negatives.get(cell);
    if (sketch === undefined) this.#negatives.set(cell, sketch = new Sketch());
    sketch.add(value);
  }

  /** As it was made, but with the memory that it has come by; `cells` are those that may have values. */
  clear(cells: number): void {
    this.#cells.fill(0, 0, Math.min(cells * STRIDE, this.#cells.length));
    this.#blocks.fill(0, 0, Math.min(cells, this.#blocks.length));
    this.#pages.fill(0, 0, Math.min(this.#blockCount * OCTAVES, this.#pages.length));
    this.#pool.fill(0, 0, Math.min(this.#pageCount * BINS_PER_OCTAVE, this.#pool.length));
    this.#blockCount = 1;
    this.#pageCount = 1;
    this.#negatives.clear();
  }

  get sizeBytes(): number {
    const arrays = [this.#cells, this.#blocks, this.#listed, this.#pages, this.#pool];
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  count(cell: number): number {
    return cell * STRIDE < this.#cells.length ? this.#cells[cell * STRIDE] : 0;
  }

  sum(cell: number): number {
    return this.count(cell) === 0 ? 0 : this.#cells[cell * STRIDE + SUM];
  }

  /** NaN for a cell without values. */
  min(cell: number): number {
    return this.count(cell) === 0 ? NaN : this.#cells[cell * STRIDE + MIN];
  }

  /** NaN for a cell without values. */
  max(cell: number): number {
    return this.count(cell) === 0 ? NaN : this.#cells[cell * STRIDE + MAX];
  }

  /** Sum of squared deviations from the mean. */
  m2(cell: number): number {
    const count = this.count(cell);
    if (count < 2) return 0;
    const deviations = this.#cells[cell * STRIDE + DEVIATIONS];
    return Math.max(0, this.#cells[cell * STRIDE + SQUARES] - deviations * deviations / count);
  }

  /** Writes the quantile sketch of a cell that has values (core/minutes/sketch.ts). */
  encodeSketch(cell: number, encoder: SketchEncoder): void {
    encoder.number(this.#cells[cell * STRIDE + ZEROS]);
    const block = this.#blocks[cell];
    if (block > 0) this.#encodeCounters(block, encoder);
    else this.#encodeListed(cell, -block, encoder);
    const negative = this.#negatives.get(cell)?.negative;
    if (negative === undefined) encoder.number(0);
    else encoder.bins(negative.base, negative.counts);
  }

  #encodeListed(cell: number, length: number, encoder: SketchEncoder): void {
    const bins = this.#listed;
    const from = cell * LISTED_MAX;
    // Sorted where they lie, for their order tells nothing: a call of sort() takes longer than so few do.
    for (let i = from + 1; i < from + length; i++) {
      const bin = bins[i];
      let to = i;
      for (; to > from && bins[to - 1] > bin; to--) bins[to] = bins[to - 1];
      bins[to] = bin;
    }
    let entries = 0;
    for (let i = from; i < from + length; i++) {
      if (entries > 0 && entryBins[entries - 1] === bins[i]) {
        entryCounts[entries - 1]++;
        continue;
      }
      entryBins[entries] = bins[i];
      entryCounts[entries++] = 1;
    }
    encoder.entries(entryBins, entryCounts, entries);
  }

  #encodeCounters(block: number, encoder: SketchEncoder): void {
    const pages = this.#pages;
    const pool = this.#pool;
    let entries = 0;
    for (let octave = 0; octave < OCTAVES; octave++) {
      const page = pages[block * OCTAVES + octave];
      if (page === 0) continue;
      for (let i = 0; i < BINS_PER_OCTAVE; i++) {
        const count = pool[page * BINS_PER_OCTAVE + i];
        if (count === 0) continue;
        entryBins[entries] = octave * BINS_PER_OCTAVE + i;
        entryCounts[entries++] = count;
      }
    }
    encoder.entries(entryBins, entryCounts, entries);
  }
}

type Numbers = Float64Array | Int32Array | Uint32Array | Uint16Array;

/** `array`, which is longer, with the values of `old`. */
function grown<A extends Numbers>(array: A, old: A): A {
  array.set(old);
  return array;
}

let serials = 0;

export class MinuteCells {
  /** Unlike that of any other cells of this thread. */
  serial: number = ++serials;
  /** Dimension ids of cell i: dimensionIds[i × dimensions, (i + 1) × dimensions). */
  dimensionIds: Int32Array;
  counts: Float64Array;
  errors: Float64Array;
  readonly measures: readonly MeasureCells[];
  /** Counts as they were taken last: a cell whose count differs has changed. */
  #taken: Float64Array;
  #size = 0;
  #capacity = FIRST_CELLS;
  /** cell + 1 by hash of its ids, 0 where free; at most half full. */
  #table: Int32Array;

  /** @param expected Cells to make room for: the minute before is a good guess. */
  constructor(readonly dimensions: number, measures: number, expected = 0) {
    while (this.#capacity < expected) this.#capacity *= 2;
    this.dimensionIds = new Int32Array(this.#capacity * dimensions);
    this.counts = new Float64Array(this.#capacity);
    this.errors = new Float64Array(this.#capacity);
    this.#taken = new Float64Array(this.#capacity);
    this.#table = new Int32Array(this.#capacity * 2);
    this.measures = Array.from({ length: measures }, () => new MeasureCells());
  }

  get size(): number {
    return this.#size;
  }

  /** No cells, as they were made, under another serial: whoever has had these has none of them any more. */
  clear(): void {
    for (const measure of this.measures) measure.clear(this.#size);
    for (const numbers of [this.counts, this.errors, this.#taken]) numbers.fill(0, 0, this.#size);
    this.#table.fill(0);
    this.#size = 0;
    this.serial = ++serials;
  }

  get sizeBytes(): number {
    const own = [this.dimensionIds, this.counts, this.errors, this.#taken, this.#table];
    return [...own.map(({ byteLength }) => byteLength), ...this.measures.map(({ sizeBytes }) => sizeBytes)]
      .reduce((sum, bytes) => sum + bytes, 0);
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

  /** How many cells have changed since {@link takeChanged} was called last. */
  countChanged(): number {
    let changed = 0;
    for (let cell = 0; cell < this.#size; cell++) if (this.counts[cell] !== this.#taken[cell]) changed++;
    return changed;
  }

  /** The cells that have changed since the last call, in order. */
  takeChanged(): Uint32Array {
    const changed = new Uint32Array(this.#size);
    let size = 0;
    for (let cell = 0; cell < this.#size; cell++) {
      if (this.counts[cell] === this.#taken[cell]) continue;
      this.#taken[cell] = this.counts[cell];
      changed[size++] = cell;
    }
    return changed.subarray(0, size);
  }

  #link(cell: number): void {
    const mask = this.#table.length - 1;
    let at = hashOf(this.dimensionIds, cell * this.dimensions, this.dimensions) & mask;
    while (this.#table[at] !== 0) at = (at + 1) & mask;
    this.#table[at] = cell + 1;
  }

  #grow(): void {
    this.#capacity *= 2;
    this.dimensionIds = grown(new Int32Array(this.#capacity * this.dimensions), this.dimensionIds);
    this.counts = grown(new Float64Array(this.#capacity), this.counts);
    this.errors = grown(new Float64Array(this.#capacity), this.errors);
    this.#taken = grown(new Float64Array(this.#capacity), this.#taken);
    this.#table = new Int32Array(this.#capacity * 2);
    for (let cell = 0; cell < this.#size; cell++) this.#link(cell);
  }
}

function hashOf(ids: Int32Array, from: number, length: number): number {
  let hash = 0;
  for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ ids[i], 0x9e3779b1) ^ hash >>> 15;
  return hash ^ hash >>> 16;
}
