import { expect } from "expect";
import fc from "fast-check";
import { Sketch, SketchEncoder } from "../../core/minutes/sketch.ts";
import { MinuteCells } from "./minute_cells.ts";

Deno.test("count, sum, min, max and squared deviations equal those of a plain recount", () => {
  const value = fc.oneof(
    fc.integer({ min: 0, max: 100_000 }),
    fc.integer({ min: -500, max: 500 }),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_900 }), // a large mean with a small spread
    fc.integer({ min: 0, max: 40 }).map((octave) => Math.floor(1.4 * 2 ** octave)), // counters that grow
  );
  // Of many keys each has few values, which are listed; of few keys many, which are counted.
  const entries = fc.constantFrom(2, 40).chain((max) =>
    fc.array(fc.tuple(fc.integer({ min: 0, max }), value), { maxLength: 300, size: "max" })
  );
  fc.assert(fc.property(entries, (entries) => {
    const cells = new MinuteCells(2, 1);
    const truth = new Map<number, number[]>();
    for (const [key, number] of entries) {
      const ids = Int32Array.of(key % 7, key);
      let cell = cells.find(ids);
      if (cell < 0) cell = cells.insert(ids);
      cells.counts[cell]++;
      cells.measures[0].add(cell, number);
      truth.set(key, [...truth.get(key) ?? [], number]);
    }
    expect(cells.size).toBe(truth.size);
    for (const [key, numbers] of truth) {
      const cell = cells.find(Int32Array.of(key % 7, key));
      const [measure] = cells.measures;
      const sum = numbers.reduce((a, b) => a + b, 0);
      const mean = sum / numbers.length;
      const m2 = numbers.reduce((total, number) => total + (number - mean) ** 2, 0);
      expect(cells.counts[cell]).toBe(numbers.length);
      expect(measure.count(cell)).toBe(numbers.length);
      expect(measure.sum(cell)).toBe(sum);
      expect(measure.min(cell)).toBe(Math.min(...numbers));
      expect(measure.max(cell)).toBe(Math.max(...numbers));
      expect(Math.abs(measure.m2(cell) - m2)).toBeLessThanOrEqual(1e-9 * m2 + 1e-3);
      const sketch = new Sketch();
      for (const number of numbers) sketch.add(number);
      const encoder = new SketchEncoder();
      measure.encodeSketch(cell, encoder);
      expect(encoder.take()).toEqual(sketch.encode());
    }
  }));
});
