/** The engine over each real log and the real store, worker threads and all, against a plain recount. */
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import type { PartitionedLog } from "../../core/log/partitioned_log.ts";
import { openEmbeddedLog, openKafkaLog } from "../../core/log/registry.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { openStore } from "../../core/store/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { topicDescriber } from "../../cli/topic_description.ts";
import { startEngine } from "../../engine/main.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { hasKafka, kafkaAccess } from "./kafka_for_tests.ts";

const encoder = new TextEncoder();
const HOUR_MS = 3_600_000;

type Config = ReturnType<typeof configSchema.parse>;

interface Parts {
  readonly config: Config;
  readonly log: PartitionedLog;
  readonly store: Awaited<ReturnType<typeof openStore>>;
  /** A topic's name in this run of the test: some logs are shared with others. */
  readonly named: (name: string) => string;
}

interface LogUnderTest {
  readonly ignore: boolean;
  readonly open: (config: Config) => Promise<Pick<Parts, "log" | "named"> & { readonly release: () => Promise<void> }>;
}

const logs: Readonly<Record<string, LogUnderTest>> = {
  embedded: {
    ignore: false,
    async open({ data, log: settings }) {
      const log = await openEmbeddedLog({ dataDirectory: data, settings });
      return { log, named: (name) => name, release: () => log.close() };
    },
  },
  kafka: {
    ignore: !hasKafka,
    async open({ log: { recordBytesMax } }) {
      const prefix = `engine-${crypto.randomUUID().slice(0, 8)}-`;
      const log = await openKafkaLog({ access: { ...kafkaAccess(), topics: [`${prefix}*`] }, recordBytesMax });
      const release = async () => {
        for (const { name } of await log.listTopics()) await log.deleteTopic(name);
        await log.close();
      };
      return { log, named: (name) => prefix + name, release };
    },
  },
};

function onEachLog(claim: string, run: (parts: Parts) => Promise<void>): void {
  for (const [name, { ignore, open }] of Object.entries(logs)) {
    Deno.test({
      name: `${name} log: ${claim}`,
      ignore,
      async fn() {
        const data = await Deno.makeTempDir({ prefix: "millrace-engine-" });
        await using opened = new AsyncDisposableStack();
        opened.defer(() => Deno.remove(data, { recursive: true }));
        const config = configSchema.parse({ data, engine: { workers: 2, flushIntervalMs: 50 } });
        const { log, named, release } = await open(config);
        opened.defer(release);
        const store = await openStore("duckdb", config);
        opened.defer(() => store.close());
        await run({ config, log, store, named });
      },
    });
  }
}

async function caughtUp({ log, store }: Parts, name: string): Promise<void> {
  const topic = await log.findTopic(name);
  if (topic === undefined) throw new Error(`no topic ${name}`);
  for (;;) {
    const ends = await log.ends(topic);
    const states = new Map((await store.partitions(topic.id)).map((state) => [state.partition, state.checkpoint]));
    if (ends.every(({ partition, end }) => (states.get(partition) ?? 0) === end)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

onEachLog("two engines, as after a false failover, store every record exactly once", async (parts) => {
  const { config, log, store, named } = parts;
  const random = randomFrom(7);
  const now = Date.now();
  const topic = await log.createTopic(named("shop"), { partitions: 3 });
  const engines = await Promise.all(
    [0, 1].map(() =>
      startEngine({ config, log, membership: new SoleMembership(log, () => {}), store, onNotice: () => {} })
    ),
  );
  const truth = new Map<string, [number, number]>();
  const writer = new TopicWriter(log, topic);
  const conflicts = () => engines.reduce((sum, engine) => sum + engine.status().conflictsTotal, 0);
  let records = 0;
  // On beyond that until they have met: one may begin when the other is through.
  for (let i = 0; i < 20_000 || (conflicts() === 0 && i < 1_000_000); i++) {
    records++;
    const atMs = now - Math.floor(random() * 5 * HOUR_MS);
    const service = `service-${i % 4}`;
    const duration = Math.floor(random() * 10_000);
    const record = { timestamp: new Date(atMs).toISOString(), level: "INFO", service, duration_ms: duration };
    const key = `${Math.floor(atMs / 60_000) * 60_000}|${service}`;
    const [count, sum] = truth.get(key) ?? [0, 0];
    truth.set(key, [count + 1, sum + duration]);
    await writer.write(encoder.encode(JSON.stringify(record)), now);
    if (i % 997 === 0) await writer.flush();
  }
  await writer.flush();
  await caughtUp(parts, topic.name);
  await Promise.all(engines.map((engine) => engine.stop()));
  expect(conflicts()).toBeGreaterThan(0);
  const range = { fromMs: now - 6 * HOUR_MS, toMs: now + HOUR_MS };
  const ask = async (statistic: "count" | "sum") => {
    const query = { topicId: topic.id, range, stepMinutes: 1, by: ["service"] as const, where: [], seriesMax: 10 };
    const { series } = await store.series({ ...query, statistic, measure: "response_time" });
    return new Map(
      series.flatMap(({ dimensions, points }) =>
        points.map(([atMs, value]) => [`${atMs}|${dimensions.service}`, value])
      ),
    );
  };
  expect(await ask("count")).toEqual(new Map([...truth].map(([key, [count]]) => [key, count])));
  expect(await ask("sum")).toEqual(new Map([...truth].map(([key, [, sum]]) => [key, sum])));
  const stored = await store.partitions(topic.id);
  expect(stored.reduce((sum, { totals }) => sum + totals.consumed, 0)).toBe(records);
  expect(stored.reduce((sum, { totals }) => sum + totals.events, 0)).toBe(records);
});

onEachLog("the format is decided by the first records, and stays after a restart", async (parts) => {
  const { config, log, store, named } = parts;
  const now = Date.now();
  const topic = await log.createTopic(named("web"), { partitions: 1 });
  const write = async (lines: readonly string[]) => {
    const writer = new TopicWriter(log, topic);
    for (const line of lines) await writer.write(encoder.encode(line), now);
    await writer.flush();
  };
  const logLine = '10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326';
  const run = async () => {
    const engine = await startEngine({
      config,
      log,
      membership: new SoleMembership(log, () => {}),
      store,
      onNotice: () => {},
    });
    await caughtUp(parts, topic.name);
    const { format } = await topicDescriber(config, store)(topic);
    await engine.stop();
    return format;
  };
  await write([logLine, logLine, "garbage"]);
  expect(await run()).toBe("access");
  await write(['{"level":"INFO","message":"not a line of an access log"}', logLine]);
  expect(await run()).toBe("access");
  const [{ totals }] = await store.partitions(topic.id);
  expect(totals).toMatchObject({ consumed: 5, events: 3, unparsed: 2 });
  const kept = await store.quarantine({ topicId: topic.id, range: { fromMs: 0, toMs: now + HOUR_MS }, limit: 10 });
  expect(kept.map(({ offset, reason }) => [offset, reason])).toEqual([[3, "no_match"], [2, "no_match"]]);
  const report = await store.accessReport({
    topicId: topic.id,
    range: { fromMs: 0, toMs: now + HOUR_MS },
    where: [],
    timeZone: "UTC",
    limit: 10,
  });
  expect(report).toMatchObject({ lines: 5, unparsed: 2, byDay: [{ day: "2000-10-10", count: 3 }], hosts: 1 });
});
