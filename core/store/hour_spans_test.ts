/** Blocks made of many are answered from again for as long as nothing of them has changed. */
import { expect } from "expect";
import { CellCache } from "./cell_cache.ts";
import { constant, TOPIC } from "../../tests/simulation/cells_for_tests.ts";

Deno.test("six hours are added up once, until one of them changes or is given up", async () => {
  const loader = constant(600);
  const cache = new CellCache(10_000_000, loader);
  const read = (from: number, to: number, stepMinutes?: number) =>
    cache.read({ topicId: TOPIC, range: { from, to }, isByMinute: false, stepMinutes }, ({ blocks }) => blocks);
  const counts = async (from: number, to: number, stepMinutes?: number) =>
    (await read(from, to, stepMinutes))?.map(({ minute, block }) => [minute, block.counts[0]]);
  expect(await counts(300, 840)).toEqual([[300, 60], [360, 360], [720, 60], [780, 60]]);
  expect(await counts(0, 1440, 1440)).toEqual([[0, 360], [360, 360], [720, 360], [1080, 360]]);
  // A step of less has blocks of its own.
  expect(await counts(0, 720, 180)).toHaveLength(12);
  const before = await read(0, 720);
  expect((await read(0, 720))?.map(({ block }) => block)).toEqual(before?.map(({ block }) => block));
  expect((await read(0, 720))?.[1].block).toBe(before?.[1].block);
  const bytes = cache.bytes;
  cache.changing([{ topicId: TOPIC, minutes: [400] }])();
  expect(cache.bytes).toBeLessThan(bytes - (before?.[1].block.bytes ?? NaN));
  const after = await read(0, 1440);
  expect(after?.[0].block).toBe(before?.[0].block);
  // The hour that has changed is read by the minute.
  expect(after?.filter(({ minute }) => minute >= 360 && minute < 720)).toHaveLength(65);
  expect((await read(0, 720))?.length).toBe(2);
  cache.changingAll()();
  expect(cache.bytes).toBe(0);
});

Deno.test("hours that follow each other are added up once they are asked for again, within a step, until one changes", async () => {
  const cache = new CellCache(10_000_000, constant(600));
  const read = async (from: number, to: number, stepMinutes?: number) => {
    const blocks = await cache.read(
      { topicId: TOPIC, range: { from, to }, isByMinute: false, stepMinutes },
      ({ blocks }) => blocks,
    );
    return blocks ?? [];
  };
  const shape = (blocks: Awaited<ReturnType<typeof read>>) =>
    blocks.map(({ minute, block }) => [minute, block.counts[0]]);
  // From 4:50 to 23:10: the hours before and after two times six, which are one from the second time on.
  const ends = [[290, 10], [1380, 10]];
  const first = shape(await read(290, 1390));
  expect(first.map(([, count]) => count)).toEqual([10, 60, 360, 360, 60, 60, 60, 60, 60, 10]);
  const again = await read(290, 1390);
  expect(shape(again)).toEqual([ends[0], [300, 1080], ends[1]]);
  // It stays the same while the ends move on, also over what is asked in between.
  await read(0, 1440);
  const later = await read(298, 1398);
  expect(later.find(({ minute }) => minute === 300)?.block).toBe(again[1].block);
  // No block reaches over a step.
  await read(300, 2160, 720);
  expect(shape(await read(300, 2160, 720))).toEqual([[300, 60], [360, 360], [720, 360], [1080, 360], [1440, 360], [
    1800,
    360,
  ]]);
  await read(60, 1440, 720);
  expect(shape(await read(60, 1440, 720))).toEqual([[60, 660], [720, 360], [1080, 360]]);
  const bytes = cache.bytes;
  cache.changing([{ topicId: TOPIC, minutes: [1300] }])();
  expect(cache.bytes).toBeLessThan(bytes - again[1].block.bytes);
  const changed = await read(290, 1390);
  expect(changed.length).toBeGreaterThan(60);
  expect(changed.reduce((sum, { block }) => sum + block.counts[0], 0)).toBe(1100);
  for (let from = 0; from < 200; from++) for (let times = 0; times < 2; times++) await read(from * 60, from * 60 + 300);
  cache.changingAll()();
  expect(cache.bytes).toBe(0);
});

Deno.test("tens of minutes at an end are added up once they are asked for again, within their hour, until it changes", async () => {
  const cache = new CellCache(10_000_000, constant(60));
  const read = async (from: number, to: number) =>
    await cache.read({ topicId: TOPIC, range: { from, to }, isByMinute: false }, ({ blocks }) => blocks) ?? [];
  const at = (wanted: number, blocks: Awaited<ReturnType<typeof read>>) =>
    blocks.find(({ minute }) => minute === wanted)?.block;
  // From 5:08 to 12:52: two minutes, five tens, six hours, five tens, two minutes.
  expect(await read(308, 772)).toHaveLength(15);
  const again = await read(308, 772);
  expect(again.map(({ minute, block }) => [minute, block.counts[0]])).toEqual(
    [[308, 1], [309, 1], [310, 50], [360, 360], [720, 50], [770, 1], [771, 1]],
  );
  const later = await read(305, 774);
  for (const minute of [310, 720]) expect(at(minute, later)).toBe(at(minute, again));
  // Other tens of these hours are another one, and leave this one as it is; over the end of an hour there is none; two are not worth one.
  await read(320, 340 + 120);
  expect((await read(320, 340 + 120)).map(({ minute }) => minute)).toEqual([320, 360, 420]);
  await read(330, 390);
  expect((await read(330, 390)).map(({ minute }) => minute)).toEqual([330, 360]);
  await read(340, 380);
  expect(await read(340, 380)).toHaveLength(4);
  expect(at(310, await read(308, 772))).toBe(at(310, again));
  const bytes = cache.bytes;
  cache.changing([{ topicId: TOPIC, minutes: [315] }])();
  expect(cache.bytes).toBeLessThan(bytes - (at(310, again)?.bytes ?? NaN));
  const changed = await read(308, 772);
  expect(changed.reduce((sum, { block }) => sum + block.counts[0], 0)).toBe(464);
  expect(at(310, changed)).not.toBe(at(310, again));
  expect(at(720, changed)).toBe(at(720, again));
  cache.changingAll()();
  expect(cache.bytes).toBe(0);
});

Deno.test("six hours of which one has changed are not held any more", async () => {
  const bytesOf = async (stepMinutes?: number) => {
    const cache = new CellCache(10_000_000, constant(600));
    await cache.read({ topicId: TOPIC, range: { from: 0, to: 360 }, isByMinute: false, stepMinutes }, () => 0);
    const before = cache.bytes;
    cache.changing([{ topicId: TOPIC, minutes: [100] }])();
    return [before, cache.bytes];
  };
  const [[joined, left], [apart, leftApart]] = [await bytesOf(), await bytesOf(60)];
  expect(joined).toBeGreaterThan(apart);
  expect(left).toBe(leftApart);
});
