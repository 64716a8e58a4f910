/**
 * Quantile sketches on one core, over seeded response times: values added and sketches merged a second, and how far the
 * quantiles are from the exact ones; ours beside DataDog's DDSketch of the same accuracy. Ours are merged from their
 * bytes, as the store holds them; theirs are merged in memory, for reading their bytes takes another package.
 * Run: deno run -A bench/sketch.ts
 */
import { DDSketch } from "@datadog/sketches-js";
import { Sketch } from "../core/minutes/sketch.ts";
import { SketchMerger } from "../core/minutes/sketch_merger.ts";
import { randomFrom } from "../tests/simulation/delivery_simulator.ts";
import { SEED } from "./records.ts";

const VALUES = 500_000;
const MERGES = 2000;
/** Sketches of a union that a quantile is taken of, as pages do for each API. */
const UNION = 10;
/** Values of each sketch that is merged: a busy minute cell. */
const CELL_VALUES = 1000;
const ROUNDS = 9;
const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999];
const ACCURACY = 0.01;

const random = randomFrom(SEED);
/** Microseconds around 25 ms with a long tail. */
const values = Float64Array.from(
  { length: VALUES },
  () => Math.round(25_000 * Math.exp(1.5 * (random() + random() + random() - 1.5))),
);
const sorted = values.slice().sort();

/** One implementation: the shape that the bench drives. */
interface Contender {
  /** A sketch of these values. */
  fill(values: Float64Array): void;
  quantile(q: number): number;
  /** Merges a sketch of {@link CELL_VALUES} values into a new one so many times. */
  merge(times: number): void;
}

class Ours implements Contender {
  #sketch = new Sketch();
  readonly #cell: Uint8Array;

  constructor() {
    this.fill(values.subarray(0, CELL_VALUES));
    this.#cell = this.#sketch.encode();
  }

  fill(values: Float64Array): void {
    const sketch = this.#sketch = new Sketch();
    for (let i = 0; i < values.length; i++) sketch.add(values[i]);
  }

  quantile(q: number): number {
    return this.#sketch.quantile(q) ?? NaN;
  }

  merge(times: number): void {
    const sum = new Sketch();
    for (let i = 0; i < times; i++) sum.mergeEncoded(this.#cell);
    if (sum.count !== times * CELL_VALUES) throw new Error(`merged ${sum.count} values`);
  }
}

class DataDogs implements Contender {
  #sketch = new DDSketch({ relativeAccuracy: ACCURACY });
  readonly #cell: DDSketch;

  constructor() {
    this.fill(values.subarray(0, CELL_VALUES));
    this.#cell = this.#sketch;
  }

  fill(values: Float64Array): void {
    const sketch = this.#sketch = new DDSketch({ relativeAccuracy: ACCURACY });
    for (let i = 0; i < values.length; i++) sketch.accept(values[i]);
  }

  quantile(q: number): number {
    return this.#sketch.getValueAtQuantile(q);
  }

  merge(times: number): void {
    const sum = new DDSketch({ relativeAccuracy: ACCURACY });
    for (let i = 0; i < times; i++) sum.merge(this.#cell);
    if (sum.count !== times * CELL_VALUES) throw new Error(`merged ${sum.count} values`);
  }
}

/** Sketches a second that unions are made of, each of which answers one quantile: of so many values a sketch. */
function unionRate(cellValues: number): number {
  const cells = Array.from({ length: UNION }, (_, n) => {
    const sketch = new Sketch();
    for (const value of values.subarray(n * cellValues, (n + 1) * cellValues)) sketch.add(value);
    return sketch.encode();
  });
  const merger = new SketchMerger();
  const rates = Array.from({ length: ROUNDS }, () => {
    const before = performance.now();
    for (let times = 0; times < MERGES; times++) {
      for (const cell of cells) merger.add(cell, 0);
      merger.takeQuantile(0.95);
    }
    return MERGES * UNION / (performance.now() - before) * 1000;
  });
  return median(rates);
}

const contenders: Readonly<Record<string, Contender>> = { "Millrace": new Ours(), "DataDog": new DataDogs() };

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** Operations a second of each contender, the median of rounds that alternate. */
function ratesOf(operations: number, run: (contender: Contender) => void): Record<string, number> {
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(contenders)) {
      const before = performance.now();
      run(contender);
      (rates[name] ??= []).push(operations / (performance.now() - before) * 1000);
    }
  }
  return Object.fromEntries(Object.entries(rates).map(([name, list]) => [name, median(list)]));
}

function worstError(contender: Contender): number {
  return Math.max(...QUANTILES.map((q) => {
    const exact = sorted[Math.floor(q * (VALUES - 1))];
    return Math.abs(contender.quantile(q) - exact) / exact;
  }));
}

const adds = ratesOf(VALUES, (contender) => contender.fill(values));
const merges = ratesOf(MERGES, (contender) => contender.merge(MERGES));
const unions = [20, 200, 1000, 7200].map((cellValues) => ({ cellValues, sketchesPerSecond: unionRate(cellValues) }));
const rows = Object.entries(contenders).map(([name, contender]) => ({
  name,
  addsPerSecond: adds[name],
  mergesPerSecond: merges[name],
  worstError: worstError(contender),
}));

if (Deno.args.includes("--json")) {
  console.log(JSON.stringify({ values: VALUES, seed: SEED, quantiles: QUANTILES, contenders: rows, unions }));
} else {
  console.log(`${VALUES} values, seed ${SEED}, one core, median of ${ROUNDS} rounds; merging sketches of`);
  console.log(`${CELL_VALUES} values; the error is the largest at p${QUANTILES.map((q) => q * 100).join(" p")}\n`);
  console.log("| sketch | added, M values/s | merged, thousand/s | error |\n|---|---|---|---|");
  for (const { name, addsPerSecond, mergesPerSecond, worstError } of rows) {
    console.log(
      `| ${name} | ${(addsPerSecond / 1e6).toFixed(1)} | ${(mergesPerSecond / 1e3).toFixed(1)} | ` +
        `${(worstError * 100).toFixed(2)} % |`,
    );
  }
  console.log(`\nUnions of ${UNION} sketches, of which a p95 is taken:\n`);
  console.log("| values a sketch | thousand sketches/s |\n|---|---|");
  for (const { cellValues, sketchesPerSecond } of unions) {
    console.log(`| ${cellValues} | ${(sketchesPerSecond / 1e3).toFixed(0)} |`);
  }
}
