/** What is answered from cells in memory is what DuckDB's own statements answer, whatever was flushed and asked before. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { DIMENSIONS, UNPARSED } from "../../core/minutes/fields.ts";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import { type Condition, type SeriesQuery, STATISTICS, type Store, type SummaryQuery } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { MINUTE_MS, PartitionWriter, START_MS, type TestEvent, TOPIC } from "./store_fixtures.ts";

/** From ten o'clock on: those from twelve to eighteen may be answered from as one. */
const HOURS = 12;
const FLUSHES = 12;
const QUERIES = 25;
const PARTITIONS = 3;
const SERVICES = ["cart", "pay", "", "\ufeffcart", "é", "\u{1f600}", "\uffee", "c'); --"];
const LEVELS = ["INFO", "ERROR", UNPARSED];
const ENDPOINTS = ["/a", "/a/b", "/ü"];
const BY = ["service", "level", "endpoint", "currency"] as const;

/** Rows from which on minutes become a segment, where flushes have final ones. */
const SEGMENT_ROWS = 20;

const open = (directory: string, cellBytes: number) =>
  openDuckDbStore({
    directory,
    memoryBytes: 128 * 1_048_576,
    threads: 1,
    cellBytes,
    minuteSegments: { rowsMin: SEGMENT_ROWS },
  });

type Random = () => number;
const oneOf = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];

/** Amounts may be negative or 0, and any measure may be missing. */
function eventAt(random: Random, offset: number): TestEvent {
  const level = oneOf(random, LEVELS);
  const measures = {
    ...(random() < 0.7 ? { response_time: Math.floor(Math.exp(15 * random())) } : {}),
    ...(random() < 0.2 ? { content_size: Math.floor(random() * 3) } : {}),
    ...(random() < 0.3 ? { amount: Math.floor((random() - 0.5) * 1e6) } : {}),
  };
  return {
    offset,
    micros: (START_MS + Math.floor(random() * HOURS * 60) * MINUTE_MS) * 1000,
    recordTimeMs: START_MS,
    fields: { service: oneOf(random, SERVICES), level, endpoint: oneOf(random, ENDPOINTS) },
    measures,
    isError: level === "ERROR",
    raw: new Uint8Array([0x78]),
  };
}

function rangeAt(random: Random): { fromMs: number; toMs: number } {
  const from = Math.floor((random() * 1.2 - 0.1) * HOURS * 60);
  const length = random() < 0.3 ? 60 * Math.ceil(random() * HOURS) : Math.ceil(random() * HOURS * 60);
  const first = random() < 0.5 ? Math.floor(from / 60) * 60 : from;
  return { fromMs: START_MS + first * MINUTE_MS, toMs: START_MS + (first + length) * MINUTE_MS };
}

function whereAt(random: Random): Condition[] {
  const conditions: Condition[] = [
    { field: "service", op: "in", values: ["cart", "\ufeffcart"] },
    { field: "level", op: "not_in", values: ["INFO"] },
    { field: "endpoint", op: "prefix", values: ["/a"] },
  ];
  return conditions.filter(() => random() < 0.2);
}

function seriesAt(random: Random): SeriesQuery {
  const measure = oneOf(random, ["response_time", "content_size", "amount"] as const);
  return {
    topicId: TOPIC,
    range: rangeAt(random),
    stepMinutes: oneOf(random, [1, 7, 10, 30, 60, 120, 720]),
    statistic: oneOf(random, STATISTICS),
    measure,
    by: BY.filter(() => random() < 0.3),
    where: whereAt(random),
    seriesMax: oneOf(random, [1, 3, 1000]),
  };
}

const summaryAt = (random: Random): SummaryQuery => ({
  topicId: TOPIC,
  range: rangeAt(random),
  apisMax: oneOf(random, [2, 1000]),
  where: whereAt(random),
});

/** Sums of squares are added up in another order. */
function rounded({ statistic }: SeriesQuery, answer: Awaited<ReturnType<Store["series"]>>) {
  if (statistic !== "stddev") return answer;
  const round = (value: number | null) => value === null ? null : Number(value.toPrecision(9));
  return {
    ...answer,
    series: answer.series.map(({ points, ...rest }) => ({
      ...rest,
      points: points.map(([ms, value]) => [ms, round(value)]),
    })),
  };
}

/** Flushes the same to both stores and asks both the same, again and again. `finalRows`: how many of a store's flushes have such. */
async function compare(seed: number, held: Store, plain: Store, finalRows = 0): Promise<void> {
  const random = randomFrom(seed);
  const stores = [held, plain].map((store) =>
    Array.from({ length: PARTITIONS }, (_, partition) => new PartitionWriter(store, TOPIC, partition, DIMENSIONS))
  );
  const offsets = new Array<number>(PARTITIONS).fill(0);
  for (let flush = 0; flush < FLUSHES; flush++) {
    const partition = Math.floor(random() * PARTITIONS);
    const events = Array.from({ length: 1 + Math.floor(random() * 120) }, () => eventAt(random, offsets[partition]++));
    for (const writers of stores) {
      if (random() < 0.2) {
        writers[partition] = new PartitionWriter(writers === stores[0] ? held : plain, TOPIC, partition, DIMENSIONS);
        await writers[partition].takeOver();
      }
      // One has each event in one row at most, the other adds up what was flushed before.
      const hasFinalRows = writers === stores[0] && random() < finalRows;
      expect(await writers[partition].flush(events, { hasFinalRows })).toEqual({ kind: "applied" });
    }
    // At once, so that they load together, too.
    await Promise.all(Array.from({ length: QUERIES }, async () => {
      if (random() < 0.3) {
        const query = summaryAt(random);
        const [own, other] = await Promise.all([held.summary(query), plain.summary(query)]);
        expect([query, own]).toEqual([query, other]);
      } else {
        const query = seriesAt(random);
        const [own, other] = await Promise.all([held.series(query), plain.series(query)]);
        expect([query, rounded(query, own)]).toEqual([query, rounded(query, other)]);
      }
    }));
  }
}

for (
  const [what, cellBytes, finalRows] of [
    ["all of them held", 64 * 1_048_576, 0],
    ["a few of them held", 30_000, 0],
    ["all of them held, and rows in segments", 64 * 1_048_576, 0.6],
    ["none of them held, and rows in segments", 0, 0.6],
  ] as const
) {
  Deno.test(`series and summaries from cells in memory are DuckDB's, with ${what}`, async () => {
    for (const seed of [1, 2, 3]) {
      const directory = await Deno.makeTempDir();
      const [held, plain] = [await open(`${directory}/held`, cellBytes), await open(`${directory}/plain`, 0)];
      try {
        await compare(seed, held, plain, finalRows);
      } finally {
        await held.close();
        await plain.close();
        await Deno.remove(directory, { recursive: true });
      }
    }
  });
}

const cassandra = await serviceForTests("cassandra");

Deno.test({
  name: "series and summaries from cells in memory that Cassandra was read into are DuckDB's",
  ignore: cassandra === null,
  fn: async () => {
    await using opened = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir();
    opened.defer(() => Deno.remove(directory, { recursive: true }));
    const contactPoints = cassandra?.contactPoints.split(",") ?? [];
    const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
    opened.defer(() => client.shutdown());
    for (const [seed, cellBytes] of [[1, 64 * 1_048_576], [2, 30_000]]) {
      const keyspace = `cells_${crypto.randomUUID().slice(0, 8)}`;
      const config = { data: `${directory}/${seed}`, cassandra: { contactPoints, keyspace }, store: { cellBytes } };
      opened.defer(async () => void await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`));
      await using stores = new AsyncDisposableStack();
      const held = await openStore("cassandra", configSchema.parse(config));
      stores.defer(() => held.close());
      const plain = await open(`${directory}/${seed}/plain`, 0);
      stores.defer(() => plain.close());
      await compare(seed, held, plain);
    }
  },
});

Deno.test("a topic that was deleted, and minutes that were too old, are gone from memory, too", async () => {
  const directory = await Deno.makeTempDir();
  const store = await open(directory, 64 * 1_048_576);
  const range = { fromMs: START_MS, toMs: START_MS + HOURS * 60 * MINUTE_MS };
  const count = async () => (await store.summary({ topicId: TOPIC, range, apisMax: 1, where: [] })).totals.count;
  try {
    const random = randomFrom(5);
    const events = (from: number) => Array.from({ length: 50 }, (_, i) => eventAt(random, from + i));
    const writer = new PartitionWriter(store, TOPIC, 0, DIMENSIONS);
    await writer.flush(events(0));
    expect(await count()).toBe(50);
    await store.retain({ minutesBeforeMs: START_MS + 1, eventsBeforeMs: 0 });
    expect(await count()).toBe(0);
    await new PartitionWriter(store, TOPIC, 1, DIMENSIONS).flush(events(0));
    expect(await count()).toBe(50);
    await store.dropTopic(TOPIC);
    expect(await count()).toBe(0);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});
