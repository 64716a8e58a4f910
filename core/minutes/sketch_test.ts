import { expect } from "expect";
import { DDSketch } from "@datadog/sketches-js";
import { Sketch, sketchBin, SketchEncoder, sketchValue } from "./sketch.ts";

function sketchOf(values: Iterable<number>): Sketch {
  const sketch = new Sketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

/** The value at rank q × (n − 1), rounded down, of all values: what a sketch estimates. */
function exactQuantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor(q * (sorted.length - 1))];
}

const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

/** Numbers from 0 to 1 by a generator that is spelled out here: x' = 48271 x mod 2^31 − 1. */
function uniforms(): () => number {
  let state = 20_260_301;
  return () => (state = state * 48_271 % 2_147_483_647) / 2_147_483_647;
}

/** Whole numbers as programs measure them: microseconds, bytes, amounts in small units. */
const DISTRIBUTIONS: Readonly<Record<string, (next: () => number) => number>> = {
  "a long-tailed": (next) => 25_000 * Math.exp(1.2 * (next() + next() + next() - 1.5)),
  "a uniform": (next) => 1 + 1_000_000 * next(),
  "an exponential": (next) => 1 - 40_000 * Math.log(next()),
  "a Pareto (infinite variance)": (next) => 500 / next() ** (1 / 1.1),
  "a two-peaked": (next) => (next() < 0.9 ? 2_000 : 5_000_000) * (1 + 0.1 * next()),
  "a constant": () => 37_000,
  "a mostly negative": (next) => 3_000 - 100_000 * next(),
};

for (const [name, draw] of Object.entries(DISTRIBUTIONS)) {
  const next = uniforms();
  const values = Array.from({ length: 20_000 }, () => Math.round(draw(next)));

  Deno.test(`quantiles of ${name} distribution are within 1 % of the exact ones`, () => {
    const sketch = sketchOf(values);
    for (const q of QUANTILES) {
      const exact = exactQuantile(values, q);
      expect(Math.abs((sketch.quantile(q) ?? NaN) - exact)).toBeLessThanOrEqual(0.01 * Math.abs(exact));
    }
  });

  Deno.test(`quantiles of ${name} distribution agree with those of DataDog's DDSketch within the error of both`, () => {
    const ours = sketchOf(values);
    const theirs = new DDSketch({ relativeAccuracy: 0.01 });
    for (const value of values) theirs.accept(value);
    for (const q of QUANTILES) {
      const expected = theirs.getValueAtQuantile(q);
      // Each is within 1 % of the same exact value.
      expect(Math.abs((ours.quantile(q) ?? NaN) - expected)).toBeLessThanOrEqual(0.0203 * Math.abs(expected));
    }
  });
}

Deno.test("an empty sketch has no quantiles", () => {
  expect(new Sketch().quantile(0.5)).toBe(null);
  expect(new Sketch().count).toBe(0);
});

Deno.test("a sketch of one value answers it for every quantile", () => {
  for (const value of [0, 1, -1, 7, -4095, 1e12, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]) {
    const sketch = sketchOf([value]);
    for (const q of QUANTILES) {
      expect(Math.abs((sketch.quantile(q) ?? NaN) - value)).toBeLessThanOrEqual(0.01 * Math.abs(value));
    }
  }
});

Deno.test("negative values, zeros and positive values are ranked in that order", () => {
  const values = [-1000, -10, 0, 0, 10, 1000, 100_000];
  const sketch = sketchOf(values);
  values.forEach((value, rank) => {
    const estimate = sketch.quantile(rank / (values.length - 1)) ?? NaN;
    expect(Math.abs(estimate - value)).toBeLessThanOrEqual(0.01 * Math.abs(value));
  });
  expect(sketch.count).toBe(values.length);
});

Deno.test("a value added with a count weighs as often as if it were added one by one", () => {
  const once = new Sketch();
  once.add(250, 3);
  once.add(0, 2);
  once.add(-8, 4);
  expect(once.encode()).toEqual(sketchOf([250, 250, 250, 0, 0, -8, -8, -8, -8]).encode());
  expect(once.count).toBe(9);
});

Deno.test("every bin's value is within 1 % of both ends of the bin, from 1 to 2^53", () => {
  for (let bin = 0; bin < 54 * 64; bin++) {
    // By the definition in the file's first comment: octave and 64th of it.
    const low = 2 ** Math.floor(bin / 64) * (1 + bin % 64 / 64);
    const high = 2 ** Math.floor(bin / 64) * (1 + (bin % 64 + 1) / 64);
    expect(sketchBin(low)).toBe(bin);
    expect(Math.abs(sketchValue(bin) - low) / low).toBeLessThanOrEqual(0.01);
    expect(Math.abs(sketchValue(bin) - high) / high).toBeLessThanOrEqual(0.01);
  }
});

Deno.test("the largest whole number has a bin, and what is smaller than 1 counts as 1", () => {
  expect(sketchBin(Number.MAX_SAFE_INTEGER)).toBe(53 * 64 - 1);
  expect(sketchBin(0.25)).toBe(0);
});

Deno.test("the encoding is the documented one", () => {
  // 1 is bin 0; 2 begins the next octave, bin 64; 3 is in its middle, bin 96. Then gaps and counts.
  expect([...sketchOf([0, 3, 1, 0, 2]).encode()]).toEqual([2, 3, 0, 1, 64, 1, 32, 1, 0]);
  expect([...sketchOf([-1]).encode()]).toEqual([0, 0, 1, 0, 1]);
  expect([...new Sketch().encode()]).toEqual([0, 0, 0]);
  const many = new Sketch();
  many.add(0, 300);
  expect([...many.encode()]).toEqual([0xac, 0x02, 0, 0]); // 300 = 2 × 128 + 44
});

Deno.test("values that come from the ends towards the middle, up or down, are all kept", () => {
  const values = Array.from({ length: 53 }, (_, octave) => 2 ** octave);
  const inwards = values.flatMap((value, i) => [value, values[values.length - 1 - i]]);
  const expected = sketchOf([...values, ...values]).encode();
  expect(sketchOf(inwards).encode()).toEqual(expected);
  expect(sketchOf([...values.toReversed(), ...values]).encode()).toEqual(expected);
});

Deno.test("a sketch can be merged out of the middle of a buffer", () => {
  const encoded = sketchOf([5, 6, 7]).encode();
  const buffer = new Uint8Array([9, 9, ...encoded, 9]);
  const merged = new Sketch();
  merged.mergeEncoded(buffer, 2, 2 + encoded.length);
  expect(merged.encode()).toEqual(encoded);
});

Deno.test("sketches that lie back to back are merged, and refused where the last is cut off", () => {
  const lists = [[5, 6, 7], [], [0, -3, 1e9], [2 ** 52]];
  const bytes = new Uint8Array(lists.flatMap((list) => [...sketchOf(list).encode()]));
  const merged = new Sketch();
  merged.mergeAllEncoded(bytes);
  expect(merged.encode()).toEqual(sketchOf(lists.flat()).encode());
  expect(() => new Sketch().mergeAllEncoded(bytes.subarray(0, bytes.length - 1))).toThrow(RangeError);
});

Deno.test("bytes that end early or go on too long are refused with a RangeError", () => {
  const encoded = sketchOf([0, 1, 1000, -20, 123_456_789]).encode();
  for (let length = 0; length < encoded.length; length++) {
    expect(() => new Sketch().mergeEncoded(encoded.subarray(0, length))).toThrow(RangeError);
  }
  expect(() => new Sketch().mergeEncoded(new Uint8Array([...encoded, 0]))).toThrow(RangeError);
});

Deno.test("numbers and bins that no sketch has are refused with a RangeError", () => {
  const endless = new Uint8Array(20).fill(0xff);
  expect(() => new Sketch().mergeEncoded(endless)).toThrow(RangeError);
  const encoder = new SketchEncoder();
  for (const number of [0, 1, 2 ** 40, 1, 0]) encoder.number(number); // bin 2^40 would take 8 TiB
  expect(() => new Sketch().mergeEncoded(encoder.take())).toThrow(RangeError);
});
