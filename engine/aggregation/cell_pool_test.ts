import { expect } from "expect";
import fc from "fast-check";
import { SketchEncoder } from "../../core/minutes/sketch.ts";
import { CellPool } from "./cell_pool.ts";
import { MinuteCells } from "./minute_cells.ts";

const DIMENSIONS = 2;
const MEASURES = 2;
/** A key of a cell, and values of both measures; null: none. */
type Entry = readonly [key: number, first: number | null, second: number | null];

const value = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -50, max: 50 }),
  fc.integer({ min: 0, max: 2 ** 40 }),
);
// Few cells with many values get counters, many cells make the table grow.
const entries = fc.nat(1).chain((isFew) =>
  fc.array(fc.tuple(fc.nat(isFew === 1 ? 3 : 300), value, value), { maxLength: 400, size: "max" })
);

function fill(cells: MinuteCells, entries: readonly Entry[]): void {
  for (const [key, ...values] of entries) {
    const ids = Int32Array.of(key % 7, key);
    let cell = cells.find(ids);
    if (cell < 0) cell = cells.insert(ids);
    cells.counts[cell]++;
    if (key % 3 === 0) cells.errors[cell]++;
    values.forEach((value, i) => value !== null && cells.measures[i].add(cell, value));
  }
}

/** All that can be read of cells, changed ones first. */
function contents(cells: MinuteCells) {
  const changed = [...cells.takeChanged()];
  return changed.map((cell) => {
    const ids = cells.dimensionIds.slice(cell * DIMENSIONS, (cell + 1) * DIMENSIONS);
    const measures = cells.measures.map((measure) => {
      const encoder = new SketchEncoder();
      if (measure.count(cell) > 0) measure.encodeSketch(cell, encoder);
      const sketch = [...encoder.take()];
      return [measure.count(cell), measure.sum(cell), measure.min(cell), measure.max(cell), measure.m2(cell), sketch];
    });
    return [cells.find(ids) === cell, [...ids], cells.counts[cell], cells.errors[cell], measures];
  });
}

Deno.test("cells that are used again are as new ones, whatever was in them", () => {
  fc.assert(
    fc.property(fc.array(entries, { minLength: 2, maxLength: 5 }), (minutes) => {
      const pool = new CellPool();
      const serials = new Set<number>();
      for (const minute of minutes) {
        const cells = pool.take(DIMENSIONS, MEASURES);
        expect([cells.size, cells.find(Int32Array.of(0, 0)), cells.countChanged()]).toEqual([0, -1, 0]);
        serials.add(cells.serial);
        const fresh = new MinuteCells(DIMENSIONS, MEASURES);
        for (const into of [cells, fresh]) fill(into, minute);
        expect(contents(cells)).toEqual(contents(fresh));
        pool.give(cells);
      }
      expect(serials.size).toBe(minutes.length); // nothing that was remembered of the cells before may be taken for theirs
    }),
    { endOnFailure: true },
  ); // smaller ones would take minutes to find
});

Deno.test("cells are used again for the same dimensions and measures only, and what lies unused is bounded", () => {
  const pool = new CellPool();
  const cells = pool.take(3, 1);
  pool.give(cells);
  expect(pool.take(2, 1)).not.toBe(cells);
  expect(pool.take(3, 2)).not.toBe(cells);
  expect(pool.take(3, 1)).toBe(cells);
  expect(pool.take(3, 1)).not.toBe(cells);
  const large = Array.from({ length: 20 }, () => new MinuteCells(3, 1, 40_000));
  for (const each of large) pool.give(each);
  const again = new Set(Array.from({ length: 20 }, () => pool.take(3, 1)));
  const kept = large.filter((each) => again.has(each));
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBeLessThanOrEqual(16 * 1_048_576);
  expect(kept.length).toBeLessThan(20);
});
