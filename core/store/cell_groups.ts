/**
 * Cells by what questions group them by: pages ask for the same few series again and again, of minutes that do not change. So
 * the rows of a block are added up once for each such grouping, and a day of points costs a few rows each.
 */
import { MEASURES } from "../minutes/fields.ts";
import { SketchMerger } from "../minutes/sketch_merger.ts";
import { type CellBlock, type Grouping, type MeasureBlock, type Numbers, ROLLED_PART } from "./cell_blocks.ts";

/** Rows of a block for each group from which on adding them up once is worth it. */
const ROWS_PER_GROUP = 8;
/** Memory of the rows of a grouping, and of each of its groups with the sketches of a measure, about. */
const ROLLED_BYTES = 1_500;
const GROUP_BYTES = 400;

/** Rows of a block, or of its groups. */
export interface Rows {
  readonly rows: number;
  /** Whether `numbers` are those of groups: else they are of cells. */
  readonly isByGroup: boolean;
  readonly numbers: ArrayLike<number>;
  readonly counts: Numbers;
  readonly errors: Numbers;
  /** Whether all counts and sums are exact. */
  readonly isExact: boolean;
  /** Null where no row has any. */
  measure(slot: number): MeasureBlock | null;
}

/** Places of the groups that a question is about; -1: it is not about them. */
export class Places {
  readonly #grouping: Grouping;
  readonly #byGroup: number[];
  #byCell: readonly number[] | null = null;

  /** @param kept Numbers of groups in the order of their places. */
  constructor(grouping: Grouping, kept: readonly number[]) {
    this.#grouping = grouping;
    this.#byGroup = new Array<number>(grouping.groups.length).fill(-1);
    kept.forEach((group, place) => this.#byGroup[group] = place);
  }

  /** By the numbers of some rows. */
  of(rows: Rows): readonly number[] {
    if (rows.isByGroup) return this.#byGroup;
    return this.#byCell ??= this.#grouping.groupOf.map((group) => group < 0 ? -1 : this.#byGroup[group]);
  }
}

/** What is kept of a block. A grouping that nobody asks for any more is not held by it: it is as long as all cells' names. */
interface Kept {
  readonly rows: WeakMap<Grouping, RolledRows>;
  /** The oldest first. */
  readonly order: { readonly grouping: WeakRef<Grouping>; readonly bytes: number }[];
  bytes: number;
}

const rolled = new WeakMap<CellBlock, Kept>();

/** The rows of a block by group where these are much fewer, else as they are. */
export function groupedRows(block: CellBlock, grouping: Grouping): Rows {
  const groups = grouping.groups.length;
  if (block.rows < ROWS_PER_GROUP * groups) return plainRows(block);
  let kept = rolled.get(block);
  if (kept === undefined) rolled.set(block, kept = { rows: new WeakMap(), order: [], bytes: 0 });
  let rows = kept.rows.get(grouping);
  if (rows === undefined) {
    rows = new RolledRows(block, grouping.groupOf);
    const bytes = ROLLED_BYTES + rows.rows * GROUP_BYTES;
    kept.rows.set(grouping, rows);
    kept.order.push({ grouping: new WeakRef(grouping), bytes });
    kept.bytes += bytes;
    giveUp(kept, block.bytes * ROLLED_PART);
  }
  return rows;
}

/** The oldest go, but for the last one. */
function giveUp(kept: Kept, bytesMax: number): void {
  while (kept.bytes > bytesMax && kept.order.length > 1) {
    const [{ grouping, bytes }] = kept.order.splice(0, 1);
    const oldest = grouping.deref();
    if (oldest !== undefined) kept.rows.delete(oldest);
    kept.bytes -= bytes;
  }
}

/** The rows of a block as they are. */
export function plainRows(block: CellBlock): Rows {
  const { rows, cells: numbers, counts, errors, isExact, measures } = block;
  return { rows, isByGroup: false, numbers, counts, errors, isExact, measure: (slot) => measures[slot] };
}

/** The rows of a block added up by group; measures when they are first asked for. */
class RolledRows implements Rows {
  readonly isByGroup = true;
  readonly numbers: Int32Array;
  readonly counts: Float64Array;
  readonly errors: Float64Array;
  readonly isExact: boolean;
  readonly #block: CellBlock;
  readonly #groupOf: readonly number[];
  readonly #measures: (RolledMeasure | null | undefined)[] = MEASURES.map(() => undefined);

  constructor(block: CellBlock, groupOf: readonly number[]) {
    this.#block = block;
    this.#groupOf = groupOf;
    this.isExact = block.isExact;
    const { numbers, places } = this.#placed();
    this.numbers = numbers;
    this.counts = new Float64Array(numbers.length);
    this.errors = new Float64Array(numbers.length);
    for (let row = 0; row < block.rows; row++) {
      const place = places[row];
      if (place < 0) continue;
      this.counts[place] += block.counts[row];
      this.errors[place] += block.errors[row];
    }
  }

  /** Groups that have rows, and by row of the block which of them it is of, or -1. Not kept: it is as long as the block. */
  #placed(): { readonly numbers: Int32Array; readonly places: Int32Array } {
    const placeOf = new Map<number, number>();
    const places = Int32Array.from(this.#block.cells, (cell) => {
      const group = this.#groupOf[cell];
      if (group < 0) return -1;
      const place = placeOf.get(group) ?? placeOf.size;
      placeOf.set(group, place);
      return place;
    });
    return { numbers: Int32Array.from(placeOf.keys()), places };
  }

  get rows(): number {
    return this.numbers.length;
  }

  measure(slot: number): MeasureBlock | null {
    const known = this.#measures[slot];
    if (known !== undefined) return known;
    const measure = this.#block.measures[slot];
    return this.#measures[slot] = measure && new RolledMeasure(measure, () => this.#placed().places, this.rows);
  }
}

/** Sketches of these are merged by nobody else meanwhile. */
const merger = new SketchMerger();

/** A measure by group; sketches are merged when they are first asked for. Squared deviations are not added up. */
export class RolledMeasure implements MeasureBlock {
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  readonly minima: Float64Array;
  readonly maxima: Float64Array;
  readonly m2: Float64Array;
  /** Whether all sums are exact. */
  readonly isExact: boolean;
  readonly #of: MeasureBlock;
  readonly #places: () => Int32Array;
  #merged: Pick<MeasureBlock, "sketches" | "sketchEnds"> | null = null;
  /** By rank, then by row; undefined where it was not asked for. */
  readonly #quantiles = new Map<number, (number | null)[]>();

  /** @param placed By row, which of these `rows` it is added to; -1: none. */
  constructor(of: MeasureBlock, placed: () => Int32Array, rows: number) {
    this.#of = of;
    this.#places = placed;
    const places = placed();
    let isExact = true;
    this.counts = new Float64Array(rows);
    this.sums = new Float64Array(rows);
    this.minima = new Float64Array(rows).fill(Infinity);
    this.maxima = new Float64Array(rows).fill(-Infinity);
    this.m2 = new Float64Array(rows).fill(NaN);
    for (let row = 0; row < places.length; row++) {
      const place = places[row];
      const count = of.counts[row];
      if (place < 0 || count === 0) continue;
      this.counts[place] += count;
      this.sums[place] += of.sums[row];
      if (Math.abs(this.sums[place]) > Number.MAX_SAFE_INTEGER) isExact = false;
      if (of.minima[row] < this.minima[place]) this.minima[place] = of.minima[row];
      if (of.maxima[row] > this.maxima[place]) this.maxima[place] = of.maxima[row];
    }
    this.isExact = isExact;
  }

  get sketches(): Uint8Array {
    return (this.#merged ??= this.#merge()).sketches;
  }

  get sketchEnds(): Uint32Array {
    return (this.#merged ??= this.#merge()).sketchEnds;
  }

  /** A quantile of one row; null where it has no value. */
  quantile(row: number, q: number): number | null {
    let known = this.#quantiles.get(q);
    if (known === undefined) this.#quantiles.set(q, known = []);
    const before = known[row];
    if (before !== undefined) return before;
    const { sketches, sketchEnds } = this;
    merger.clear();
    merger.addAll(sketches, row === 0 ? 0 : sketchEnds[row - 1], sketchEnds[row]);
    return known[row] = merger.takeQuantile(q);
  }

  #merge(): Pick<MeasureBlock, "sketches" | "sketchEnds"> {
    const { counts, sketches, sketchEnds } = this.#of;
    const of: number[][] = Array.from(this.counts, () => []);
    this.#places().forEach((place, row) => {
      if (place >= 0 && counts[row] > 0) of[place].push(row);
    });
    let length = 0;
    const merged = of.map((rows) => {
      merger.clear();
      for (const row of rows) merger.addAll(sketches, row === 0 ? 0 : sketchEnds[row - 1], sketchEnds[row]);
      const bytes = merger.takeEncoded();
      length += bytes.length;
      return bytes;
    });
    const all = new Uint8Array(length);
    let end = 0;
    const ends = Uint32Array.from(merged, (bytes) => {
      all.set(bytes, end);
      return end += bytes.length;
    });
    return { sketches: all, sketchEnds: ends };
  }
}
