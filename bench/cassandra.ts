/**
 * Writing to Cassandra: how long a flush of minute rows takes, and how many events a second are stored, beside the same
 * events as rows in unlogged batches by the plain driver (docs/adr/025-cassandra.md).
 * Cassandra is the one that CASSANDRA_CONTACT_POINTS names, else that of the harness.
 * Run: deno run -A bench/cassandra.ts [--json]
 */
import { Client, types } from "cassandra-driver";
import { configSchema } from "../core/config/schema.ts";
import { TEXT_FIELDS } from "../core/minutes/fields.ts";
import { Sketch } from "../core/minutes/sketch.ts";
import type { MeasureColumns, MinuteRows, PartitionFlush } from "../core/store/ports.ts";
import { encodeEvents, type EventRows } from "../core/store/record_blocks.ts";
import { openStore } from "../core/store/registry.ts";
import { up } from "../tests/services/manager.ts";
import { serviceOf } from "../tests/services/registry.ts";
import { recordSource, START_MS } from "./records.ts";

const MINUTE_ROWS = [500, 1_000, 2_000, 5_000];
const MINUTE_RUNS = 11;
const EVENTS = 100_000;
const PARTITIONS = 4;
const FLUSH_EVENTS = 5_000;
/** The plain driver's: rows of a batch, and batches under way. */
const BATCH_ROWS = 100;
const BATCHES_AT_ONCE = 32;
const EVENT_RUNS = 5;

const given = Deno.env.get("CASSANDRA_CONTACT_POINTS") ?? "";
const contactPoints = (given === "" ? (await up(serviceOf("cassandra"))).access.contactPoints : given).split(",");
const keyspace = `bench_${crypto.randomUUID().slice(0, 8)}`;
const data = await Deno.makeTempDir({ prefix: "millrace-bench-cassandra-" });
const config = configSchema.parse({ data, cassandra: { contactPoints, keyspace, requestTimeoutMs: 30_000 } });
const store = await openStore("cassandra", config);
const driver = new Client({
  contactPoints,
  localDataCenter: config.cassandra.localDataCenter || "datacenter1",
  keyspace,
  queryOptions: { consistency: types.consistencies.localQuorum, prepare: true },
  socketOptions: { readTimeout: 30_000 },
});

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

async function secondsOf(task: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await task();
  return (performance.now() - startMs) / 1000;
}

const NOTHING = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };

// ---------------------------------------------------------------- minute rows

/** Cells of one minute each, of services with paths, that have a response time of a dozen values. */
function minuteRows(rows: number, minute: number): MinuteRows {
  const dictionary = Array.from({ length: rows }, (_, i) => `/api/v1/resources/${i}/items`);
  return {
    rows,
    minutes: new Int32Array(rows).fill(minute),
    fromOffsets: new Float64Array(rows),
    dimensions: {
      service: { dictionary: ["checkout"], ids: new Uint32Array(rows) },
      level: { dictionary: ["INFO"], ids: new Uint32Array(rows) },
      endpoint: { dictionary, ids: Uint32Array.from({ length: rows }, (_, i) => i) },
    },
    counts: new Float64Array(rows).fill(12),
    errors: new Float64Array(rows),
    measures: { response_time: responseTimes(rows) },
  };
}

function responseTimes(rows: number): MeasureColumns {
  const sketch = new Sketch();
  const values = Array.from({ length: 12 }, (_, i) => Math.round(1000 * Math.exp(i / 2)));
  for (const value of values) sketch.add(value);
  const encoded = sketch.encode();
  const sum = values.reduce((sum, value) => sum + value, 0);
  const sketches = new Uint8Array(rows * encoded.length);
  for (let row = 0; row < rows; row++) sketches.set(encoded, row * encoded.length);
  return {
    counts: new Float64Array(rows).fill(values.length),
    sums: new Float64Array(rows).fill(sum),
    minima: new Float64Array(rows).fill(values[0]),
    maxima: new Float64Array(rows).fill(values[values.length - 1]),
    m2: new Float64Array(rows).fill(values.reduce((m2, value) => m2 + (value - sum / values.length) ** 2, 0)),
    sketches,
    sketchEnds: Uint32Array.from({ length: rows }, (_, i) => (i + 1) * encoded.length),
  };
}

/** Milliseconds of each flush of so many rows to one unit, after one to warm up. */
async function flushMinutes(rows: number): Promise<number[]> {
  const topicId = crypto.randomUUID();
  const minute = START_MS / 60_000;
  const times: number[] = [];
  let expect = 0;
  for (let run = 0; run <= MINUTE_RUNS; run++) {
    const flush: PartitionFlush = {
      topicId,
      partition: 0,
      writer: "bench",
      expectCheckpoint: expect,
      at: expect + rows,
      units: [{ bucket: Math.floor(minute / 60), expect }],
      minutes: minuteRows(rows, minute + run),
      events: [],
      quarantine: [],
      watermarkMs: null,
      lastRecordTimeMs: START_MS,
      totals: NOTHING,
      gaps: [],
    };
    const seconds = await secondsOf(() => apply(flush));
    if (run > 0) times.push(seconds * 1000);
    expect += rows;
  }
  return times;
}

async function apply(flush: PartitionFlush): Promise<void> {
  const outcome = await store.flush(flush);
  if (outcome.kind !== "applied") throw new Error(`the flush was not applied: ${JSON.stringify(outcome)}`);
}

// ---------------------------------------------------------------- events

interface Event {
  readonly raw: string;
  readonly timeMs: number;
  readonly fields: Readonly<Record<"level" | "service" | "method" | "endpoint" | "status", string>>;
  readonly responseTime: number;
}

const source = recordSource();
const events = Array.from({ length: EVENTS }, (): Event => {
  const raw = source();
  const { "@timestamp": time, level, service, method, path, status, response_time_ms: ms } = JSON.parse(raw);
  const fields = { level, service, method, endpoint: path, status: String(status) };
  return { raw, timeMs: Date.parse(time), fields, responseTime: Math.round(ms * 1000) };
});
const encoder = new TextEncoder();

/** As the engine has them: the records' bytes, and where in them the fields are. */
function eventRows(some: readonly Event[], firstOffset: number): EventRows {
  const bytes = encoder.encode(some.map(({ raw }) => raw).join(""));
  let end = 0;
  const rawEnds = Uint32Array.from(some, ({ raw }) => end += raw.length);
  const rawStarts = rawEnds.map((end, i) => end - some[i].raw.length);
  const names = TEXT_FIELDS.filter((name): name is keyof Event["fields"] => name in events[0].fields);
  const text = Object.fromEntries(names.map((name) => {
    const starts = Int32Array.from(some, ({ raw, fields }, i) => rawStarts[i] + raw.indexOf(fields[name]));
    return [name, { starts, ends: starts.map((start, i) => start + some[i].fields[name].length) }];
  }));
  return {
    rows: some.length,
    bytes,
    offsets: Float64Array.from(some, (_, i) => firstOffset + i),
    timestampMicros: Float64Array.from(some, ({ timeMs }) => timeMs * 1000),
    recordTimesMs: Float64Array.from(some, ({ timeMs }) => timeMs),
    rawStarts,
    rawEnds,
    text,
    measures: { response_time: Float64Array.from(some, ({ responseTime }) => responseTime) },
  };
}

const ofPartition = Array.from(
  { length: PARTITIONS },
  (_, partition) => events.filter((_, i) => i % PARTITIONS === partition),
);
const bucket = Math.floor(START_MS / 3_600_000);

/** Blocks are made within the time that is measured: it is part of storing events so. */
async function storeEvents(topicId: string): Promise<void> {
  await Promise.all(ofPartition.map(async (all, partition) => {
    for (let at = 0; at < all.length; at += FLUSH_EVENTS) {
      const some = all.slice(at, at + FLUSH_EVENTS);
      await apply({
        topicId,
        partition,
        writer: "bench",
        expectCheckpoint: at,
        at: at + some.length,
        units: [{ bucket, expect: at }],
        minutes: minuteRows(1, START_MS / 60_000),
        events: encodeEvents(topicId, partition, eventRows(some, at)),
        quarantine: [],
        watermarkMs: null,
        lastRecordTimeMs: some[some.length - 1].timeMs,
        totals: { ...NOTHING, consumed: some.length, events: some.length },
        gaps: [],
      });
    }
  }));
}

const INSERT = `INSERT INTO plain (topic_id, part, hour, record_offset, ts, level, service, method, endpoint, status,
  response_time, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** A row an event, {@link BATCH_ROWS} of one partition in an unlogged batch. */
async function insertRows(topicId: string): Promise<void> {
  const batches = ofPartition.flatMap((all, partition) =>
    Array.from({ length: Math.ceil(all.length / BATCH_ROWS) }, (_, n) => ({ partition, from: n * BATCH_ROWS }))
  );
  let next = 0;
  const run = async () => {
    for (let i = next++; i < batches.length; i = next++) {
      const { partition, from } = batches[i];
      const statements = ofPartition[partition].slice(from, from + BATCH_ROWS).map((event, n) => {
        const { level, service, method, endpoint, status } = event.fields;
        const key = [topicId, partition, bucket, from + n, new Date(event.timeMs)];
        return {
          query: INSERT,
          params: [...key, level, service, method, endpoint, status, event.responseTime, event.raw],
        };
      });
      await driver.batch(statements, { logged: false });
    }
  };
  await Promise.all(Array.from({ length: BATCHES_AT_ONCE }, run));
}

/** Both must have stored every event. */
async function checkStored(ours: string, plain: string): Promise<void> {
  const range = { fromMs: START_MS, toMs: START_MS + 3_600_000 };
  const { lines } = await store.accessReport({ topicId: ours, range, where: [], timeZone: "UTC", limit: 1 });
  if (lines !== EVENTS) throw new Error(`the store has ${lines} events of ${EVENTS}`);
  let rows = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const query = "SELECT count(*) AS rows FROM plain WHERE topic_id = ? AND part = ? AND hour = ?";
    const found = await driver.execute(query, [plain, partition, bucket]);
    rows += Number(found.rows[0].rows);
  }
  if (rows !== EVENTS) throw new Error(`the batches left ${rows} rows of ${EVENTS}`);
}

// ---------------------------------------------------------------- all of it

const CONTENDERS = [
  { name: "Millrace's store, events as blocks", store: storeEvents },
  { name: `plain driver, unlogged batches of ${BATCH_ROWS} rows`, store: insertRows },
] as const;

try {
  await driver.execute(
    `CREATE TABLE plain (topic_id text, part int, hour int, record_offset bigint, ts timestamp, level text, service text,
      method text, endpoint text, status text, response_time bigint, raw text,
      PRIMARY KEY ((topic_id, part, hour), record_offset))`,
    [],
    { prepare: false },
  );
  const minutes: { rows: number; min: number; median: number; max: number }[] = [];
  for (const rows of MINUTE_ROWS) {
    const times = await flushMinutes(rows);
    minutes.push({ rows, min: Math.min(...times), median: median(times), max: Math.max(...times) });
  }
  const rates: number[][] = CONTENDERS.map(() => []);
  for (let run = 0; run <= EVENT_RUNS; run++) {
    const topics = CONTENDERS.map(() => crypto.randomUUID());
    for (const [i, { store }] of CONTENDERS.entries()) {
      const seconds = await secondsOf(() => store(topics[i]));
      if (run > 0) rates[i].push(EVENTS / seconds / 1000); // the first run warms up
    }
    if (run === 0) await checkStored(topics[0], topics[1]);
  }
  const stored = CONTENDERS.map(({ name }, i) => ({
    name,
    min: Math.min(...rates[i]),
    median: median(rates[i]),
    max: Math.max(...rates[i]),
    oursIsFasterBy: median(rates[0].map((rate, run) => rate / rates[i][run])),
  }));
  if (Deno.args.includes("--json")) console.log(JSON.stringify({ minutes, events: stored }));
  else print(minutes, stored);
} finally {
  await driver.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`, [], { prepare: false });
  await driver.shutdown();
  await store.close();
  await Deno.remove(data, { recursive: true });
}

interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

function print(
  minutes: readonly (Spread & { rows: number })[],
  stored: readonly (Spread & { name: string; oursIsFasterBy: number })[],
): void {
  console.log("| minute rows in one flush | min, ms | median, ms | max, ms |\n|---|---|---|---|");
  for (const { rows, ...spread } of minutes) console.log(`| ${rows} | ${cells(spread, 0)} |`);
  console.log(`\n| ${EVENTS} events | min, k/s | median, k/s | max, k/s | ours is faster by |\n|---|---|---|---|---|`);
  for (const { name, oursIsFasterBy, ...spread } of stored) {
    console.log(`| ${name} | ${cells(spread, 1)} | ${oursIsFasterBy.toFixed(2)} |`);
  }
}

function cells({ min, median, max }: Spread, digits: number): string {
  return [min, median, max].map((value) => value.toFixed(digits)).join(" | ");
}
