import { expect } from "expect";
import fc from "fast-check";
import { rowWindow, topOf } from "./row_window.ts";

Deno.test("a window of a long list has the rows that are seen, and the heights of all others", () => {
  const shape = fc.record({
    count: fc.integer({ min: 0, max: 300 }),
    rowPx: fc.integer({ min: 1, max: 60 }),
    open: fc.dictionary(fc.integer({ min: 0, max: 299 }).map(String), fc.integer({ min: 1, max: 900 }), { maxKeys: 4 }),
    topPx: fc.integer({ min: 0, max: 20_000 }),
    viewPx: fc.integer({ min: 1, max: 900 }),
    beside: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(fc.property(shape, ({ count, rowPx, open, topPx, viewPx, beside }) => {
    const extraPx = new Map(
      Object.entries(open).map(([row, px]) => [Number(row), px]).filter(([row]) => row < count) as [
        number,
        number,
      ][],
    );
    const { first, end, beforePx, afterPx } = rowWindow({ count, rowPx, extraPx }, topPx, viewPx, beside);
    // The plain way: every row with its height.
    const heights = Array.from({ length: count }, (_, row) => rowPx + (extraPx.get(row) ?? 0));
    const sum = (rows: readonly number[]) => rows.reduce((total, px) => total + px, 0);
    expect([beforePx, afterPx]).toEqual([sum(heights.slice(0, first)), sum(heights.slice(end))]);
    expect(topOf({ count, rowPx, extraPx }, count)).toBe(sum(heights));
    let top = 0;
    heights.forEach((px, row) => {
      const isSeen = top < topPx + viewPx && top + px > topPx;
      if (isSeen) expect(row >= first && row < end).toBe(true);
      top += px;
    });
    expect(end - first).toBeLessThanOrEqual(Math.ceil(viewPx / rowPx) + 2 + 2 * beside);
  }));
});
