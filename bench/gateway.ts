/**
 * A gateway over ten million minute rows, beside an engine that reads as fast as records come: how soon summaries and series
 * are answered, and how fast exports are beside DuckDB's own COPY of the same finished rows.
 * Run: deno task bench --only gateway [--rows N] [--seconds N]
 */
import { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { configSchema } from "../core/config/schema.ts";
import { openEmbeddedLog } from "../core/log/registry.ts";
import { Sketch } from "../core/minutes/sketch.ts";
import { openStore } from "../core/store/registry.ts";
import { type DevProcess, startDev } from "../tests/faults/dev_process.ts";
import { randomFrom } from "../tests/simulation/delivery_simulator.ts";
import { median } from "./peers/runs.ts";

const TOPIC = "filled";
/** Sets of dimensions in a minute. */
const CELLS = 700;
/** Hours of the ranges that are asked for, in turn, and requests a second of each. */
const COURSES = [0.25, 1, 6, 24];
const REQUESTS = 50;
/** Within this the store holds the day before what was first asked about (core/store/held_day.ts). */
const HELD_AFTER_MS = 60_000;
/** Events/s of the generator, which the engine keeps up with, all stored. */
const RATE = 5_000;
/** So many different ones that few in a row group are alike, as in life: else the database would keep each only once. */
const SKETCHES = 20_000;
const EXPORTS = 5;
/** The range of exports, whose hours become ready first: they are the newest. */
const EXPORT_HOURS = 24;
const READY_WITHIN_MS = 15 * 60_000;

interface Latencies {
  readonly what: string;
  /** What one request of each kind takes, one after the other, before the others. */
  readonly firstMs: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly requests: number;
}

interface ExportFigures {
  readonly format: string;
  readonly rows: number;
  readonly seconds: number;
  readonly copySeconds: number;
  /** Speed of the export in that of COPY. */
  readonly ofCopy: number;
}

/** Writes minutes of the last days straight into a new store, as its own flushes would have left them. */
export async function fill(data: string, rows: number): Promise<{ fromMs: number; toMs: number }> {
  const log = await openEmbeddedLog({ dataDirectory: data, settings: configSchema.parse({}).log });
  const topic = await log.createTopic(TOPIC, { partitions: 1, format: "json" });
  await log.close();
  await (await openStore("duckdb", configSchema.parse({ data }))).close(); // makes the tables
  const minutes = Math.ceil(rows / CELLS);
  const last = Math.floor(Date.now() / 60_000);
  const { instance, connection } = await openStoreFile(data);
  const random = randomFrom(11);
  await connection.run("CREATE TEMP TABLE sketches (n INTEGER, sketch BLOB)");
  const appender = await connection.createAppender("sketches", "main", "temp");
  for (let n = 0; n < SKETCHES; n++) {
    const sketch = new Sketch();
    for (let i = 0; i < 20; i++) sketch.add(Math.floor(Math.exp(5 + 6 * random())));
    appender.appendInteger(n);
    appender.appendBlob(sketch.encode());
    appender.endRow();
  }
  appender.closeSync();
  // Some 700 APIs of eight services; the mean of a cell's 20 durations follows from its number.
  const values = {
    topic_id: `'${topic.id}'`,
    part: "0",
    minute: `(${last - minutes} + m)::INTEGER`,
    from_offset: "0",
    service: "'service-' || (c % 8)",
    level: "CASE WHEN c % 10 = 0 THEN 'ERROR' WHEN c % 10 < 3 THEN 'WARN' ELSE 'INFO' END",
    method: "(['GET', 'POST', 'PUT'])[c % 3 + 1]",
    endpoint: "'/api/v1/items/' || (c % 31)",
    status: "CASE WHEN c % 10 = 0 THEN '500' ELSE '200' END",
    host: "''",
    event_type: "''",
    currency: "''",
    count: "20",
    errors: "CASE WHEN c % 10 = 0 THEN 20 ELSE 0 END",
    response_time_count: "20",
    response_time_sum: "20 * (1000 + (m * 31 + c * 17) % 5000)",
    response_time_min: "200 + c",
    response_time_max: "20000 + c",
    response_time_m2: "1e6",
    response_time_sketch: "sketch",
  };
  await connection.run(
    `INSERT INTO minutes BY NAME SELECT ${Object.entries(values).map(([name, sql]) => `${sql} AS ${name}`).join(", ")}
     FROM range(${minutes}) AS minutes(m) CROSS JOIN range(${CELLS}) AS cells(c)
       JOIN sketches ON n = (hash(m, c) % ${SKETCHES})::INTEGER
     ORDER BY m, c`,
  );
  await connection.run(
    `INSERT INTO units SELECT DISTINCT '${topic.id}', 0, minute // 60, 1, 'filled', (minute // 60)::BIGINT * 3600000 FROM minutes`,
  );
  await connection.run("CHECKPOINT");
  connection.closeSync();
  instance.closeSync();
  return { fromMs: (last - minutes) * 60_000, toMs: last * 60_000 };
}

async function openStoreFile(data: string): Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> {
  const instance = await DuckDBInstance.create(`${data}/store/store.duckdb`, { threads: "2" });
  return { instance, connection: await instance.connect() };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends requests on a beat, whether or not the last was answered, so that a slow answer is not a pause for all. */
async function load(
  url: string,
  what: string,
  paths: readonly string[],
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<Omit<Latencies, "firstMs">> {
  const latencies: number[] = [];
  const asked: Promise<void>[] = [];
  const startMs = performance.now();
  const total = rate * seconds;
  for (let n = 0; n < total; n++) {
    const dueMs = startMs + n * 1000 / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    asked.push((async () => {
      const response = await fetch(url + paths[n % paths.length]);
      const text = await response.text();
      if (!response.ok) throw new Error(`${paths[n % paths.length]}: ${response.status} ${text.slice(0, 500)}`);
      latencies.push(performance.now() - dueMs);
    })());
  }
  await Promise.all(asked);
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (q: number) => Math.round(sorted[Math.ceil(q * (sorted.length - 1))]);
  return { what, p50: at(0.5), p99: at(0.99), max: at(1), requests: sorted.length };
}

/** Of requests in {@link pathsOf}. */
const KINDS = 4;

/** What pages ask: the summary, rates and quantiles, of all and of one service, each of an end of its own. */
export function pathsOf(toMs: number, hours: number): string[] {
  const paths: string[] = [];
  for (let back = 0; back < 40; back++) {
    const to = toMs - back * 60_000;
    const range = `topic=${TOPIC}&from=${new Date(to - hours * 3_600_000).toISOString()}&to=${
      new Date(to).toISOString()
    }`;
    const step = hours > 6 ? "&step=10m" : "&step=1m";
    paths.push(
      `/api/v1/summary?${range}`,
      `/api/v1/series?${range}${step}&metric=count`,
      `/api/v1/series?${range}${step}&metric=error_rate&by=service`,
      `/api/v1/series?${range}${step}&metric=p95&measure=response_time`,
    );
  }
  return paths;
}

/** Waits until the whole hours of the exports' range are ready, as they are some minutes after they ended. */
async function readyHours(data: string): Promise<void> {
  const endMs = performance.now() + READY_WITHIN_MS;
  while ([...Deno.readDirSync(`${data}/store/ready`)].length < EXPORT_HOURS) {
    if (performance.now() > endMs) throw new Error("hours are not ready for exports yet");
    await pause(1000);
  }
}

async function residentMegabytes({ url }: DevProcess): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Math.round(Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1] ?? NaN) / 1e6);
}

/**
 * Exports all minutes of a range through the gateway, and copies the very rows that came, of the same columns and in the same
 * order, with DuckDB alone: COPY has neither partials to add up nor quantiles to compute.
 */
async function measureExports(
  dev: DevProcess,
  data: string,
  range: { fromMs: number; toMs: number },
  rounds: number,
): Promise<{ exports: ExportFigures[]; peakMegabytes: number }> {
  const from = `from=${new Date(range.fromMs).toISOString()}&to=${new Date(range.toMs).toISOString()}`;
  const ask = async (format: string): Promise<ReadableStream<Uint8Array>> => {
    const response = await fetch(`${dev.url}/api/v1/export?topic=${TOPIC}&table=minutes&format=${format}&${from}`);
    if (!response.ok || response.body === null) throw new Error(`export: ${response.status} ${await response.text()}`);
    return response.body;
  };
  await Deno.writeFile(`${data}/exported.parquet`, await ask("parquet"));
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const figures: ExportFigures[] = [];
  let peakMegabytes = 0;
  try {
    await connection.run(`CREATE TABLE cells AS FROM '${data}/exported.parquet'`);
    const [[rows]] = (await connection.runAndReadAll("SELECT count(*)::INTEGER FROM cells")).getRowsJS();
    for (const format of ["csv", "parquet"] as const) {
      const [own, copies]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        let before = performance.now();
        for await (const _ of await ask(format)) {
          if (Math.random() < 0.01) peakMegabytes = Math.max(peakMegabytes, await residentMegabytes(dev));
        }
        own.push((performance.now() - before) / 1000);
        before = performance.now();
        const options = format === "csv" ? "FORMAT csv, HEADER" : "FORMAT parquet, COMPRESSION zstd";
        await connection.run(
          `COPY (FROM cells ORDER BY minute, service, level, method, endpoint, status, host, event_type, currency)
           TO '${data}/copy.${format}' (${options})`,
        );
        copies.push((performance.now() - before) / 1000);
      }
      const [seconds, copySeconds] = [median(own), median(copies)];
      figures.push({ format, rows: Number(rows), seconds, copySeconds, ofCopy: copySeconds / seconds });
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  return { exports: figures, peakMegabytes };
}

/** One request of each kind, then many a second. */
async function measureRange(url: string, toMs: number, hours: number, seconds: number): Promise<Latencies> {
  const what = `${hours} h (${Math.round(hours * 60 * CELLS / 1000)} k rows)`;
  const paths = pathsOf(toMs, hours);
  const before = performance.now();
  for (const path of paths.slice(0, KINDS)) await (await fetch(url + path)).text();
  const firstMs = Math.round(performance.now() - before);
  return { firstMs, ...await load(url, what, paths, { rate: REQUESTS, seconds }) };
}

/** The longest range as the first thing that a new process is asked for. */
async function askAtOnce(data: string, flags: string[], toMs: number, seconds: number): Promise<Latencies> {
  const dev = await startDev({ data, flags });
  try {
    const latencies = await measureRange(dev.url, toMs, Math.max(...COURSES), seconds);
    return { ...latencies, what: `${latencies.what}, at once after the start` };
  } finally {
    dev.kill("SIGTERM");
    await dev.ended;
  }
}

export async function measureGateway(rows: number, seconds: number): Promise<unknown> {
  const data = await Deno.makeTempDir({ prefix: "millrace-bench-gateway-" });
  try {
    const range = await fill(data, rows);
    const flags = ["--rate", String(RATE)];
    const atOnce = await askAtOnce(data, flags, range.toMs, seconds);
    const dev = await startDev({ data, flags });
    try {
      await load(dev.url, "warm-up", pathsOf(range.toMs, 1), { rate: REQUESTS, seconds: 5 });
      await pause(HELD_AFTER_MS);
      const latencies = [atOnce];
      for (const hours of COURSES) latencies.push(await measureRange(dev.url, range.toMs, hours, seconds));
      const some = { fromMs: Math.max(range.fromMs, range.toMs - EXPORT_HOURS * 3_600_000), toMs: range.toMs };
      const anew = await measureExports(dev, data, some, 2);
      await readyHours(data);
      const before = await residentMegabytes(dev);
      const { exports, peakMegabytes } = await measureExports(dev, data, some, EXPORTS);
      const memory = { beforeMegabytes: before, peakMegabytes };
      print(rows, latencies, anew.exports, exports, memory);
      return { rows, latencies, anew: anew.exports, exports, memory };
    } finally {
      dev.kill("SIGTERM");
      await dev.ended;
    }
  } finally {
    await Deno.remove(data, { recursive: true });
  }
}

function print(
  rows: number,
  latencies: readonly Latencies[],
  anew: readonly ExportFigures[],
  ready: readonly ExportFigures[],
  { beforeMegabytes, peakMegabytes }: { beforeMegabytes: number; peakMegabytes: number },
): void {
  console.log(`\n## A gateway over ${rows} minute rows, beside an engine at ${RATE} events/s\n`);
  console.log(`Summaries and series, ${REQUESTS} requests/s of ranges of:\n`);
  console.log("| what | first of each kind, ms | p50, ms | p99, ms | max, ms | requests |\n|---|---|---|---|---|---|");
  for (const { what, firstMs, p50, p99, max, requests } of latencies) {
    console.log(`| ${what} | ${firstMs} | ${p50} | ${p99} | ${max} | ${requests} |`);
  }
  console.log("\nExports of minutes, with quantiles, beside COPY of the rows that came:\n");
  console.log("| format | | rows | export, s | COPY, s | of COPY's speed |\n|---|---|---|---|---|---|");
  for (const [what, exports] of [["made anew", anew], ["of hours that are ready", ready]] as const) {
    for (const { format, rows, seconds, copySeconds, ofCopy } of exports) {
      const cells = [format, what, rows, seconds.toFixed(2), copySeconds.toFixed(2), ofCopy.toFixed(2)];
      console.log(`| ${cells.join(" | ")} |`);
    }
  }
  console.log(`\nResident: ${beforeMegabytes} MB before the exports, ${peakMegabytes} MB at most during them.`);
}
