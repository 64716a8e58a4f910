import { expect } from "expect";
import { rangeBefore, readNewest } from "./newest_first.ts";

const HOUR_MS = 3_600_000;
/** A hundred hours with a record each, of ten bytes. */
const RECORDS = Array.from({ length: 100 }, (_, hour) => ({ timeMs: hour * HOUR_MS + 5, raw: new Uint8Array(10) }));
const HOURS = RECORDS.map((_, hour) => hour);
const RANGE = { fromMs: 0, toMs: 100 * HOUR_MS };

/** A page as a store reads it, and the hours that it looked through. */
function reader(limit: number, bytesMax = Infinity) {
  const looked: number[] = [];
  const read = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => {
    const all = RECORDS.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).reverse();
    looked.push(all.length);
    return Promise.resolve(all.slice(0, Math.min(limit, Math.ceil(bytesMax / 10))));
  };
  return { looked, read };
}

Deno.test("a page is that of the whole range, and no more hours are looked through than a few times what it needs", async () => {
  for (const limit of [1, 2, 7, 50, 99, 100, 1000]) {
    const { looked, read } = reader(limit);
    expect(await readNewest(HOURS, { range: RANGE, limit }, read)).toEqual(await reader(limit).read(RANGE));
    expect(looked.at(-1)).toBeLessThanOrEqual(Math.max(1, 4 * limit));
  }
});

Deno.test("bytes that are enough end the search, too", async () => {
  const { looked, read } = reader(1000, 25);
  const page = await readNewest(HOURS, { range: RANGE, limit: 1000, bytesMax: 25 }, read);
  expect(page.map(({ timeMs }) => Math.floor(timeMs / HOUR_MS))).toEqual([99, 98, 97]);
  expect(looked).toEqual([1, 4]);
});

Deno.test("without hours the range itself is looked through once: records may lie in none", async () => {
  const { looked, read } = reader(5);
  expect(await readNewest([], { range: RANGE, limit: 5 }, read)).toHaveLength(5);
  expect(looked).toEqual([100]);
});

Deno.test("a page that begins after a position looks at nothing newer than its millisecond", () => {
  expect(rangeBefore({ fromMs: 0, toMs: 10_000 }, undefined)).toEqual({ fromMs: 0, toMs: 10_000 });
  expect(rangeBefore({ fromMs: 0, toMs: 10_000 }, 5_000.25)).toEqual({ fromMs: 0, toMs: 5_001 });
  expect(rangeBefore({ fromMs: 0, toMs: 10_000 }, 20_000)).toEqual({ fromMs: 0, toMs: 10_000 });
});
