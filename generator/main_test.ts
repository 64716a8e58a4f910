import { expect } from "expect";
import { type Config, configSchema } from "../core/config/schema.ts";
import { MillraceError } from "../core/errors.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../core/log/embedded.ts";
import type { PartitionedLog } from "../core/log/partitioned_log.ts";
import { openReader } from "../core/log/registry.ts";
import { readAll } from "../core/log/test_batches.ts";
import { type Generator, startGenerator } from "./main.ts";
import { FLAT } from "./curve.ts";
import type { Traffic } from "./traffic.ts";
import { api } from "./scenarios/api.ts";
import { simulate } from "./simulation.ts";
import { USUAL_SCENARIOS } from "./scenarios/registry.ts";
import { RECORD_ROOM_BYTES } from "./scenarios/scenario.ts";

interface Stage {
  readonly config: Config;
  readonly notices: string[];
  openLog(): Promise<EmbeddedLog>;
  start(log: PartitionedLog, rate: number, traffic?: Partial<Traffic>): Promise<Generator>;
}

const TRAFFIC: Traffic = {
  scenarios: USUAL_SCENARIOS.map(({ name }) => name),
  rate: 1,
  seed: 9,
  shape: FLAT,
  incidents: [],
  pace: { kind: "live" },
  rampMs: 0,
  burst: null,
  count: Infinity,
  framing: null,
  workers: 1,
};

/** Runs `check` on a data directory of its own; logs and generators that it leaves are closed. */
async function withDirectory(check: (stage: Stage) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir();
  const config = configSchema.parse({ data, log: { partitions: 3 }, topics: { payments: { partitions: 1 } } });
  const notices: string[] = [];
  const onNotice = (notice: string): void => void notices.push(notice);
  const ends: (() => Promise<void>)[] = [];
  try {
    await check({
      config,
      notices,
      openLog: async () => {
        const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log, onNotice });
        ends.unshift(() => log.close());
        return log;
      },
      start: async (log, rate, traffic = {}) => {
        const generator = await startGenerator({ config, log, traffic: { ...TRAFFIC, rate, ...traffic }, onNotice });
        ends.unshift(() => generator.stop());
        return generator;
      },
    });
  } finally {
    for (const end of ends) await end();
    await Deno.remove(data, { recursive: true });
  }
}

/** Waits for `isTrue`; fails after a time that only a broken generator takes. */
async function until(isTrue: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  while (!isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`never true: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Reads everything, checks that record i is at offset i of its partition, byte for byte, and answers how many there are. */
async function countExact(log: EmbeddedLog): Promise<number> {
  const decoder = new TextDecoder();
  let count = 0;
  for (const scenario of USUAL_SCENARIOS) {
    const topic = await log.findTopic(scenario.topic);
    if (topic === undefined) throw new Error(`no topic ${scenario.topic}`);
    const writer = scenario.create(9);
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    for (let partition = 0; partition < topic.partitions; partition++) {
      const reader = openReader(log.readerSpec(topic, partition));
      const records = await readAll(reader, 0, 1024 * 1024);
      reader.close();
      const isRight = records.map(({ offset, timestampMs, value }, i) => {
        const end = writer.write(partition, i, timestampMs, out, 0);
        return offset === i && decoder.decode(value ?? undefined) === decoder.decode(out.subarray(0, end));
      });
      expect([scenario.name, partition, isRight.indexOf(false)]).toEqual([scenario.name, partition, -1]);
      count += records.length;
    }
  }
  return count;
}

Deno.test("what is in the log is what was produced, and a restart goes on without repeats or holes", async () => {
  await withDirectory(async ({ openLog, start }) => {
    let produced = 0;
    for (let run = 0; run < 3; run++) {
      const log = await openLog();
      const generator = await start(log, 30_000);
      await until(() => generator.produced() > 3_000);
      await generator.stop();
      produced += generator.produced();
      expect(await countExact(log)).toBe(produced);
      await log.close();
    }
  });
});

Deno.test("topics have the configured partitions and get their shares of the rate", async () => {
  await withDirectory(async ({ openLog, start }) => {
    const log = await openLog();
    const generator = await start(log, 20_000);
    await until(() => generator.produced() > 10_000);
    await generator.stop();
    const counts: number[] = [];
    for (const { topic: name } of USUAL_SCENARIOS) {
      const topic = await log.findTopic(name);
      if (topic === undefined) throw new Error(`no topic ${name}`);
      expect([name, topic.partitions, topic.format]).toEqual([name, name === "payments" ? 1 : 3, undefined]);
      counts.push((await log.ends(topic)).reduce((sum, { end }) => sum + end, 0));
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    // One tick more or less of a topic may have been written when it stopped.
    USUAL_SCENARIOS.forEach(({ share }, k) => expect(Math.abs(counts[k] / total - share)).toBeLessThan(0.15));
  });
});

Deno.test("it goes on in a topic that is deleted and made anew, with its partitions, from index 0", async () => {
  await withDirectory(async ({ openLog, start, notices }) => {
    const log = await openLog();
    const generator = await start(log, 20_000);
    await until(() => generator.produced() > 2_000);
    await log.deleteTopic("app-logs");
    const anew = await log.createTopic("app-logs", { partitions: 5 });
    const sumOfEnds = async () => (await log.ends(anew)).reduce((sum, { end }) => sum + end, 0);
    let written = 0;
    const poll = setInterval(async () => written = await sumOfEnds(), 20);
    await until(() => written > 2_000);
    clearInterval(poll);
    await generator.stop();
    await countExact(log);
    expect(notices).toEqual(["generator: app-logs was made anew; it goes on there"]);
  });
});

Deno.test("a topic that is deleted for good is made again as it was", async () => {
  await withDirectory(async ({ openLog, start, notices }) => {
    const log = await openLog();
    await log.createTopic("payments", { partitions: 2, format: "payments" });
    await start(log, 20_000);
    await log.deleteTopic("payments");
    await until(() => notices.length > 0);
    const topic = await log.findTopic("payments");
    expect([topic?.partitions, topic?.format]).toEqual([2, "payments"]);
    expect(notices).toEqual(["generator: payments was deleted and is made again; it goes on there"]);
  });
});

/** The log, with a disk that can be full: every second append fails then, so that later ones could overtake. */
function withFullDisk(log: EmbeddedLog): { log: PartitionedLog; isFull: boolean; refused: number } {
  let turn = 0;
  const disk = { log: Object.create(log) as PartitionedLog, isFull: false, refused: 0 };
  const bound = (name: "findTopic" | "createTopic" | "ends"): void => {
    Object.defineProperty(disk.log, name, { value: log[name].bind(log) });
  };
  bound("findTopic");
  bound("createTopic");
  bound("ends");
  disk.log.append = (topic, partition, batch) => {
    if (disk.isFull && turn++ % 2 === 0) {
      disk.refused++;
      return Promise.reject(new MillraceError("DISK_FULL", "no space", "make room"));
    }
    return log.append(topic, partition, batch);
  };
  return disk;
}

Deno.test("through a full disk every record keeps its place, and it goes on by itself", async () => {
  await withDirectory(async ({ openLog, start, notices }) => {
    const log = await openLog();
    const disk = withFullDisk(log);
    const generator = await start(disk.log, 20_000);
    await until(() => generator.produced() > 1_000);
    disk.isFull = true;
    await until(() => disk.refused > 4);
    disk.isFull = false;
    await until(() => notices.filter((notice) => notice.endsWith("goes on")).length > 0);
    const after = generator.produced() + 5_000;
    await until(() => generator.produced() > after);
    await generator.stop();
    expect(await countExact(log)).toBe(generator.produced());
  });
});

Deno.test("a full disk is told of once, whatever waits for it, and does not keep it from stopping", async () => {
  await withDirectory(async ({ openLog, start, notices }) => {
    const log = await openLog();
    const disk = withFullDisk(log);
    const refused = new Set<string>();
    disk.log.append = (topic, partition) => {
      refused.add(`${topic.name}/${partition}`);
      return Promise.reject(new MillraceError("DISK_FULL", "no space", "make room"));
    };
    const generator = await start(disk.log, 20_000);
    await until(() => refused.size === 7);
    await generator.stop();
    expect(generator.produced()).toBe(0);
    expect(await countExact(log)).toBe(0);
    expect(notices.length).toBe(1);
    expect(notices[0]).toMatch(/^generator: [\w-]+\/\d waits: the disk is full; it is tried again every second$/);
  });
});

Deno.test("a partition that can no longer be written is told of once, and the others go on", async () => {
  await withDirectory(async ({ openLog, start, notices }) => {
    const log = await openLog();
    const { log: broken } = withFullDisk(log);
    let refused = 0;
    broken.append = (topic, partition, batch) => {
      if (topic.name !== "access-logs" || partition !== 1) return log.append(topic, partition, batch);
      refused++;
      return Promise.reject(new MillraceError("FILE_UNAVAILABLE", "fsync failed", "check the disk"));
    };
    const generator = await start(broken, 20_000);
    await until(() => refused === 2);
    const after = generator.produced() + 5_000;
    await until(() => generator.produced() > after);
    await generator.stop();
    expect(await countExact(log)).toBe(generator.produced());
    expect(notices).toEqual(["generator: access-logs/1 waits: fsync failed; it is tried again every second"]);
  });
});

Deno.test("a planned range ends when all of it is durable: the records of the plan, with their times, over all threads", async () => {
  await withDirectory(async ({ openLog, start }) => {
    const log = await openLog();
    const fromMs = Date.UTC(2026, 2, 2);
    const toMs = fromMs + 3_600_000;
    const incident = {
      kind: "duplicate_records",
      service: null,
      method: null,
      endpoint: null,
      settings: { share: 0.2 },
    };
    const incidents = [{ ...incident, fromMs, toMs }];
    const pace = { kind: "planned", fromMs, toMs, speed: Infinity } as const;
    const generator = await start(log, 10, { scenarios: ["api"], pace, incidents, workers: 2 });
    await generator.finished;
    expect(generator.produced()).toBe(36_000);
    const topic = await log.findTopic("app-logs");
    if (topic === undefined) throw new Error("no topic");
    const planned = [0, 0, 0];
    simulate({ scenario: api, seed: 9, rate: 10, fromMs, toMs, incidents, partitions: 3 }, ({ partition }) => {
      planned[partition]++;
    });
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    const decoder = new TextDecoder();
    const writer = api.create(9, incidents);
    for (const [partition, count] of planned.entries()) {
      let previousMs = NaN;
      const reader = openReader(log.readerSpec(topic, partition));
      const records = await readAll(reader, 0, 1024 * 1024);
      reader.close();
      expect(records.length).toBe(count);
      const times = records.map(({ timestampMs }) => timestampMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      const wrong = records.filter(({ offset, timestampMs, value }, i) => {
        const end = writer.write(partition, i, timestampMs, out, 0, previousMs);
        previousMs = timestampMs;
        return offset !== i || decoder.decode(value ?? undefined) !== decoder.decode(out.subarray(0, end));
      });
      expect(wrong).toEqual([]);
    }
  });
});

Deno.test("with a count it ends after so many records, live or planned", async () => {
  await withDirectory(async ({ openLog, start }) => {
    const log = await openLog();
    const pace = { kind: "planned", fromMs: 0, toMs: Infinity, speed: Infinity } as const;
    const planned = await start(log, 100, { count: 7_003, pace });
    await planned.finished;
    expect(planned.produced()).toBe(7_003);
    await planned.stop();
    const live = await start(log, 50_000, { count: 5_001, workers: 2 });
    await live.finished;
    expect(live.produced()).toBe(5_001);
    expect(await countExact(log)).toBe(12_004);
  });
});
