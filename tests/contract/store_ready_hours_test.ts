/** Hours that are ready for exports: whatever they are asked, however they change, their rows are those of the events. */
import { expect } from "expect";
import { type DuckDbStore, openDuckDbStore } from "../../core/store/duckdb.ts";
import { EXPORT_FORMATS, type ExportQuery, type Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { CELL_DIMENSIONS, cellEvent, expectCells, recountCells } from "./store_cells_recount.ts";
import { bytesOf, exported, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  cellsToRows,
  deliver,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  PartitionWriter,
  START_BUCKET,
  START_MS,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";

/** Hours of a test's events; the last of a topic is never made ready. */
const HOURS = 4;
const NEVER_MS = 2 ** 31 - 1;

interface Limits {
  readonly intervalMs?: number;
  readonly rowsMin?: number;
  readonly readyBytes?: number;
}

async function inDirectory(
  check: (directory: string, open: (limits?: Limits) => Promise<DuckDbStore>) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-ready-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  await check(directory, async ({ intervalMs = 5, rowsMin = 1, readyBytes } = {}) => {
    const readyHours = { intervalMs, rowsMin };
    const store = await openDuckDbStore({
      directory,
      memoryBytes: 128 * 1_048_576,
      threads: 2,
      readyBytes,
      readyHours,
    });
    stack.defer(() => store.close());
    return store;
  });
}

const filesIn = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);
const readyIn = (directory: string) => filesIn(`${directory}/ready`).filter((name) => name.endsWith(".parquet"));

/** Delivers traffic, and answers a store whose hours are ready: made of all of it, for nothing looked for them before. */
async function openReady(
  directory: string,
  open: (limits?: Limits) => Promise<DuckDbStore>,
  traffic: ReadonlyMap<number, readonly TestEvent[]>,
): Promise<DuckDbStore> {
  const before = await open({ intervalMs: NEVER_MS });
  await deliver(before, traffic, CELL_DIMENSIONS);
  await before.close();
  const store = await open();
  await untilReady(directory, HOURS - 1);
  return store;
}

/** Until it is so, which is long before this gives up. */
async function until(what: string, isSo: () => boolean, everyMs = 20): Promise<void> {
  for (let waits = 0; !isSo(); waits++) {
    if (waits * everyMs === 60_000) throw new Error(`gave up waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

const untilReady = (directory: string, hours: number) =>
  until(`${hours} hours are ready`, () => readyIn(directory).length === hours);

function eventsOf(random: () => number, count: number, first = 0, hours = HOURS): TestEvent[] {
  const services = ["=cart", "pay,1", 'a"b\nc', "it's"];
  const make = (offset: number) => cellEvent(random, offset, Math.floor(random() * hours * HOUR_MS), services);
  return Array.from({ length: count }, (_, i) => make(first + i));
}

/** Two partitions that share their cells, with events in each hour. */
const trafficOf = (seed: number) => new Map([0, 3].map((part) => [part, eventsOf(randomFrom(seed + part), 400)]));

async function expectExported(store: Store, events: readonly TestEvent[], query: Partial<ExportQuery>): Promise<void> {
  expectCells(await exported(store, exportQuery({ table: "minutes", ...query })), recountCells(events, 1));
}

for (const format of EXPORT_FORMATS) {
  Deno.test(`ready hours as ${format} have the rows of their events, wherever a range begins and ends`, async () => {
    await inDirectory(async (directory, open) => {
      const traffic = trafficOf(7);
      const store = await openReady(directory, open, traffic);
      await store.flush(flushOf({ topicId: "other", cells: [cellOf(0, "cart", 1), cellOf(70, "cart", 1)] }));
      await untilReady(directory, HOURS - 1 + 1);
      const events = [...traffic.values()].flat();
      await expectExported(store, events, { format });
      for (const [from, to] of [[0, 240], [0, 60], [60, 61], [30, 200], [119, 121], [10, 20], [-60, 180], [179, 999]]) {
        const range = { fromMs: START_MS + from * MINUTE_MS, toMs: START_MS + to * MINUTE_MS };
        const within = events.filter(({ micros }) => micros >= range.fromMs * 1000 && micros < range.toMs * 1000);
        await expectExported(store, within, { format, range });
        // As minutes begin in a range, not as events lie in it.
        const later = { fromMs: range.fromMs - 1, toMs: range.toMs - 1 };
        await expectExported(store, within, { format, range: later });
      }
      const where = [
        { field: "service", op: "not_in", values: ["pay,1", "x' OR '1'='1"] },
        { field: "service", op: "prefix", values: ["=", "a", "it'"] },
        { field: "endpoint", op: "in", values: ["", "/ü"] },
      ] as const;
      await expectExported(store, events.filter(({ fields }) => fields.service !== "pay,1"), { format, where });
      await expectExported(store, [], { format, where: [{ field: "level", op: "in", values: ["';--"] }] });
      expect(filesIn(`${directory}/exports`)).toEqual([]);
      expect(readyIn(directory).length).toBe(HOURS);
    });
  });
}

Deno.test("a CSV file has the same texts, whether its hours are ready or not: safe for spreadsheets, or raw", async () => {
  await inDirectory(async (directory, open) => {
    const plain = await open({ readyBytes: 0 });
    await deliver(plain, trafficOf(11), CELL_DIMENSIONS);
    const exportsOf = async (store: Store) => [
      await exported(store, exportQuery({ table: "minutes", isRaw: false })),
      await exported(store, exportQuery({ table: "minutes", isRaw: true })),
    ];
    const wanted = await exportsOf(plain);
    expect(wanted[0]).not.toEqual(wanted[1]);
    expect(filesIn(`${directory}/ready`)).toEqual([]);
    await plain.close();
    const store = await open();
    await untilReady(directory, HOURS - 1);
    for (const [n, rows] of (await exportsOf(store)).entries()) expectCells(rows, wanted[n]);
  });
});

Deno.test("an hour that changed is exported as it is now: by late events, a replay, retention, a topic that is dropped", async () => {
  await inDirectory(async (directory, open) => {
    const traffic = trafficOf(13);
    const store = await openReady(directory, open, traffic);
    const before = readyIn(directory);
    const isChanged = (name: string) => name.startsWith(`${START_BUCKET + 1}-`);
    const late = Array.from({ length: 5 }, (_, i) => eventOf(400 + i, 70 * MINUTE_MS, { fields: { service: "late" } }));
    const writer = new PartitionWriter(store, TOPIC, 3, CELL_DIMENSIONS);
    await writer.takeOver();
    expect((await writer.flush(late)).kind).toBe("applied");
    const events = [...traffic.values(), late].flat();
    await expectExported(store, events, { format: "parquet" });
    await until(
      "it is ready again",
      () => readyIn(directory).some((name) => isChanged(name) && !before.includes(name)),
    );
    await expectExported(store, events, { format: "parquet" });

    const [unit] = await store.readUnits(TOPIC, 3, [START_BUCKET + 1]);
    const replaced = await store.replaceUnits([{
      topicId: TOPIC,
      partition: 3,
      unit: { bucket: unit.bucket, upto: unit.upto, writer: unit.writer ?? "" },
      writer: "replay",
      minutes: cellsToRows([cellOf(75, "anew", 3)]),
      events: [],
      quarantine: [],
      totals: { events: 0, unparsed: 0 },
    }]);
    expect(replaced).toBe(true);
    const isOfUnit = ({ micros }: TestEvent) => Math.floor(micros / 1000 / HOUR_MS) === unit.bucket;
    const anew = Array.from(
      { length: 3 },
      (_, i) => eventOf(i, 75 * MINUTE_MS, { fields: { service: "anew", level: "INFO" } }),
    );
    const now = [...traffic.get(0) ?? [], ...(traffic.get(3) ?? []).filter((event) => !isOfUnit(event)), ...anew];
    await expectExported(store, now, { format: "parquet" });

    await store.retain({ minutesBeforeMs: START_MS + 1, eventsBeforeMs: START_MS });
    await expectExported(store, [], { format: "parquet" });
    await until("no hour is ready", () => readyIn(directory).length === 0);

    await deliver(store, new Map([[0, eventsOf(randomFrom(17), 200)]]), CELL_DIMENSIONS, { topicId: "other" });
    await untilReady(directory, HOURS - 1);
    await store.dropTopic("other");
    await expectExported(store, [], { topicId: "other", format: "parquet" });
    await until("no hour is ready", () => readyIn(directory).length === 0);
  });
});

Deno.test("exports at any moment have every event that was flushed before, once, while hours become ready and change", async () => {
  const random = randomFrom(23);
  await inDirectory(async (directory, open) => {
    const store = await open({ intervalMs: 1 });
    const writers = [0, 1].map((part) => new PartitionWriter(store, TOPIC, part, CELL_DIMENSIONS));
    const flushed: TestEvent[] = [];
    const next = [0, 0];
    let mostReady = 0;
    for (let round = 0; round < 60; round++) {
      const part = Math.floor(random() * 2);
      // Most touch one hour, so that others rest.
      const hour = Math.floor(random() * HOURS);
      const some = eventsOf(random, 1 + Math.floor(random() * 20), next[part], 1)
        .map((event) => ({ ...event, micros: event.micros + hour * HOUR_MS * 1000 }));
      next[part] += some.length;
      expect((await writers[part].flush(some)).kind).toBe("applied");
      flushed.push(...some);
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, 20 * random()));
      mostReady = Math.max(mostReady, readyIn(directory).length);
      const rows = await exported(store, exportQuery({ table: "minutes", format: random() < 0.5 ? "parquet" : "csv" }));
      expectCells(rows, recountCells(flushed, 1));
    }
    await untilReady(directory, HOURS - 1);
    await expectExported(store, flushed, { format: "parquet" });
    expect(filesIn(`${directory}/exports`)).toEqual([]);
  });
});

Deno.test("what is ready outlives the process; what a killed one left half made, or of another version, does not", async () => {
  await inDirectory(async (directory, open) => {
    const traffic = trafficOf(29);
    const before = await openReady(directory, open, traffic);
    await before.close();
    const kept = readyIn(directory).sort();
    await Deno.writeTextFile(`${directory}/ready/making`, "half");
    await Deno.writeTextFile(`${directory}/ready/${START_BUCKET}-${"0".repeat(32)}.parquet`, "of another version");
    // It looks for nothing within this test, so that what is there is from before.
    const store = await open({ intervalMs: NEVER_MS });
    expect(filesIn(`${directory}/ready`)).not.toContain("making");
    await expectExported(store, [...traffic.values()].flat(), { format: "parquet" });
    await store.close();
    await open();
    await until(
      "only what is of now is left",
      () => JSON.stringify(readyIn(directory).sort()) === JSON.stringify(kept),
    );
  });
});

for (const format of EXPORT_FORMATS) {
  Deno.test(`a ready file that is damaged fails one export as ${format}, and no other`, async () => {
    await inDirectory(async (directory, open) => {
      const traffic = trafficOf(31);
      const before = await openReady(directory, open, traffic);
      await before.close();
      for (const name of readyIn(directory)) await Deno.writeTextFile(`${directory}/ready/${name}`, "PAR1 but no more");
      const store = await open({ intervalMs: NEVER_MS });
      const query = exportQuery({ table: "minutes", format });
      const failure = await store.export(query).then(({ stream }) => bytesOf(stream)).catch((error) => error);
      expect(failure).toBeInstanceOf(Error);
      for (let n = 1; n < HOURS && readyIn(directory).length > 0; n++) {
        await store.export(query).then(({ stream }) => bytesOf(stream)).catch(() => {});
      }
      await expectExported(store, [...traffic.values()].flat(), { format });
      expect(filesIn(`${directory}/exports`)).toEqual([]);
    });
  });
}

Deno.test("an export of ready hours that is given up leaves no file behind, and the hours stay", async () => {
  await inDirectory(async (directory, open) => {
    const traffic = trafficOf(37);
    const store = await openReady(directory, open, traffic);
    for (const format of EXPORT_FORMATS) {
      const { stream } = await store.export(exportQuery({ table: "minutes", format }));
      const reader = stream.getReader();
      await reader.read();
      await reader.cancel();
      expect(filesIn(`${directory}/exports`)).toEqual([]);
    }
    expect(readyIn(directory).length).toBe(HOURS - 1);
    await expectExported(store, [...traffic.values()].flat(), {});
  });
});

Deno.test("a store that closes while an hour is made ready waits for it, and leaves nothing half made", async () => {
  await inDirectory(async (directory, open) => {
    const before = await open({ intervalMs: NEVER_MS });
    await deliver(before, trafficOf(59), CELL_DIMENSIONS);
    await before.close();
    for (let times = 0; times < 5; times++) {
      const store = await open();
      await until("one is being made", () => filesIn(`${directory}/ready`).includes("making"), 1);
      await store.close();
      expect(filesIn(`${directory}/ready`)).not.toContain("making");
      expect(filesIn(`${directory}/exports`)).toEqual([]);
      await Deno.remove(`${directory}/ready`, { recursive: true });
    }
  });
});

Deno.test("of more than there is room for the newest hours are ready, and of few rows none is", async () => {
  await inDirectory(async (directory, open) => {
    const traffic = trafficOf(41);
    const first = await openReady(directory, open, traffic);
    const bytes = Math.max(...readyIn(directory).map((name) => Deno.statSync(`${directory}/ready/${name}`).size));
    await first.close();
    await Deno.remove(`${directory}/ready`, { recursive: true });
    // Hours are about as large: there is room when one is ready, and none when two are.
    const store = await open({ readyBytes: Math.floor(1.5 * bytes) });
    const newest = [START_BUCKET + 1, START_BUCKET + 2].map(String);
    await until(
      "two are ready",
      () => JSON.stringify(readyIn(directory).map((name) => name.split("-")[0]).sort()) === JSON.stringify(newest),
    );
    // A newer one takes the place of the oldest.
    const writer = new PartitionWriter(store, TOPIC, 0, CELL_DIMENSIONS);
    await writer.takeOver();
    const next = eventsOf(randomFrom(43), 300, 400, 1)
      .map((event) => ({ ...event, micros: event.micros + (HOURS + 1) * HOUR_MS * 1000 }));
    await writer.flush(next);
    await until(
      "a newer one is ready",
      () => readyIn(directory).some((name) => name.startsWith(`${START_BUCKET + 3}-`)),
    );
    await until("the oldest went", () => !readyIn(directory).some((name) => name.startsWith(`${START_BUCKET + 1}-`)));
    await expectExported(store, [...traffic.values(), next].flat(), { format: "parquet", range: EVER });
  });
});

Deno.test("hours of few rows are exported from the table", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 350 });
    const traffic = trafficOf(47);
    const more = eventsOf(randomFrom(53), 300, 400, 1);
    await deliver(store, new Map([...traffic, [3, [...traffic.get(3) ?? [], ...more]]]), CELL_DIMENSIONS);
    // It is the oldest, and so the last that is looked at.
    await until("the hour of many rows is ready", () => readyIn(directory).length > 0);
    expect(readyIn(directory).map((name) => name.split("-")[0])).toEqual([String(START_BUCKET)]);
    await expectExported(store, [...traffic.values(), more].flat(), { format: "parquet" });
  });
});
