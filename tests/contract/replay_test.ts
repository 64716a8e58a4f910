/** Replays, on every store: as if the hours had been read with the settings of today at first, each record once. */
import { expect } from "expect";
import { type Config, configSchema } from "../../core/config/schema.ts";
import type { EmbeddedLog } from "../../core/log/embedded.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { openEmbeddedLog, openReader } from "../../core/log/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { EXPORT_TABLES, type Store } from "../../core/store/ports.ts";
import { openStore, type StoreName } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { planReplay, type ReplayOutcome, replayPartition } from "../../engine/replay/replay.ts";
import { bytesOf } from "./store_export_files.ts";
import { EVER, flushOf, promise } from "./store_fixtures.ts";

const START_MS = Date.UTC(2026, 2, 1, 10);
const HOUR_MS = 3_600_000;
const TOPIC = "shop";

type Settings = Config["topics"][string];
const settings = (changes: Partial<Settings>): Settings => ({
  format: "json",
  timeZone: "UTC",
  mapping: {},
  ...changes,
});

interface Bench {
  readonly log: EmbeddedLog;
  readonly topic: Topic;
  config(changes: Partial<Settings>): Config;
}

/** A log with records of three hours: some without a zone, some that no JSON parser takes. */
async function withLog(store: StoreName, run: (bench: Bench) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-replay-" });
  const config = (changes: Partial<Settings>) =>
    configSchema.parse({
      data,
      store: { kind: store },
      engine: { workers: 1, flushIntervalMs: 50 },
      topics: { [TOPIC]: settings(changes) },
    });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config({}).log });
  try {
    const topic = await log.createTopic(TOPIC, { partitions: 2 });
    const writer = new TopicWriter(log, topic, { batchRecords: 6 });
    for (let i = 0; i < 600; i++) {
      // The second and the third hour have as many records in each partition.
      const atMs = START_MS + i % 3 * HOUR_MS + (i * 7919_000) % HOUR_MS;
      const at = new Date(atMs).toISOString().slice(0, 19);
      const record = { when: `${at}Z`, level: i % 9 === 0 ? "ERROR" : "INFO", svc: `s${i % 4}`, duration_ms: i };
      const text = i % 150 === 0 ? `broken ${i}` : JSON.stringify({ ...record, timestamp: at });
      await writer.write(new TextEncoder().encode(text), atMs);
    }
    await writer.flush();
    await run({ log, topic, config });
  } finally {
    await log.close();
    await Deno.remove(data, { recursive: true });
  }
}

async function process({ log, topic }: Bench, store: Store, config: Config): Promise<void> {
  const engine = await startEngine({
    config,
    log,
    membership: new SoleMembership(log, () => {}),
    store,
    onNotice: () => {},
  });
  for (const { partition, end } of await log.ends(topic)) {
    while ((await store.readPartition(topic.id, partition)).checkpoint < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await engine.stop();
}

async function replay(
  { log, topic }: Bench,
  store: Store,
  config: Config,
  buckets: readonly [number, number] = [-1e6, 1e6],
): Promise<ReplayOutcome[]> {
  const outcomes: ReplayOutcome[] = [];
  for (const plan of await planReplay({ store, topic }, buckets, null)) {
    const open = (partition: number) => openReader(log.readerSpec(topic, partition));
    const parts = { config, store, topic, format: "json", openReader: open, isForced: false };
    outcomes.push(await replayPartition(parts, plan));
  }
  return outcomes;
}

/** All that can be read of the topic, but for which offset a partial began with. */
async function everything(store: Store, { id }: Topic): Promise<unknown> {
  const tables = await Promise.all(EXPORT_TABLES.map(async (table) => {
    const { stream } = await store.export({ topicId: id, table, format: "csv", range: EVER, where: [], isRaw: true });
    return new TextDecoder().decode(await bytesOf(stream)).split("\n").sort();
  }));
  const totals = (await store.partitions(id)).map((
    { partition, checkpoint, totals: { consumed, events, unparsed } },
  ) => ({
    partition,
    checkpoint,
    consumed,
    events,
    unparsed,
  }));
  return { tables, totals, stored: await store.countStored(id) };
}

/** What a store holds that was made with these settings from the start. */
async function truthOf(bench: Bench, config: Config): Promise<unknown> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-truth-" });
  const store = await openStore("duckdb", configSchema.parse({ data: directory }));
  try {
    await process(bench, store, config);
    return await everything(store, bench.topic);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const MAPPED: Partial<Settings> = { mapping: { service: ["svc"], timestamp: ["when"] } };

promise(
  "a replay makes hours as if the settings of today had been there at first",
  (store, { name }) =>
    withLog(name, async (bench) => {
      await process(bench, store, bench.config({}));
      const after = bench.config(MAPPED);
      const truth = await truthOf(bench, after);
      expect(await everything(store, bench.topic)).not.toEqual(truth);
      const outcomes = await replay(bench, store, after);
      expect(outcomes.reduce((sum, { records }) => sum + records, 0)).toBe(600);
      expect(await everything(store, bench.topic)).toEqual(truth);
      await replay(bench, store, after); // once more: the same
      expect(await everything(store, bench.topic)).toEqual(truth);
      // What comes later goes on from there.
      const writer = new TopicWriter(bench.log, bench.topic);
      const when = new Date(START_MS + 60_000).toISOString();
      await writer.write(new TextEncoder().encode(JSON.stringify({ when, svc: "late", level: "INFO" })), START_MS);
      await writer.flush();
      await process(bench, store, after);
      expect(await everything(store, bench.topic)).toEqual(await truthOf(bench, after));
    }),
);

promise(
  "records that were unparsed and can be parsed now leave quarantine",
  (store, { name }) =>
    withLog(name, async (bench) => {
      const wrong = bench.config({ format: "access" });
      await process(bench, store, wrong);
      expect((await store.partitions(bench.topic.id)).reduce((sum, { totals }) => sum + totals.unparsed, 0)).toBe(600);
      const right = bench.config(MAPPED);
      const truth = await truthOf(bench, right);
      const outcomes = await replay(bench, store, right);
      expect(outcomes.reduce((sum, { unparsedAfter }) => sum + unparsedAfter, 0)).toBe(4);
      expect(await everything(store, bench.topic)).toEqual(truth);
    }),
);

promise(
  "a replay that would move records out of its hours changes nothing",
  (store, { name }) =>
    withLog(name, async (bench) => {
      await process(bench, store, bench.config({}));
      const before = await everything(store, bench.topic);
      const later = bench.config({ timeZone: "Asia/Tokyo" });
      const error = await replay(bench, store, later).catch((thrown) => thrown);
      expect([error.code, error.message.includes("belong to other hours")]).toEqual(["REFUSED", true]);
      expect(await everything(store, bench.topic)).toEqual(before);
    }),
);

promise(
  "a replay that would exchange records with other hours, as many in as out, changes nothing",
  (store, { name }) =>
    withLog(name, async (bench) => {
      await process(bench, store, bench.config({}));
      const before = await everything(store, bench.topic);
      const second = START_MS / HOUR_MS + 1;
      const moved = bench.config({ timeZone: "Etc/GMT-1" }); // its records to the first hour, the third's to it
      const error = await replay(bench, store, moved, [second, second]).catch((thrown) => thrown);
      expect([error.code, String(error.message).includes("other records")]).toEqual(["REFUSED", true]);
      expect(await everything(store, bench.topic)).toEqual(before);
    }),
);

promise(
  "a flush of somebody who read an hour before it was replayed is refused",
  (store, { name }) =>
    withLog(name, async (bench) => {
      await process(bench, store, bench.config({}));
      const { id } = bench.topic;
      const { checkpoint } = await store.readPartition(id, 0);
      const [unit] = await store.readUnits(id, 0, [START_MS / HOUR_MS]);
      await replay(bench, store, bench.config(MAPPED));
      const zombie = flushOf({
        topicId: id,
        expectCheckpoint: checkpoint,
        at: checkpoint + 5,
        units: [{ bucket: unit.bucket, expect: unit.upto, expectWriter: unit.writer }],
      });
      expect(await store.flush(zombie)).toEqual({ kind: "conflict", bucket: unit.bucket, found: unit.upto });
      expect((await store.readPartition(id, 0)).checkpoint).toBe(checkpoint);
    }),
);
