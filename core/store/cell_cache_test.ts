/** No answer is older than the last commit before the question, however loads, commits and questions interleave. */
import { expect } from "expect";
import { randomFrom } from "../../tests/simulation/delivery_simulator.ts";
import { type CellBlock, CellNames, CellSums } from "./cell_blocks.ts";
import { CellCache } from "./cell_cache.ts";
import type { CellLoader, CellRead } from "./cell_places.ts";
import { constant, SET, TOPIC } from "../../tests/simulation/cells_for_tests.ts";

/** The only one of a minute. */
const setOf = (minute: number) => [String(minute % 7), ...SET.slice(1)];

/** Lets waiting tasks go on one at a time, in an order that follows from a seed. */
class Scheduler {
  readonly #random: () => number;
  readonly #waiting: (() => void)[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Waits for one's turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Runs until all of these have ended. */
  async run(tasks: readonly Promise<unknown>[]): Promise<void> {
    let isOver = false;
    const all = Promise.all(tasks).finally(() => isOver = true);
    while (!isOver) {
      // What does not wait for a turn goes on until it does.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      const [next] = this.#waiting.splice(Math.floor(this.#random() * this.#waiting.length), 1);
      next?.();
    }
    await all;
  }
}

/** A store of one cell a minute, whose count is how often the minute was written. */
class Versions implements CellLoader {
  readonly committed: number[];
  loads = 0;

  constructor(readonly minutes: number, readonly scheduler: Scheduler, readonly random: () => number) {
    this.committed = new Array<number>(minutes).fill(0);
  }

  async countRows(): Promise<ReadonlyMap<number, number>> {
    await this.scheduler.turn();
    return new Map(Array.from({ length: this.minutes / 60 }, (_, hour) => [hour, 60]));
  }

  /** Now and then there are too many rows. */
  async loadFew(topic: string, range: { from: number; to: number }, _: number, names: CellNames) {
    await this.scheduler.turn();
    return this.random() < 0.2 ? null : await this.load(topic, range, 1, names);
  }

  async load(_: string, { from, to }: { from: number; to: number }, width: number, names: CellNames) {
    this.loads++;
    await this.scheduler.turn();
    const snapshot = [...this.committed];
    await this.scheduler.turn();
    const blocks = new Map<number, CellBlock>();
    for (let minute = from; minute < to; minute += width) {
      const sums = new CellSums();
      for (let at = minute; at < minute + width; at++) sums.add(names.numberOf(setOf(at)), snapshot[at], 0);
      blocks.set(minute, sums.block());
    }
    return blocks;
  }
}

interface Simulated {
  readonly cache: CellCache;
  readonly versions: Versions;
  readonly scheduler: Scheduler;
  readonly random: () => number;
}

async function write({ cache, versions, scheduler, random }: Simulated): Promise<void> {
  for (let i = 0; i < 30; i++) {
    const first = Math.floor(random() * versions.minutes);
    const minutes = [first, Math.min(versions.minutes - 1, first + 1)];
    const kind = random();
    const changed = kind < 0.8
      ? cache.changing([{ topicId: TOPIC, minutes }])
      : kind < 0.9
      ? cache.changing([{ topicId: TOPIC }])
      : cache.changingAll();
    await scheduler.turn();
    if (random() < 0.9) { for (const minute of new Set(minutes)) versions.committed[minute]++; }
    await scheduler.turn();
    changed();
    await scheduler.turn();
  }
}

async function ask({ cache, versions, scheduler, random }: Simulated): Promise<number> {
  let answers = 0;
  for (let i = 0; i < 40; i++) {
    const isWhole = versions.minutes > 360 && random() < 0.3;
    const from = isWhole ? 0 : Math.floor(random() * versions.minutes);
    const range = { from, to: isWhole ? versions.minutes : from + Math.ceil(random() * (versions.minutes - from)) };
    const query: CellRead = { topicId: TOPIC, range, isByMinute: random() < 0.2 };
    const sum = (list: readonly number[]) => list.slice(range.from, range.to).reduce((a, b) => a + b, 0);
    const before = sum(versions.committed);
    const counts = await cache.read(query, ({ names, blocks }) => {
      const { groupOf, groups } = names.grouped(["service"], []);
      for (const { minute, block: { rows, cells } } of blocks) {
        if (rows === 1) expect(groups[groupOf[cells[0]]]).toEqual([String(minute % 7)]);
      }
      return blocks.reduce((all, { block }) => [...block.counts].reduce((a, b) => a + b, all), 0);
    });
    if (counts !== null) {
      answers++;
      expect(counts).toBeGreaterThanOrEqual(before);
      expect(counts).toBeLessThanOrEqual(sum(versions.committed));
    }
    await scheduler.turn();
  }
  return answers;
}

const ROOMS = [
  ["much", 10_000_000, 180],
  ["little", 25_000, 180],
  ["nine hours, of which six, or all, may be answered from as one", 10_000_000, 540],
] as const;
for (const [what, bytesMax, minutes] of ROOMS) {
  Deno.test(`answers are not older than the last commit, with room for ${what}`, async () => {
    let [answers, loads] = [0, 0];
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomFrom(seed);
      const scheduler = new Scheduler(random);
      const versions = new Versions(minutes, scheduler, random);
      const simulated = { cache: new CellCache(bytesMax, versions), versions, scheduler, random };
      const readers = Array.from({ length: 3 }, () => ask(simulated).then((answered) => answers += answered));
      await scheduler.run([write(simulated), write(simulated), ...readers]);
      loads += versions.loads;
      simulated.cache.changingAll()();
      expect(simulated.cache.bytes).toBe(0);
    }
    // Most are answered, and many of them without loading.
    expect(answers).toBeGreaterThan(0.9 * 40 * 3 * 40);
    expect(loads).toBeGreaterThan(0);
  });
}

Deno.test("what is held is loaded once, and no more is held than there is room for", async () => {
  const loader = constant(6_000);
  const cache = new CellCache(600_000, loader);
  const read = (hour: number, isByMinute = true) =>
    cache.read(
      { topicId: TOPIC, range: { from: 60 * hour, to: 60 * hour + 60 }, isByMinute },
      ({ blocks }) => blocks.reduce((all, { block }) => all + block.rows, 0),
    );
  expect(await read(0)).toBe(6_000);
  expect(await read(0)).toBe(6_000);
  expect(loader.loads).toBe(1);
  // The whole hour is made of its minutes.
  expect(await read(0, false)).toBe(100);
  expect(loader.loads).toBe(1);
  for (let hour = 1; hour < 20; hour++) await read(hour);
  expect(cache.bytes).toBeLessThanOrEqual(600_000);
  expect(loader.loads).toBe(20);
  const before = cache.bytes;
  cache.changing([{ topicId: TOPIC, minutes: [19 * 60] }])();
  expect(cache.bytes).toBeLessThan(before);
  await read(0);
  expect(loader.loads).toBe(21);
});

Deno.test("a series finds what a summary of the same hours has loaded", async () => {
  const loader = constant(600);
  const cache = new CellCache(10_000_000, loader);
  const query = { topicId: TOPIC, range: { from: 0, to: 300 }, isByMinute: false };
  const count = () => cache.read(query, ({ blocks }) => blocks.map(({ block }) => block.counts[0]));
  expect(await count()).toEqual([60, 60, 60, 60, 60]);
  const { loads } = loader;
  expect(await cache.read({ ...query, stepMinutes: 10 }, ({ blocks }) => blocks.length)).toBe(30);
  expect(await count()).toEqual([300]); // as one, from the second time on
  expect(loader.loads).toBe(loads);
});

Deno.test("six hours that changed while one of them was loaded are added up anew", async () => {
  let count = 1;
  const gate = Promise.withResolvers<void>();
  const load: CellLoader["load"] = async (_, { from, to }, width, names) => {
    const seen = count;
    await gate.promise;
    const blocks = new Map<number, CellBlock>();
    for (let minute = from; minute < to; minute += width) {
      const sums = new CellSums();
      sums.add(names.numberOf(SET), seen * width, 0);
      blocks.set(minute, sums.block());
    }
    return blocks;
  };
  const cache = new CellCache(10_000_000, {
    load,
    loadFew: () => Promise.resolve(null),
    countRows: () => Promise.resolve(new Map([0, 1, 2, 3, 4, 5].map((hour) => [hour, 60]))),
  });
  const read = () =>
    cache.read(
      { topicId: TOPIC, range: { from: 0, to: 360 }, isByMinute: false },
      ({ blocks }) => blocks.reduce((all, { block }) => all + block.counts[0], 0),
    );
  const first = read();
  for (let i = 0; i < 20; i++) await Promise.resolve(); // it has seen what there was
  const changed = cache.changing([{ topicId: TOPIC, minutes: Array.from({ length: 360 }, (_, minute) => minute) }]);
  count = 2;
  changed();
  gate.resolve();
  expect(await first).toBe(360);
  for (let again = 0; again < 3; again++) expect(await read()).toBe(720);
});

Deno.test("hours that are about to change are not answered from as one", async () => {
  let count = 1;
  const load: CellLoader["load"] = (_, { from, to }, width, names) => {
    const sums = Array.from({ length: (to - from) / width }, (_, i) => {
      const of = new CellSums();
      of.add(names.numberOf(SET), count * width, 0);
      return [from + i * width, of.block()] as const;
    });
    return Promise.resolve(new Map(sums));
  };
  const cache = new CellCache(10_000_000, { ...constant(60), load, loadFew: () => Promise.resolve(null) });
  const read = () =>
    cache.read(
      { topicId: TOPIC, range: { from: 0, to: 540 }, isByMinute: false },
      ({ blocks }) => blocks.reduce((all, { block }) => all + block.counts[0], 0),
    );
  for (let again = 0; again < 3; again++) expect(await read()).toBe(540);
  const changed = cache.changing([{ topicId: TOPIC, minutes: Array.from({ length: 540 }, (_, minute) => minute) }]);
  count = 2;
  for (let again = 0; again < 3; again++) expect(await read()).toBe(1080);
  changed();
  for (let again = 0; again < 3; again++) expect(await read()).toBe(1080);
  cache.changingAll()();
  expect(cache.bytes).toBe(0);
});

Deno.test("a few minutes are loaded without counting their rows first, unless they have too many", async () => {
  for (const [rowsPerHour, counts] of [[600, 0], [600_000, 1]]) {
    const loader = constant(rowsPerHour);
    const cache = new CellCache(10_000_000, loader);
    const query = { topicId: TOPIC, range: { from: 7, to: 10 }, isByMinute: false };
    expect(await cache.read(query, ({ blocks }) => blocks.map(({ minute }) => minute))).toEqual([7, 8, 9]);
    expect(loader.counts).toBe(counts);
  }
});

Deno.test("too many rows, too many hours, and no room at all are left to the store", async () => {
  const read = (cache: CellCache, from: number, to: number) =>
    cache.read({ topicId: TOPIC, range: { from, to }, isByMinute: true }, () => "answered");
  expect(await read(new CellCache(1_000_000, constant(60_000)), 0, 60)).toBe(null);
  expect(await read(new CellCache(1_000_000, constant(60)), 0, 60 * 2_001)).toBe(null);
  expect(await read(new CellCache(0, constant(60)), 0, 60)).toBe(null);
  expect(await read(new CellCache(1_000_000, constant(60)), 0, 60)).toBe("answered");
  expect(await read(new CellCache(1_000_000, constant(60)), 60, 60)).toBe("answered");
});

Deno.test("a load that fails fails its own question alone", async () => {
  const loader = constant(60);
  const cache = new CellCache(1_000_000, {
    ...loader,
    load: (...of) => of[1].from === 0 ? Promise.reject(new Error("disk")) : loader.load(...of),
  });
  const read = (from: number) =>
    cache.read({ topicId: TOPIC, range: { from, to: from + 60 }, isByMinute: false }, () => "answered");
  const [first, second] = await Promise.allSettled([read(0), read(60)]);
  expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
});
