/**
 * Minute cells in memory: pure. The sets of dimensions of a topic are numbered once, so that a row is a number and what was
 * counted, and a query looks at each set once, however many rows have it.
 */
import { z } from "zod";
import { type Dimension, DIMENSIONS, MEASURES } from "../minutes/fields.ts";
import { SketchMerger } from "../minutes/sketch_merger.ts";
import type { Condition } from "./ports.ts";
import { meets } from "./where.ts";

/** Groupings that are remembered for a topic: those that its pages ask for again and again. */
const GROUPINGS = 32;

/** Which group the sets of dimensions are of. */
export interface Grouping {
  /** By number of the set; -1 where it is left out. */
  readonly groupOf: readonly number[];
  /** The groups' values, in the order of what they are grouped by. */
  readonly groups: readonly (readonly string[])[];
}

const textsOf = z.array(z.string());

/** The numbers of a topic's sets of dimensions. They only grow. */
export class CellNames {
  /** By their values as JSON: however it was escaped, it is of one set. */
  readonly #numbers = new Map<string, number>();
  readonly #values: (readonly string[])[] = [];
  readonly #groupings = new Map<string, GrowingGrouping>();

  get size(): number {
    return this.#values.length;
  }

  /** The number of a set: values in the order of {@link DIMENSIONS}. */
  numberOf(values: readonly string[]): number {
    const key = JSON.stringify(values);
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#values.push(values) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** The same of values that come as a JSON array. */
  numberOfJson(json: string): number {
    const known = this.#numbers.get(json);
    if (known !== undefined) return known;
    const number = this.numberOf(textsOf.parse(JSON.parse(json)));
    this.#numbers.set(json, number);
    return number;
  }

  /** Groups all sets that meet the conditions. */
  grouped(by: readonly Dimension[], where: readonly Condition[]): Grouping {
    const key = JSON.stringify([by, where]);
    const grouping = this.#groupings.get(key) ?? new GrowingGrouping(by, where);
    this.#groupings.delete(key);
    this.#groupings.set(key, grouping);
    if (this.#groupings.size > GROUPINGS) this.#groupings.delete(this.#groupings.keys().next().value ?? "");
    grouping.growTo(this.#values);
    return grouping;
  }
}

class GrowingGrouping implements Grouping {
  readonly groupOf: number[] = [];
  readonly groups: string[][] = [];
  readonly #numbers = new Map<string, number>();
  readonly #by: readonly number[];
  readonly #where: readonly { readonly slot: number; readonly condition: Condition }[];

  constructor(by: readonly Dimension[], where: readonly Condition[]) {
    this.#by = by.map((name) => DIMENSIONS.indexOf(name));
    this.#where = where.map((condition) => {
      const slot = DIMENSIONS.findIndex((name) => name === condition.field);
      if (slot < 0) throw new RangeError(`${condition.field} is not a dimension`);
      return { slot, condition };
    });
  }

  growTo(sets: readonly (readonly string[])[]): void {
    for (let number = this.groupOf.length; number < sets.length; number++) {
      const values = sets[number];
      const isWanted = this.#where.every(({ slot, condition }) => meets(condition, values[slot]));
      this.groupOf.push(isWanted ? this.#groupOf(this.#by.map((slot) => values[slot])) : -1);
    }
  }

  #groupOf(values: string[]): number {
    const key = JSON.stringify(values);
    let group = this.#numbers.get(key);
    if (group === undefined) {
      group = this.groups.push(values) - 1;
      this.#numbers.set(key, group);
    }
    return group;
  }
}

/** Numbers of rows: half as wide where all are integers that fit. */
export type Numbers = Float64Array | Uint32Array;

/** One measure of the rows of a block. Where a row's count is 0, the rest of it has no meaning. */
export interface MeasureBlock {
  readonly counts: Numbers;
  readonly sums: Numbers;
  readonly minima: Numbers;
  readonly maxima: Numbers;
  /** Of blocks of a minute alone: to add them up exactly takes a second pass, and one statistic is made of them. */
  readonly m2: Float64Array;
  /** Encoded sketches back to back; row i ends at sketchEnds[i]. */
  readonly sketches: Uint8Array;
  readonly sketchEnds: Uint32Array;
}

/** The cells of a minute, or of minutes that were added up: each set of dimensions once. */
export interface CellBlock {
  readonly rows: number;
  /** Numbers of the sets. */
  readonly cells: Uint32Array;
  readonly counts: Numbers;
  readonly errors: Numbers;
  /** By slot; null where no row has any. */
  readonly measures: readonly (MeasureBlock | null)[];
  /** Whether all sums are exact: a double holds integers up to 2^53. */
  readonly isExact: boolean;
  /** Memory that it takes up, about. */
  readonly bytes: number;
}

/** Objects of a block, and its place in a list. */
const BLOCK_BYTES = 500;
/** The same of a measure. */
const MEASURE_BYTES = 600;
/** What may be kept of a block's rows by group (cell_groups.ts), in parts of the block's memory, which has it counted. */
export const ROLLED_PART = 0.25;

export const EMPTY_BLOCK: CellBlock = {
  rows: 0,
  cells: new Uint32Array(0),
  counts: new Uint32Array(0),
  errors: new Uint32Array(0),
  measures: MEASURES.map(() => null),
  isExact: true,
  bytes: 8,
};

/** One measure of a row to add; `count` is not 0. */
export interface MeasureRow {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** NaN where it is not known. */
  readonly m2: number;
  /** Encoded sketches back to back: sketches[start, end); they are kept as they are until the block is made. */
  readonly sketches: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Whether there is just one sketch. */
  readonly isOne: boolean;
}

/** A span of bytes, and further ones that are added to it. */
interface Span {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly isOne: boolean;
  readonly next: Span | null;
}

/** Columns of a measure while rows are added: objects a row would cost more than all else. */
class MeasureSums {
  readonly counts: number[] = [];
  readonly sums: number[] = [];
  readonly minima: number[] = [];
  readonly maxima: number[] = [];
  readonly m2: number[] = [];
  readonly sketches: (Span | null)[] = [];

  /** Adds to a row, by Chan et al. 1979. */
  add(row: number, { count, sum, min, max, m2, sketches, start, end, isOne }: MeasureRow): void {
    this.fillTo(row + 1);
    const before = this.counts[row];
    this.sketches[row] = { bytes: sketches, start, end, isOne, next: this.sketches[row] };
    if (before === 0) {
      this.counts[row] = count;
      this.sums[row] = sum;
      this.minima[row] = min;
      this.maxima[row] = max;
      this.m2[row] = m2;
      return;
    }
    const apart = sum / count - this.sums[row] / before;
    this.m2[row] += m2 + apart * apart * (before * count / (before + count));
    this.counts[row] = before + count;
    this.sums[row] += sum;
    this.minima[row] = Math.min(this.minima[row], min);
    this.maxima[row] = Math.max(this.maxima[row], max);
  }

  fillTo(rows: number): void {
    while (this.counts.length < rows) {
      this.counts.push(0);
      this.sums.push(0);
      this.minima.push(0);
      this.maxima.push(0);
      this.m2.push(0);
      this.sketches.push(null);
    }
  }
}

/** Nothing of it is left after a block. */
const merger = new SketchMerger();

/** Adds up rows, one a set of dimensions. */
export class CellSums {
  readonly #places = new Map<number, number>();
  readonly #counts: number[] = [];
  readonly #errors: number[] = [];
  readonly #measures: (MeasureSums | null)[] = MEASURES.map(() => null);

  /** Adds a row without its measures, and answers its place for {@link addMeasure}. */
  add(cell: number, count: number, errors: number): number {
    const place = this.#places.get(cell);
    if (place === undefined) {
      this.#places.set(cell, this.#counts.length);
      this.#errors.push(errors);
      return this.#counts.push(count) - 1;
    }
    this.#counts[place] += count;
    this.#errors[place] += errors;
    return place;
  }

  addMeasure(place: number, slot: number, row: MeasureRow): void {
    (this.#measures[slot] ??= new MeasureSums()).add(place, row);
  }

  /** Adds a block, but for its squared deviations. */
  addBlock(block: CellBlock): void {
    for (let row = 0; row < block.rows; row++) {
      const place = this.add(block.cells[row], block.counts[row], block.errors[row]);
      for (let slot = 0; slot < block.measures.length; slot++) {
        const measure = block.measures[slot];
        if (measure === null || measure.counts[row] === 0) continue;
        this.addMeasure(place, slot, {
          count: measure.counts[row],
          sum: measure.sums[row],
          min: measure.minima[row],
          max: measure.maxima[row],
          m2: NaN,
          isOne: true,
          sketches: measure.sketches,
          start: row === 0 ? 0 : measure.sketchEnds[row - 1],
          end: measure.sketchEnds[row],
        });
      }
    }
  }

  /** What was added up. */
  block(): CellBlock {
    const rows = this.#counts.length;
    if (rows === 0) return EMPTY_BLOCK;
    const measures = this.#measures.map((sums) => sums === null ? null : measureBlock(sums, rows));
    const cells = Uint32Array.from(this.#places.keys());
    const [counts, errors] = [narrow(this.#counts), narrow(this.#errors)];
    let bytes = BLOCK_BYTES + cells.byteLength + counts.byteLength + errors.byteLength;
    for (const measure of measures) if (measure !== null) bytes += bytesOf(measure);
    bytes = Math.ceil(bytes * (1 + ROLLED_PART));
    return { rows, cells, counts, errors, measures, isExact: isExact(counts) && measures.every(isExactMeasure), bytes };
  }
}

function measureBlock(of: MeasureSums, rows: number): MeasureBlock {
  of.fillTo(rows);
  const spans = of.sketches.map((span): Span | null => {
    if (span === null || (span.isOne && span.next === null)) return span;
    merger.clear();
    for (let part: Span | null = span; part !== null; part = part.next) merger.addAll(part.bytes, part.start, part.end);
    const bytes = merger.takeEncoded();
    return { bytes, start: 0, end: bytes.length, isOne: true, next: null };
  });
  let length = 0;
  const sketchEnds = Uint32Array.from(spans, (span) => length += span === null ? 0 : span.end - span.start);
  const sketches = new Uint8Array(length);
  let at = 0;
  for (const span of spans) {
    if (span === null) continue;
    // Most are so short that a call of set() costs more.
    for (let i = span.start; i < span.end; i++) sketches[at++] = span.bytes[i];
  }
  return {
    counts: narrow(of.counts),
    sums: narrow(of.sums),
    minima: narrow(of.minima),
    maxima: narrow(of.maxima),
    m2: Float64Array.from(of.m2),
    sketches,
    sketchEnds,
  };
}

function narrow(values: readonly number[]): Numbers {
  return values.every((value) => value >>> 0 === value) ? Uint32Array.from(values) : Float64Array.from(values);
}

function bytesOf({ counts, sums, minima, maxima, m2, sketches, sketchEnds }: MeasureBlock): number {
  const columns = [counts, sums, minima, maxima, m2, sketches, sketchEnds];
  return columns.reduce((sum, { byteLength }) => sum + byteLength, MEASURE_BYTES);
}

function isExact(values: Numbers): boolean {
  return values instanceof Uint32Array || values.every((value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER);
}

function isExactMeasure(measure: MeasureBlock | null): boolean {
  return measure === null || [measure.sums, measure.minima, measure.maxima].every(isExact);
}
