/** The engine over the real embedded log and the real store, worker threads and all, against a plain recount. */
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { openStore } from "../../core/store/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { topicDescriber } from "../../cli/topic_description.ts";
import { startEngine } from "../../engine/main.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";

const encoder = new TextEncoder();
const HOUR_MS = 3_600_000;

interface Parts {
  readonly config: ReturnType<typeof configSchema.parse>;
  readonly log: Awaited<ReturnType<typeof openEmbeddedLog>>;
  readonly store: Awaited<ReturnType<typeof openStore>>;
}

async function withParts(run: (parts: Parts) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-engine-" });
  const config = configSchema.parse({ data, engine: { workers: 2, flushIntervalMs: 50 } });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  const store = await openStore("duckdb", config);
  try {
    await run({ config, log, store });
  } finally {
    await log.close();
    await store.close();
    await Deno.remove(data, { recursive: true });
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

Deno.test("two engines on one log, as after a false failover, store every record exactly once", async () => {
  await withParts(async (parts) => {
    const { config, log, store } = parts;
    const random = randomFrom(7);
    const now = Date.now();
    const topic = await log.createTopic("shop", { partitions: 3 });
    const engines = await Promise.all(
      [0, 1].map(() =>
        startEngine({ config, log, membership: new SoleMembership(log, () => {}), store, onNotice: () => {} })
      ),
    );
    const truth = new Map<string, [number, number]>();
    const writer = new TopicWriter(log, topic);
    for (let i = 0; i < 20_000; i++) {
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
    await caughtUp(parts, "shop");
    const conflicts = engines.reduce((sum, engine) => sum + engine.status().conflictsTotal, 0);
    await Promise.all(engines.map((engine) => engine.stop()));
    expect(conflicts).toBeGreaterThan(0);
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
    expect(stored.reduce((sum, { totals }) => sum + totals.consumed, 0)).toBe(20_000);
    expect(stored.reduce((sum, { totals }) => sum + totals.events, 0)).toBe(20_000);
  });
});

Deno.test("the format is decided by the first records, and stays after a restart", async () => {
  await withParts(async (parts) => {
    const { config, log, store } = parts;
    const now = Date.now();
    const topic = await log.createTopic("web", { partitions: 1 });
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
      await caughtUp(parts, "web");
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
      timeZone: "UTC",
      limit: 10,
    });
    expect(report).toMatchObject({ lines: 5, unparsed: 2, byDay: [{ day: "2000-10-10", count: 3 }], hosts: 1 });
  });
});
