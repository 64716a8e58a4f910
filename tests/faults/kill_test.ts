/**
 * kill -9 of `dev` at random moments under load: what was answered as stored is there exactly once, nothing is there
 * twice, and minutes, events and quarantine all equal a recount. Repeat: SEED=123 KILLS=20 deno task test tests/faults
 */
import { expect } from "expect";
import { z } from "zod";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { type DevProcess, eventually, startDev } from "./dev_process.ts";

const KILLS = Number(Deno.env.get("KILLS") ?? 20);
const SEED = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const TOPIC = "orders";
const BATCH = 200;
const EVERYTHING = "from=1970-01-02T00:00:00Z&to=2100-01-01T00:00:00Z";

const topicAnswer = z.object({
  lagRecords: z.number(),
  partitions: z.array(z.object({ start: z.number(), end: z.number() })),
});
const seriesAnswer = z.object({
  series: z.array(z.object({
    dimensions: z.record(z.string(), z.string()),
    points: z.array(z.tuple([z.number(), z.number().nullable()])),
  })),
});

/** Record `i`: every 50th cannot be parsed; times spread over three hours, so that several units are open at once. */
function recordOf(i: number, baseMs: number): string {
  if (i % 50 === 49) return `broken record ${i}`;
  const timestamp = new Date(baseMs - i * 7919 % (3 * 3_600_000)).toISOString();
  const level = i % 9 === 0 ? "ERROR" : "INFO";
  return JSON.stringify({
    timestamp,
    level,
    service: `service-${i % 5}`,
    path: `/orders/${i}`,
    duration_ms: i % 1000,
    i,
  });
}

/** Sends batches until told to stop. A batch without an answer may be in, in part or not at all: it is never sent again. */
class Producer {
  readonly answered = new Set<number>();
  readonly uncertain = new Set<number>();
  #next = 0;

  constructor(readonly baseMs: number) {}

  async run(dev: DevProcess, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const batch = Array.from({ length: BATCH }, (_, k) => this.#next + k);
      this.#next += BATCH;
      try {
        const response = await fetch(`${dev.url}/ingest/v1/${TOPIC}?partitions=3`, {
          method: "POST",
          body: batch.map((i) => recordOf(i, this.baseMs) + "\n").join(""),
        });
        await response.text();
        for (const i of batch) (response.ok ? this.answered : this.uncertain).add(i);
      } catch {
        for (const i of batch) this.uncertain.add(i);
      }
    }
  }
}

/** `deno task test` may start processes; `deno test -P` may not. */
const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

Deno.test({
  name: `after ${KILLS} kills under load the totals equal what was produced (seed ${SEED})`,
  ignore: !canRun,
  fn: async () => {
    const random = randomFrom(SEED);
    const data = await Deno.makeTempDir({ prefix: "millrace-kill-" });
    const producer = new Producer(Date.now());
    const flags = ["--rate", "2000"];
    try {
      for (let kill = 0; kill < KILLS; kill++) {
        const dev = await startDev({ data, flags });
        let isOver = false;
        const load = Promise.all([producer.run(dev, () => isOver), producer.run(dev, () => isOver)]);
        await new Promise((resolve) => setTimeout(resolve, 100 + random() * 1500));
        dev.kill("SIGKILL");
        isOver = true;
        await Promise.all([load, dev.ended]);
      }
      const dev = await startDev({ data, flags: ["--no-generator"] });
      try {
        await compare(dev, producer);
      } finally {
        dev.kill("SIGTERM");
        expect(await dev.ended).toMatchObject({ code: 0 });
      }
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

async function get(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response;
}

async function compare(dev: DevProcess, producer: Producer): Promise<void> {
  const api = `${dev.url}/api/v1`;
  const topics = [
    "orders",
    ...z.object({ topics: z.array(z.object({ name: z.string() })) })
      .parse(await (await get(`${api}/topics`)).json()).topics.map(({ name }) => name).filter((name) => name !== TOPIC),
  ];
  for (const topic of topics) {
    await eventually(
      `no lag in ${topic}`,
      async () => topicAnswer.parse(await (await get(`${api}/topics/${topic}`)).json()).lagRecords === 0,
    );
    await compareWithLog(api, topic);
  }
  const events = await exportedLines(api, "events");
  const quarantine = await exportedLines(api, "quarantine");
  const numbers = [...events, ...quarantine].map(numberOf);
  const seen = new Set(numbers);
  expect(seen.size).toBe(numbers.length); // nothing twice
  expect(numbers.filter((i) => !producer.answered.has(i) && !producer.uncertain.has(i))).toEqual([]);
  expect([...producer.answered].filter((i) => !seen.has(i))).toEqual([]); // nothing lost
  expect(producer.answered.size).toBeGreaterThan(0);
  expect(quarantine.map(numberOf).every((i) => i % 50 === 49)).toBe(true);
  await compareMinutes(api, events, quarantine.length);
}

function numberOf(raw: string): number {
  const digits = raw.startsWith("broken record ") ? raw.slice(14) : raw.match(/"i":(\d+)/)?.[1];
  if (digits === undefined) throw new Error(`not a record of this test: ${raw}`);
  return Number(digits);
}

/** Σ counts of the minutes = events + quarantine = offsets of the log, for every topic, the generator's too. */
async function compareWithLog(api: string, topic: string): Promise<void> {
  const { partitions } = topicAnswer.parse(await (await get(`${api}/topics/${topic}`)).json());
  const produced = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
  const { series } = seriesAnswer.parse(
    await (await get(`${api}/series?topic=${topic}&metric=count&step=1d&from=now-7d&to=now`)).json(),
  );
  const counted = series.flatMap(({ points }) => points).reduce((sum, [, value]) => sum + (value ?? 0), 0);
  expect({ topic, counted }).toEqual({ topic, counted: produced });
}

async function exportedLines(api: string, table: string): Promise<string[]> {
  const response = await get(`${api}/export?table=${table}&format=ndjson&topic=${TOPIC}&${EVERYTHING}`);
  const rows = (await response.text()).split("\n").filter((line) => line !== "");
  return rows.map((row) => z.object({ raw: z.string() }).parse(JSON.parse(row)).raw);
}

/** The minute series by service and level against a recount of the exported raw records. */
async function compareMinutes(api: string, events: readonly string[], unparsed: number): Promise<void> {
  const truth = new Map<string, number>();
  const record = z.object({ timestamp: z.string(), service: z.string(), level: z.string() });
  for (const raw of events) {
    const { timestamp, service, level } = record.parse(JSON.parse(raw));
    const key = `${Math.floor(Date.parse(timestamp) / 60_000) * 60_000}|${service}|${level}`;
    truth.set(key, (truth.get(key) ?? 0) + 1);
  }
  const query = "metric=count&step=1m&by=service,level&from=now-6h&to=now";
  const { series } = seriesAnswer.parse(await (await get(`${api}/series?topic=${TOPIC}&${query}`)).json());
  const found = new Map<string, number>();
  let foundUnparsed = 0;
  for (const { dimensions, points } of series) {
    for (const [atMs, value] of points) {
      if (value === null || value === 0) continue;
      if (dimensions.level === "UNPARSED") foundUnparsed += value;
      else found.set(`${atMs}|${dimensions.service}|${dimensions.level}`, value);
    }
  }
  expect(found).toEqual(truth);
  expect(foundUnparsed).toBe(unparsed);
}
