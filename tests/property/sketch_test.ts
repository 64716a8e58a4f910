/** Sketches against exact quantiles and DataDog's implementation, and their merging against adding all values to one. */
import fc from "fast-check";
import { expect } from "expect";
import { DDSketch } from "@datadog/sketches-js";
import { Sketch } from "../../core/minutes/sketch.ts";

const MAX = Number.MAX_SAFE_INTEGER;
/** Whole numbers of every magnitude, as evenly over octaves as over values, and the edges. */
const value = fc.oneof(
  fc.integer({ min: -2000, max: 2000 }),
  fc.integer({ min: 1, max: 10_000_000 }),
  fc.tuple(fc.integer({ min: 0, max: 52 }), fc.double({ min: 1, max: 1.999, noNaN: true })).map(([octave, mantissa]) =>
    Math.round(2 ** octave * mantissa)
  ),
  fc.constantFrom(0, 1, -1, MAX, -MAX),
);
const values = fc.array(value, { minLength: 1, maxLength: 300 });
const quantile = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 0.9, 0.95, 0.99, 1));

function sketchOf(list: readonly number[]): Sketch {
  const sketch = new Sketch();
  for (const each of list) sketch.add(each);
  return sketch;
}

Deno.test("a quantile is within 1 % of the value of its rank, whatever the values", () => {
  fc.assert(fc.property(values, quantile, (list, q) => {
    const exact = Float64Array.from(list).sort()[Math.floor(q * (list.length - 1))];
    const estimate = sketchOf(list).quantile(q) ?? NaN;
    expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(0.01 * Math.abs(exact));
  }));
});

Deno.test("a quantile agrees with DataDog's DDSketch of 1 % accuracy, whatever the values", () => {
  fc.assert(fc.property(values, quantile, (list, q) => {
    const theirs = new DDSketch({ relativeAccuracy: 0.01 });
    for (const each of list) theirs.accept(each);
    const expected = theirs.getValueAtQuantile(q);
    const estimate = sketchOf(list).quantile(q) ?? NaN;
    // Each may be 1 % off the same value, on different sides.
    expect(Math.abs(estimate - expected)).toBeLessThanOrEqual(0.0203 * Math.abs(expected));
  }));
});

Deno.test("sketches of any split, merged in any order, are byte for byte the sketch of all values", () => {
  const split = fc.array(fc.tuple(value, fc.integer({ min: 0, max: 5 }), fc.integer()), { maxLength: 200 });
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 });
  fc.assert(fc.property(split, order, fc.integer({ min: 0, max: 5 }), (placed, order, nested) => {
    const parts = order.map((part) =>
      sketchOf(placed.filter(([, place]) => place === part).toSorted((a, b) => a[2] - b[2]).map(([each]) => each))
    );
    // Some are merged among themselves first, as minutes into hours before hours into days.
    const inner = new Sketch();
    for (const part of parts.slice(0, nested)) inner.mergeEncoded(part.encode());
    const merged = new Sketch();
    for (const part of parts.slice(nested)) merged.mergeEncoded(part.encode());
    merged.mergeEncoded(inner.encode());
    expect(merged.encode()).toEqual(sketchOf(placed.map(([each]) => each)).encode());
    expect(merged.count).toBe(placed.length);
  }));
});

Deno.test("a sketch comes back from its bytes with every quantile", () => {
  fc.assert(fc.property(values, quantile, (list, q) => {
    const sketch = sketchOf(list);
    const bytes = sketch.encode();
    const back = new Sketch();
    back.mergeEncoded(bytes);
    expect(back.encode()).toEqual(bytes);
    expect(back.quantile(q)).toBe(sketch.quantile(q));
  }));
});

Deno.test("a sketch cut off anywhere is refused with a RangeError", () => {
  fc.assert(fc.property(values, fc.nat(), (list, cut) => {
    const bytes = sketchOf(list).encode();
    expect(() => new Sketch().mergeEncoded(bytes.subarray(0, cut % bytes.length))).toThrow(RangeError);
  }));
});

Deno.test("arbitrary bytes are a sketch or a RangeError, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const sketch = new Sketch();
      try {
        sketch.mergeEncoded(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect(String(error)).not.toMatch(/Array buffer allocation|Invalid typed array length/);
        return;
      }
      expect(Number.isSafeInteger(sketch.count)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
