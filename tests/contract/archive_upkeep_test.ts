/** What an engine does with its archive besides writing segments: hours merged, final minutes, retention. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { type Archive, fileBody } from "../../core/archive/archive.ts";
import { readFloor } from "../../core/archive/floor.ts";
import { finalHourKey } from "../../core/archive/keys.ts";
import { mergeHour } from "../../core/archive/merger.ts";
import { type Config, configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";
import type { Store } from "../../core/store/ports.ts";
import { encodeEvents } from "../../core/store/record_blocks.ts";
import { Archiver } from "../../engine/archiving/archiver.ts";
import { type ArchiveForTests, archiveTest } from "./archives_for_tests.ts";
import { cellOf, eventOf, eventsToRows, flushOf, HOUR_MS, START_BUCKET, START_MS, TOPIC } from "./store_fixtures.ts";

const NAME = "shop";
const OWNER = { topicId: TOPIC, topicName: NAME, partition: 0 };
const MINUTE_MS = 60_000;

interface Parts {
  readonly archive: Archive;
  readonly store: Store;
  readonly notices: string[];
  /** Epoch milliseconds; moves as a test says. */
  readonly clock: { nowMs: number };
  archiver(settings?: Partial<Config["archive"]>): Archiver;
}

function upkeepTest(claim: string, check: (parts: Parts) => Promise<void>): void {
  archiveTest(claim, async (under: ArchiveForTests) => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-upkeep-" });
    const store = await openStore("duckdb", configSchema.parse({ data: directory }));
    const archive = await under.open();
    const clock = { nowMs: Date.now() };
    const notices: string[] = [];
    const archiver = (settings: Partial<Config["archive"]> = {}) =>
      new Archiver({
        config: configSchema.parse({ data: directory, archive: settings }),
        archive,
        store,
        log: { ends: () => Promise.resolve([{ partition: 0, start: 0, end: 1e6, written: 1e6, sizeBytes: 0 }]) },
        topics: () => [{ id: TOPIC, name: NAME, partitions: 1 }],
        onNotice: (text) => notices.push(text),
        now: () => clock.nowMs,
        directory: `${directory}/work`,
      });
    try {
      await check({ archive, store, notices, clock, archiver });
      expect(notices).toEqual([]);
    } finally {
      archive.close();
      await store.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** Events of offsets [from, to), one a second, in the first hour. */
async function commit(archiver: Archiver, from: number, to: number): Promise<void> {
  await archiver.readChain(OWNER);
  const rows = eventsToRows(Array.from({ length: to - from }, (_, i) => eventOf(from + i, (from + i) * 1000)));
  const blocks = encodeEvents(TOPIC, 0, rows);
  const range = { ...OWNER, from, to, files: [{ table: "events" as const, bucket: START_BUCKET, blocks }] };
  expect(await archiver.commitArchive(range, START_MS)).toBe(true);
}

async function keysIn(archive: Archive, prefix: string): Promise<string[]> {
  return (await Array.fromAsync(archive.list(prefix))).map(({ key }) => key).sort();
}

/** Runs SQL over `FILES`, copies of these keys. */
async function query(archive: Archive, keys: readonly string[], sql: string): Promise<unknown[]> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-upkeep-" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for (const [n, key] of keys.entries()) await archive.fetch(key, `${directory}/${n}.parquet`);
    const files = `read_parquet('${directory}/*.parquet')`;
    return (await connection.runAndReadAll(sql.replace("FILES", files))).getRowsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(directory, { recursive: true });
  }
}

upkeepTest("segments of an hour become one once no more have come for a while", async (parts) => {
  const { archive, archiver, clock } = parts;
  const first = archiver({ mergeAfterSeconds: 600 });
  for (const [from, to] of [[0, 10], [10, 11], [11, 40]]) await commit(first, from, to);
  clock.nowMs += 500_000;
  await first.tick();
  expect(await keysIn(archive, "events/")).toHaveLength(3);
  clock.nowMs += 200_000; // far from the limit: files are stamped by the archive's own clock
  await first.tick();
  const merged = await keysIn(archive, "events/");
  expect(merged).toEqual([expect.stringMatching(/-00000-0{20}-0{18}40-merged\.parquet$/)]);
  expect(await query(archive, merged, `SELECT "offset"::INTEGER FROM FILES ORDER BY ALL`)).toEqual(
    Array.from({ length: 40 }, (_, offset) => [offset]),
  );
  // What comes late is merged with the rest, also by an engine that has started since.
  await commit(first, 40, 42);
  const second = archiver({ mergeAfterSeconds: 600 });
  await commit(second, 42, 43);
  clock.nowMs += 700_000;
  await second.tick();
  const again = await keysIn(archive, "events/");
  expect(again).toEqual([expect.stringMatching(/-00000-0{20}-0{18}43-merged\.parquet$/)]);
  expect(await query(archive, again, `SELECT count(*)::INTEGER, count(DISTINCT "offset")::INTEGER FROM FILES`))
    .toEqual([[43, 43]]);
  expect(second.figures).toMatchObject({ segments: 1, merged: 3, failures: 0 });
});

upkeepTest("files that are put once more after they were merged or revised are swept", async (parts) => {
  const { archive, archiver, clock } = parts;
  for (const [from, to] of [[0, 10], [10, 40]]) await commit(archiver(), from, to);
  const [part] = await keysIn(archive, "events/");
  const directory = await Deno.makeTempDir({ prefix: "millrace-upkeep-" });
  const copy = `${directory}/copy.parquet`;
  expect(await archive.fetch(part, copy)).toBe(true);
  const hour = { table: "events" as const, topic: NAME, topicId: TOPIC, partition: 0, bucket: START_BUCKET };
  expect(await mergeHour(archive, hour, 40, directory)).toBe(2);
  const merged = await keysIn(archive, "events/");
  await archive.put(part, await fileBody(copy));
  const minutes = (revision: number) => finalHourKey({ topic: NAME, topicId: TOPIC, bucket: START_BUCKET, revision });
  for (const revision of [10, 2, 9]) await archive.put(minutes(revision), await fileBody(copy));
  await Deno.remove(directory, { recursive: true });
  clock.nowMs += 1;
  await archiver().tick();
  expect(await keysIn(archive, "")).toEqual([...merged, minutes(10)].sort());
});

upkeepTest("an hour's minutes are archived once they are final, and again where they change", async (parts) => {
  const { archive, archiver, store } = parts;
  const engine = archiver();
  const totalOf = async (keys: string[]) =>
    await query(archive, keys, "SELECT sum(count)::INTEGER, min(minute), max(minute) FROM FILES");
  const flush = (at: number, minutes: readonly number[], watermarkMinute: number) =>
    flushOf({
      at,
      expectCheckpoint: at - 10,
      writer: "a",
      cells: minutes.map((minute) => cellOf(minute, "cart", at, { fromOffset: at - 10 })),
      units: [...new Set(minutes.map((minute) => Math.floor(minute / 60)))].map((hour) => ({
        bucket: START_BUCKET + hour,
        expect: uptos[hour] ?? 0,
      })),
      watermarkMs: START_MS + watermarkMinute * MINUTE_MS,
    });
  const uptos: Record<number, number> = {};
  expect(await store.flush(flush(10, [0, 59], 59))).toEqual({ kind: "applied" });
  await engine.tick();
  expect(await keysIn(archive, "minutes/")).toEqual([]); // its last minute may still change
  uptos[0] = 10;
  expect(await store.flush(flush(20, [61], 62))).toEqual({ kind: "applied" });
  await engine.tick();
  const first = await keysIn(archive, "minutes/");
  expect(first).toEqual([
    expect.stringMatching(new RegExp(`^minutes/topic=${NAME}/date=.*/hour=\\d\\d/.*-r0\\.parquet$`)),
  ]);
  expect(await totalOf(first)).toEqual([[20, new Date(START_MS), new Date(START_MS + 59 * MINUTE_MS)]]);
  await engine.tick();
  expect(await keysIn(archive, "minutes/")).toEqual(first); // nothing has changed
  expect(await store.flush(flush(30, [5], 62))).toEqual({ kind: "applied" }); // a late one
  await archiver().tick(); // whoever leads the topic by then
  const second = await keysIn(archive, "minutes/");
  expect(second).toEqual([first[0].replace("-r0.", "-r1.")]);
  expect(await totalOf(second)).toEqual([[50, new Date(START_MS), new Date(START_MS + 59 * MINUTE_MS)]]);
});

upkeepTest("events count as archived only once searches know to look for them in the archive", async (parts) => {
  const { archive, store, clock } = parts;
  const directory = await Deno.makeTempDir({ prefix: "millrace-upkeep-" });
  // A store that takes everything but the floor, as one that fails between two requests does.
  const failing: Pick<Store, "get" | "compareAndSet" | "partitions" | "unitVersions" | "export"> = {
    get: (key) => store.get(key),
    compareAndSet: (key, expected, value) =>
      key.startsWith("archive-floor/")
        ? Promise.reject(new Error("the store is away"))
        : store.compareAndSet(key, expected, value),
    partitions: (...args) => store.partitions(...args),
    unitVersions: (...args) => store.unitVersions(...args),
    export: (...args) => store.export(...args),
  };
  const notices: string[] = [];
  const archiver = new Archiver({
    config: configSchema.parse({ data: directory, engine: { events: "archive" } }),
    archive,
    store: failing,
    log: { ends: () => Promise.resolve([]) },
    topics: () => [{ id: TOPIC, name: NAME, partitions: 1 }],
    onNotice: (text) => notices.push(text),
    now: () => clock.nowMs,
    directory: `${directory}/work`,
  });
  archiver.hurry();
  try {
    await expect(commit(archiver, 0, 10)).rejects.toThrow("the store is away");
    expect((await archiver.readChain(OWNER)).taken).toBe(null);
    expect((await archiver.readChain(OWNER)).from).toBe(0);
    expect(await readFloor(store, "events", TOPIC)).toBe(null);
    expect(notices).toHaveLength(1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

upkeepTest(
  "hours are deleted when their last file is old enough, and never where that is not asked for",
  async (parts) => {
    const { archive, archiver, clock } = parts;
    await commit(archiver(), 0, 10);
    clock.nowMs += 40 * 24 * HOUR_MS;
    await archiver({ mergeAfterSeconds: 0 }).tick();
    expect(await keysIn(archive, "")).toHaveLength(1);
    await archiver({ retentionDays: 41 }).tick();
    expect(await keysIn(archive, "")).toHaveLength(1);
    const last = archiver({ retentionDays: 39 });
    await last.tick();
    expect(await keysIn(archive, "")).toEqual([]);
    expect(last.figures.deleted).toBe(1);
  },
);
