import { expect } from "expect";
import { Sketch } from "./sketch.ts";
import { SketchMerger } from "./sketch_merger.ts";

const RANKS = [0, 0.01, 0.5, 0.9, 0.95, 0.99, 1];

/** Numbers from 0 to 1: x' = 48271 x mod 2^31 − 1. */
function uniforms(): () => number {
  let state = 20_261_129;
  return () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
}

const next = uniforms();

/** Values of any size and sign, zero among them, some many times. */
function someValues(): number[] {
  const width = 53 * next();
  return Array.from({ length: Math.floor(40 * next()) }, () => {
    const magnitude = Math.floor(2 ** (width * next()) - 1);
    return next() < 0.3 ? -magnitude : magnitude;
  });
}

function encodedOf(values: readonly number[]): Uint8Array {
  const sketch = new Sketch();
  for (const value of values) sketch.add(value, next() < 0.1 ? 1 + Math.floor(next() * 1e6) : 1);
  return sketch.encode();
}

function quantilesOf(merger: SketchMerger): number[] {
  const out = new Float64Array(RANKS.length + 1);
  merger.takeQuantiles(RANKS, out, 1);
  return [...out.subarray(1)];
}

Deno.test("unions have the quantiles that a sketch of them has, one union after the other", () => {
  const merger = new SketchMerger();
  for (let round = 0; round < 2000; round++) {
    const parts = Array.from({ length: 1 + Math.floor(4 * next()) }, () => encodedOf(someValues()));
    const whole = new Sketch();
    for (const part of parts) whole.mergeEncoded(part);
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    let at = 0;
    for (const part of parts) {
      expect(merger.skip(bytes, at)).toBe(at + part.length);
      at = merger.add(bytes, at);
    }
    expect(at).toBe(bytes.length);
    expect(quantilesOf(merger)).toEqual(RANKS.map((rank) => whole.quantile(rank) ?? -Infinity));
  }
});

Deno.test("unions are encoded as a sketch of them is, whatever was refused before them", () => {
  const merger = new SketchMerger();
  for (let round = 0; round < 2000; round++) {
    const parts = Array.from({ length: Math.floor(4 * next()) }, () => encodedOf(someValues()));
    const whole = new Sketch();
    for (const part of parts) whole.mergeEncoded(part);
    const bytes = Uint8Array.from([0xff, ...parts.flatMap((part) => [...part]), 0xff]);
    if (round % 3 === 0) {
      expect(() => merger.addAll(encodedOf([3, -4, 1e12]).subarray(0, 5))).toThrow(RangeError);
      merger.clear();
    }
    merger.addAll(bytes, 1, bytes.length - 1);
    expect([...merger.takeEncoded()]).toEqual([...whole.encode()]);
    merger.addAll(bytes, 1, bytes.length - 1);
    expect(merger.takeQuantile(0.9)).toBe(whole.quantile(0.9));
  }
});

Deno.test("a sketch that goes on after the end that is told is refused", () => {
  const bytes = encodedOf([1, 2, 3]);
  expect(() => new SketchMerger().addAll(bytes, 0, bytes.length - 1)).toThrow(RangeError);
});

Deno.test("quantiles are within 1 % of the exact ones", () => {
  const merger = new SketchMerger();
  const values = Array.from({ length: 5000 }, () => Math.round(500 * (1 - Math.log(next()))));
  for (let from = 0; from < values.length; from += 100) {
    const sketch = new Sketch();
    for (const value of values.slice(from, from + 100)) sketch.add(value);
    merger.add(sketch.encode(), 0);
  }
  const sorted = Float64Array.from(values).sort();
  quantilesOf(merger).forEach((found, i) => {
    const exact = sorted[Math.floor(RANKS[i] * (sorted.length - 1))];
    expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.01 * exact);
  });
});

Deno.test("bytes that are no sketch, or the beginning of one, are refused", () => {
  const whole = encodedOf([5, 5_000_000, -3, 0, 77]);
  for (let length = 0; length < whole.length; length++) {
    for (const method of ["add", "skip"] as const) {
      expect(() => new SketchMerger()[method](whole.subarray(0, length), 0)).toThrow(RangeError);
    }
  }
  expect(() => new SketchMerger().add(Uint8Array.of(0, 1, 0xff, 0xff, 0x7f, 1, 0), 0)).toThrow("bin");
});
