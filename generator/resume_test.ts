import { expect } from "expect";
import { configSchema } from "../core/config/schema.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../core/log/embedded.ts";
import { openReader } from "../core/log/registry.ts";
import { readAll } from "../core/log/test_batches.ts";
import { FLAT } from "./curve.ts";
import { startGenerator } from "./main.ts";
import { api } from "./scenarios/api.ts";
import type { Traffic } from "./traffic.ts";

const FROM_MS = Date.UTC(2026, 2, 1);
const RANGE: Traffic = {
  scenarios: ["api"],
  // Several records a millisecond, and copies of the one before: what a restart could get wrong.
  rate: 12_000,
  seed: 9,
  shape: FLAT,
  incidents: [{
    kind: "duplicate_records",
    service: null,
    method: null,
    endpoint: null,
    fromMs: FROM_MS,
    toMs: FROM_MS + 60_000,
    settings: { share: 0.25 },
  }],
  pace: { kind: "planned", fromMs: FROM_MS, toMs: FROM_MS + 10_000, speed: Infinity },
  rampMs: 0,
  burst: null,
  count: Infinity,
  framing: null,
  workers: 1,
};

/** Logs in directories of their own, which are gone in the end. */
async function withLogs(count: number, check: (...logs: EmbeddedLog[]) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir();
  const { log: settings } = configSchema.parse({ log: { partitions: 3 } });
  const logs: EmbeddedLog[] = [];
  try {
    for (let i = 0; i < count; i++) {
      logs.push(await openEmbeddedLog({ dataDirectory: `${data}/${i}`, settings, onNotice: () => {} }));
    }
    await check(...logs);
  } finally {
    for (const log of logs) await log.close();
    await Deno.remove(data, { recursive: true });
  }
}

/** Until it is done, or has made so many records. */
async function make(log: EmbeddedLog, traffic: Traffic, isResumed = false, enough = Infinity): Promise<number> {
  const config = configSchema.parse({ log: { partitions: 3 } });
  const generator = await startGenerator({ config, log, traffic, isResumed, onNotice: () => {} });
  let isDone = false;
  void generator.finished.then(() => isDone = true);
  while (!isDone && generator.produced() < enough) await new Promise((resolve) => setTimeout(resolve, 1));
  await generator.stop();
  return generator.produced();
}

async function recordsOf(log: EmbeddedLog): Promise<string[][]> {
  const topic = await log.findTopic(api.topic);
  if (topic === undefined) throw new Error("no topic");
  return await Promise.all(Array.from({ length: topic.partitions }, async (_, partition) => {
    const reader = openReader(log.readerSpec(topic, partition));
    const records = await readAll(reader, 0, 1024 * 1024);
    reader.close();
    const decoder = new TextDecoder();
    return records.map(({ timestampMs, value }) => `${timestampMs} ${decoder.decode(value ?? undefined)}`);
  }));
}

Deno.test("a range that was stopped goes on where the log ends, also behind a range before it, and is made once", async () => {
  await withLogs(2, async (whole, stopped) => {
    const before: Traffic = { ...RANGE, pace: { kind: "planned", fromMs: 0, toMs: 5_000, speed: Infinity } };
    for (const log of [whole, stopped]) expect(await make(log, before)).toBe(60_000);
    expect(await make(whole, RANGE)).toBe(120_000);
    let made = await make(stopped, RANGE, false, 1);
    for (let i = 0; i < 2; i++) made += await make(stopped, RANGE, true, 1);
    made += await make(stopped, { ...RANGE, workers: 2 }, true);
    expect(made).toBe(120_000);
    expect(await make(stopped, RANGE, true)).toBe(0);
    expect(await recordsOf(stopped)).toEqual(await recordsOf(whole));
  });
});

Deno.test("a range that a topic ends in is not made twice, and what is of another run is no place to go on", async () => {
  await withLogs(1, async (log) => {
    await make(log, RANGE, false, 1);
    const refused = async (traffic: Partial<Traffic>, isResumed: boolean): Promise<string> => {
      try {
        await make(log, { ...RANGE, ...traffic }, isResumed);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
      throw new Error("it was made");
    };
    expect(await refused({}, false)).toMatch(/^app-logs holds records up to 2026-03-01T00:00:.*made twice/);
    const others: Partial<Traffic>[] = [
      { seed: 8 },
      { rate: 11_000 },
      { incidents: [] },
      { pace: { kind: "planned", fromMs: FROM_MS - 1, toMs: FROM_MS + 10_000, speed: Infinity } },
      { pace: { kind: "planned", fromMs: FROM_MS + 1, toMs: FROM_MS + 10_000, speed: Infinity } },
      { pace: { kind: "live" }, seed: 8 },
    ];
    for (const other of others) {
      expect(await refused(other, true)).toMatch(/^app-logs\/\d does not end with records of this run/);
    }
    const later = { kind: "planned", fromMs: FROM_MS + 20_000, toMs: FROM_MS + 21_000, speed: Infinity } as const;
    expect(await make(log, { ...RANGE, pace: later })).toBe(12_000);
    expect(await refused({}, true)).toContain("behind the range");
  });
});

Deno.test("a count goes on to what it was, over several workers; as a plan or as the clock goes", async () => {
  for (const pace of [RANGE.pace, { kind: "live" } as const]) {
    await withLogs(1, async (log) => {
      const counted: Traffic = { ...RANGE, pace, count: 50_001, rate: 1_000_000, scenarios: ["api", "payment"] };
      await make(log, counted, false, 1);
      await make(log, { ...counted, workers: 2 }, true);
      expect(await make(log, counted, true)).toBe(0);
      let total = 0;
      for (const topic of await log.listTopics()) {
        for (const { end } of await log.ends(topic)) total += end;
      }
      expect(total).toBe(50_001);
    });
  }
});
