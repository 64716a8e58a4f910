/** What pages ask next is held before they do, within the room that there is. */
import { expect } from "expect";
import { DIMENSIONS } from "../minutes/fields.ts";
import { type CellBlock, CellSums } from "./cell_blocks.ts";
import { CellCache } from "./cell_cache.ts";
import { type CellLoader, type CellRead, HOUR, TENS } from "./cell_places.ts";
import { HeldDay } from "./held_day.ts";

const TOPIC = "topic";
/** The last hour that is asked about; it has begun. */
const LAST = 400;
const NOW = LAST * HOUR + 7;

/** A store of so many cells a minute, that counts what is loaded from it. */
class Cells implements CellLoader {
  loads = 0;

  constructor(readonly perMinute: number) {}

  countRows() {
    this.loads++;
    return Promise.resolve(new Map(Array.from({ length: LAST + 1 }, (_, hour) => [hour, HOUR * this.perMinute])));
  }

  loadFew(topicId: string, range: { from: number; to: number }, _: number, names: Parameters<CellLoader["load"]>[3]) {
    return this.load(topicId, range, 1, names);
  }

  load(
    _: string,
    { from, to }: { from: number; to: number },
    width: number,
    names: Parameters<CellLoader["load"]>[3],
  ): Promise<ReadonlyMap<number, CellBlock>> {
    this.loads++;
    const blocks = new Map<number, CellBlock>();
    for (let minute = from; minute < to; minute += width) {
      const sums = new CellSums();
      for (let cell = 0; cell < this.perMinute; cell++) {
        sums.add(names.numberOf(DIMENSIONS.map(() => String(cell))), width, 0);
      }
      blocks.set(minute, sums.block());
    }
    return Promise.resolve(blocks);
  }
}

function held(perMinute: number, room: number) {
  const cells = new Cells(perMinute);
  const cache = new CellCache(room, cells);
  const holds: CellRead[] = [];
  const day = new HeldDay({
    hold: async (read) => {
      holds.push(read);
      return await cache.read(read, () => true) ?? false;
    },
    filled: () => cache.bytes / room,
  });
  /** As the store does: what a page asks is answered, and told. */
  const ask = async (hours: number, to: number, stepMinutes?: number) => {
    const range = { from: to - hours * HOUR, to };
    const query = { topicId: TOPIC, range, stepMinutes, isByMinute: false };
    const count = await cache.read(
      query,
      ({ blocks }) => blocks.reduce((sum, { block }) => sum + [...block.counts].reduce((a, b) => a + b, 0), 0),
    );
    day.asked(TOPIC, range);
    return count;
  };
  return { cells, cache, day, holds, ask };
}

/** Waits for all that is wanted: rests keep no process alive, this does. */
async function settled(day: HeldDay): Promise<void> {
  const awake = setInterval(() => {}, 1000);
  await day.settled().finally(() => clearInterval(awake));
}

Deno.test("once an hour was asked for, whatever a page asks of the day before is answered without loading", async () => {
  const { cells, cache, day, ask } = held(3, 50_000_000);
  await ask(1, NOW, 1);
  await settled(day);
  const { loads } = cells;
  // All whole hours of a day are one block already.
  const range = { from: NOW - 24 * HOUR, to: NOW };
  const widest = await cache.read(
    { topicId: TOPIC, range, isByMinute: false },
    ({ blocks }) => Math.max(...blocks.map(({ block }) => block.counts[0])),
  );
  expect(widest).toBe(23 * HOUR);
  for (let to = NOW - 50; to < NOW + 50; to++) {
    for (const [hours, step] of [[0.25, 1], [1, 1], [3, 1], [6, 1], [24, TENS], [24, undefined], [6, TENS]] as const) {
      expect(await ask(hours, to, step)).toBe(hours * HOUR * 3);
    }
  }
  await settled(day);
  expect(cells.loads).toBe(loads);
});

Deno.test("it is looked after again when an hour has passed, and not for each question", async () => {
  const { day, holds, ask } = held(1, 50_000_000);
  const countOf = async (...question: Parameters<typeof ask>) => {
    const before = holds.length;
    await ask(...question);
    await settled(day);
    return holds.length - before;
  };
  expect(await countOf(1, NOW)).toBeGreaterThan(24);
  for (const to of [NOW, NOW - 30, NOW + 20, NOW - 10 * HOUR]) expect(await countOf(6, to)).toBe(0);
  expect(await countOf(1, NOW + HOUR)).toBeGreaterThan(24);
  day.forget();
  expect(await countOf(1, NOW + HOUR)).toBeGreaterThan(24);
  expect(await countOf(1, NOW + HOUR)).toBe(0);
  // Somebody looks at last week.
  expect(await countOf(1, NOW - 7 * 24 * HOUR)).toBeGreaterThan(24);
  expect(await countOf(0, NOW - 100 * 24 * HOUR)).toBe(0);
});

Deno.test("what was asked for stays held where the day has no room", async () => {
  const room = 400_000;
  const { cells, cache, day, holds, ask } = held(20, room);
  await ask(1, NOW, 1);
  await settled(day);
  expect(cache.bytes).toBeLessThanOrEqual(room);
  expect(holds.length).toBeGreaterThan(1);
  const { loads } = cells;
  expect(await ask(1, NOW, 1)).toBe(HOUR * 20);
  expect(cells.loads).toBe(loads);
});

Deno.test("nothing is held where nothing may be, or where an hour is too much", async () => {
  for (const [perMinute, room, tries] of [[1, 0, 0], [100, 100_000, 1]]) {
    const { day, holds, ask } = held(perMinute, room);
    await ask(1, NOW, 1);
    await settled(day);
    expect(holds.length).toBe(tries);
  }
});

Deno.test("a load that fails ends it, and the next hour tries again", async () => {
  let loads = 0;
  const day = new HeldDay({
    hold: () => ++loads === 3 ? Promise.reject(new Error("disk")) : Promise.resolve(true),
    filled: () => 0,
  });
  day.asked(TOPIC, { from: NOW - HOUR, to: NOW });
  await settled(day);
  expect(loads).toBe(3);
  day.asked(TOPIC, { from: NOW, to: NOW + HOUR });
  await settled(day);
  expect(loads).toBeGreaterThan(24);
});

Deno.test("once stopped it loads nothing more", async () => {
  const gate = Promise.withResolvers<boolean>();
  let loads = 0;
  const day = new HeldDay({
    hold: () => {
      loads++;
      return gate.promise;
    },
    filled: () => 0,
  });
  day.asked(TOPIC, { from: 0, to: NOW });
  day.asked("other", { from: 0, to: NOW });
  const stopped = day.stop();
  gate.resolve(false);
  await stopped;
  day.asked("third", { from: 0, to: NOW });
  await settled(day);
  expect(loads).toBe(1);
});
