/**
 * `dev` under load: 20 000 events/s from its generator, all stored. Does it keep up, how much memory does it hold, and
 * how soon is a record that was just ingested seen through the API?
 */
import { z } from "zod";
import { startDev } from "../tests/faults/dev_process.ts";

export const RATE = 20_000;
const PROBE_MS = 500;
const SAMPLE_MS = 5000;
const POLL_MS = 200;
/** More than are ever unseen while `dev` keeps up. */
const PAGE_LIMIT = 100;
/** A record that is not seen after so long ends the bench: something is wrong with `dev`, not slow. */
const UNSEEN_MS = 60_000;
const PROBE_TOPIC = "probes";
const topicsAnswer = z.object({
  topics: z.array(z.object({
    name: z.string(),
    lagRecords: z.number(),
    partitions: z.array(z.object({ end: z.number() })),
  })),
});
const eventsAnswer = z.object({ events: z.array(z.object({ fields: z.object({ message: z.string() }) })) });

/** State of `dev` at one moment. */
interface Sample {
  readonly atMs: number;
  readonly rssMegabytes: number;
  /** Generated and durable in the log, over all topics. */
  readonly records: number;
  readonly lagRecords: number;
}

export interface DevFigures {
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly freshnessMs: { readonly p50: number; readonly p99: number; readonly max: number; readonly probes: number };
  readonly samples: readonly Sample[];
}

/** Runs for `seconds`, printing a summary. Resident memory is what `dev` says of itself. */
export async function measureDev(seconds: number): Promise<DevFigures> {
  const data = await Deno.makeTempDir({ prefix: "millrace-bench-dev-" });
  const dev = await startDev({ data, flags: ["--rate", String(RATE)] });
  try {
    const figures = await measureThrough(dev.url, seconds);
    print("dev", figures);
    return figures;
  } finally {
    dev.kill("SIGTERM");
    const { code, output } = await dev.ended;
    if (code !== 0) console.error(`dev ended with status ${code}:\n${output}`);
    await Deno.remove(data, { recursive: true });
  }
}

/** Probes and samples through a gateway that serves {@link RATE} events/s. */
export async function measureThrough(url: string, seconds: number): Promise<DevFigures> {
  const endMs = performance.now() + seconds * 1000;
  const [delays, samples] = await Promise.all([probeUntil(url, endMs), sampleUntil(url, endMs)]);
  return figuresOf(seconds, delays, samples);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ingests a probe on every beat, and looks for all of them as a page does: again and again. Answers their delays. */
async function probeUntil(url: string, endMs: number): Promise<number[]> {
  const delays: number[] = [];
  /** When each probe that has not been seen was ingested, by its id. */
  const unseen = new Map<string, number>();
  let isIngesting = true;
  const ingesting = (async () => {
    for (; performance.now() < endMs; await pause(PROBE_MS)) await ingestProbe(url, unseen);
  })().finally(() => isIngesting = false);
  ingesting.catch(() => {}); // met when it is awaited
  const query = `topic=${PROBE_TOPIC}&from=now-5m&limit=${PAGE_LIMIT}`;
  for (; isIngesting || unseen.size > 0; await pause(POLL_MS)) {
    if (unseen.size === 0) continue;
    const { events } = eventsAnswer.parse(await getJson(`${url}/api/v1/events?${query}`));
    const now = performance.now();
    for (const { fields: { message } } of events) {
      const ingestedMs = unseen.get(message);
      if (ingestedMs === undefined) continue;
      delays.push(now - ingestedMs);
      unseen.delete(message);
    }
    for (const ingestedMs of unseen.values()) {
      if (now - ingestedMs > UNSEEN_MS) throw new Error(`a record was not to be seen within ${UNSEEN_MS / 1000} s`);
    }
  }
  await ingesting;
  return delays;
}

/** The clock starts when the record is sent. */
async function ingestProbe(url: string, unseen: Map<string, number>): Promise<void> {
  const id = crypto.randomUUID();
  const body = JSON.stringify({ timestamp: new Date().toISOString(), level: "INFO", service: "probe", message: id });
  const startMs = performance.now();
  const response = await fetch(`${url}/ingest/v1/${PROBE_TOPIC}?partitions=1`, { method: "POST", body });
  const answer = await response.text();
  if (!response.ok) throw new Error(`ingest: ${response.status} ${answer}`);
  unseen.set(id, startMs);
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function sampleUntil(url: string, endMs: number): Promise<Sample[]> {
  const startMs = performance.now();
  const samples: Sample[] = [];
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const { topics } = topicsAnswer.parse(await getJson(`${url}/api/v1/topics`));
    const generated = topics.filter(({ name }) => name !== PROBE_TOPIC);
    samples.push({
      atMs: Math.round(performance.now() - startMs),
      rssMegabytes: Math.round(Number(metrics.match(/^process_resident_memory_bytes (\S+)$/m)?.[1] ?? NaN) / 1e6),
      records: generated.flatMap(({ partitions }) => partitions).reduce((sum, { end }) => sum + end, 0),
      lagRecords: generated.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
    });
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return samples;
    await pause(Math.min(SAMPLE_MS, leftMs));
  }
}

function figuresOf(seconds: number, delays: readonly number[], samples: readonly Sample[]): DevFigures {
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (q: number): number => Math.round(sorted[Math.ceil(q * (sorted.length - 1))]);
  const [first, last] = [samples[0], samples[samples.length - 1]];
  return {
    seconds,
    recordsPerSecond: Math.round((last.records - first.records) / (last.atMs - first.atMs) * 1000),
    freshnessMs: { p50: at(0.5), p99: at(0.99), max: at(1), probes: sorted.length },
    samples,
  };
}

export function print(
  what: string,
  { seconds, recordsPerSecond, freshnessMs: { p50, p99, max, probes }, samples }: DevFigures,
): void {
  const every = `every ${SAMPLE_MS / 1000} s`;
  console.log(`\n## ${what} at ${RATE} events/s, stored, for ${seconds} s\n`);
  console.log("| figure | value |\n|---|---|");
  console.log(`| durable in the log | ${recordsPerSecond} records/s |`);
  console.log(`| ingested to visible, p50 / p99 / max of ${probes} | ${p50} / ${p99} / ${max} ms |`);
  console.log(`| lag ${every} | ${samples.map(({ lagRecords }) => lagRecords).join(" ")} records |`);
  console.log(`| resident memory ${every} | ${samples.map(({ rssMegabytes }) => rssMegabytes).join(" ")} MB |`);
}
