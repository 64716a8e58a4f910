/** The stores that the contract tests run against, builders of what is flushed, and a small writer that follows Rule 1. */
import { Client } from "cassandra-driver";
import { type Config, configSchema } from "../../core/config/schema.ts";
import { type Dimension, DIMENSIONS, type Measure, TEXT_FIELDS, type TextField } from "../../core/minutes/fields.ts";
import { Sketch } from "../../core/minutes/sketch.ts";
import type {
  FlushOutcome,
  MeasureColumns,
  MinuteRows,
  PartitionFlush,
  PartitionTotals,
  Store,
} from "../../core/store/ports.ts";
import { encodeEvents, encodeQuarantine, type EventRows, type QuarantineRows } from "../../core/store/record_blocks.ts";
import { openStore, type StoreName } from "../../core/store/registry.ts";
import { serviceForTests } from "../services/for_tests.ts";

/** Every registered store: without a line here it does not pass the type check. */
const STORES_UNDER_TEST: Readonly<Record<StoreName, StoreTraits>> = {
  duckdb: { isTransactional: true },
  cassandra: { isTransactional: false },
};

const cassandra = await serviceForTests("cassandra");
/** One keyspace for a run of a test file, emptied before each test: making tables takes a second. */
const KEYSPACE = `test_${crypto.randomUUID().slice(0, 8)}`;

interface StoreTraits {
  /** Whether a conflict on one unit leaves the flush's other units as they were, too. */
  readonly isTransactional: boolean;
}

export interface StoreUnderTest extends StoreTraits {
  readonly name: StoreName;
  /** Where the store keeps its files, if it has any. */
  readonly directory: string;
  /** Opens what was closed before, as the next process would. */
  readonly reopen: () => Promise<Store>;
}

function configFor(name: StoreName, data: string): Config {
  const contactPoints = cassandra?.contactPoints.split(",") ?? [];
  return configSchema.parse(
    name === "cassandra" ? { data, cassandra: { contactPoints, keyspace: KEYSPACE } } : { data },
  );
}

const TABLES = [
  "units",
  "partitions",
  "blocks",
  "unit_index",
  "partition_index",
  "topic_index",
  "rollups",
  "rollup_index",
  "ledger",
];

async function emptyKeyspace(): Promise<void> {
  const client = new Client({ contactPoints: cassandra?.contactPoints.split(","), localDataCenter: "datacenter1" });
  try {
    const { rows } = await client.execute(
      "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?",
      [KEYSPACE],
      { prepare: true },
    );
    const made = new Set(rows.map(({ table_name: name }) => String(name)));
    for (const table of TABLES) if (made.has(table)) await client.execute(`TRUNCATE ${KEYSPACE}.${table}`);
  } finally {
    await client.shutdown();
  }
}

/** Runs `check` against a new, empty store of every kind. */
export function promise(claim: string, check: (store: Store, under: StoreUnderTest) => Promise<void>): void {
  for (const name of Object.keys(STORES_UNDER_TEST) as StoreName[]) {
    const ignore = name === "cassandra" && cassandra === null;
    Deno.test({
      name: `${name} store: ${claim}`,
      ignore,
      fn: async () => {
        const directory = await Deno.makeTempDir({ prefix: "millrace-store-" });
        await using opened = new AsyncDisposableStack();
        opened.defer(() => Deno.remove(directory, { recursive: true }));
        const reopen = async () => {
          const store = await openStore(name, configFor(name, directory));
          opened.defer(() => store.close());
          return store;
        };
        if (name === "cassandra") await emptyKeyspace();
        await check(await reopen(), { name, directory, reopen, ...STORES_UNDER_TEST[name] });
      },
    });
  }
}

export const TOPIC = "4be4f3b1-0c1e-4a6b-9d8a-3f1d2c5b7a90";
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** 2026-03-01T10:00:00Z: a whole hour. */
export const START_MS = Date.UTC(2026, 2, 1, 10);
export const START_MINUTE = START_MS / MINUTE_MS;
export const START_BUCKET = START_MINUTE / 60;
/** All times that a parser lets pass (engine/parsing/timestamp.ts). */
export const EVER = { fromMs: Date.UTC(1685, 0, 1), toMs: Date.UTC(2255, 0, 1) };
export const NO_TOTALS: PartitionTotals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };

const encoder = new TextEncoder();

/** A row of minutes, with the very values of each measure (in integer units). */
export interface Cell {
  readonly minute: number;
  readonly fromOffset: number;
  readonly dimensions: Readonly<Partial<Record<Dimension, string>>>;
  readonly count: number;
  readonly errors?: number;
  readonly values?: Readonly<Partial<Record<Measure, readonly number[]>>>;
}

/** A record that was parsed. */
export interface TestEvent {
  readonly offset: number;
  readonly micros: number;
  readonly recordTimeMs: number;
  readonly fields: Readonly<Partial<Record<TextField, string>>>;
  /** Integer units. */
  readonly measures: Readonly<Partial<Record<Measure, number>>>;
  readonly isError: boolean;
  readonly raw: Uint8Array;
}

export interface TestQuarantine {
  readonly offset: number;
  readonly recordTimeMs: number;
  readonly reason: string;
  readonly raw: Uint8Array;
}

export function cellsToRows(cells: readonly Cell[]): MinuteRows {
  const named = DIMENSIONS.filter((name) => cells.some(({ dimensions }) => dimensions[name] !== undefined));
  const measured = (["response_time", "content_size", "amount"] as const)
    .filter((name) => cells.some(({ values }) => values?.[name] !== undefined));
  return {
    rows: cells.length,
    minutes: Int32Array.from(cells, ({ minute }) => minute),
    fromOffsets: Float64Array.from(cells, ({ fromOffset }) => fromOffset),
    dimensions: Object.fromEntries(named.map((name) => {
      const texts = cells.map(({ dimensions }) => dimensions[name] ?? "");
      const dictionary = [...new Set(texts)];
      return [name, { dictionary, ids: Uint32Array.from(texts, (text) => dictionary.indexOf(text)) }];
    })),
    counts: Float64Array.from(cells, ({ count }) => count),
    errors: Float64Array.from(cells, ({ errors }) => errors ?? 0),
    measures: Object.fromEntries(
      measured.map((name) => [name, measureColumns(cells.map((cell) => cell.values?.[name]))]),
    ),
  };
}

function measureColumns(columns: readonly (readonly number[] | undefined)[]): MeasureColumns {
  const values = columns.map((column) => column ?? []);
  const sumOf = (all: readonly number[]) => all.reduce((sum, value) => sum + value, 0);
  const sketches = values.map((all) => {
    if (all.length === 0) return new Uint8Array(0);
    const sketch = new Sketch();
    for (const value of all) sketch.add(value);
    return sketch.encode();
  });
  let end = 0;
  return {
    counts: Float64Array.from(values, (all) => all.length),
    sums: Float64Array.from(values, sumOf),
    minima: Float64Array.from(values, (all) => all.length === 0 ? NaN : Math.min(...all)),
    maxima: Float64Array.from(values, (all) => all.length === 0 ? NaN : Math.max(...all)),
    m2: Float64Array.from(values, (all) => {
      const mean = sumOf(all) / all.length;
      return sumOf(all.map((value) => (value - mean) ** 2));
    }),
    sketches: concat(sketches),
    sketchEnds: Uint32Array.from(sketches, ({ length }) => end += length),
  };
}

export function eventsToRows(events: readonly TestEvent[]): EventRows {
  const parts: Uint8Array[] = [];
  let size = 0;
  const put = (bytes: Uint8Array) => {
    parts.push(bytes);
    size += bytes.length;
    return size - bytes.length;
  };
  const rawStarts = Uint32Array.from(events, ({ raw }) => put(raw));
  const spans = TEXT_FIELDS.map((name) => {
    const texts = events.map(({ fields }) => fields[name]);
    const starts = Int32Array.from(texts, (text) => text === undefined ? -1 : put(encoder.encode(text)));
    const ends = Int32Array.from(texts, (text, i) => text === undefined ? 0 : starts[i] + encoder.encode(text).length);
    return [name, { starts, ends }] as const;
  });
  const measured = (["response_time", "content_size", "amount"] as const)
    .filter((name) => events.some(({ measures }) => measures[name] !== undefined));
  return {
    rows: events.length,
    bytes: concat(parts),
    offsets: Float64Array.from(events, ({ offset }) => offset),
    timestampMicros: Float64Array.from(events, ({ micros }) => micros),
    recordTimesMs: Float64Array.from(events, ({ recordTimeMs }) => recordTimeMs),
    rawStarts,
    rawEnds: rawStarts.map((start, i) => start + events[i].raw.length),
    text: Object.fromEntries(spans),
    measures: Object.fromEntries(
      measured.map((name) => [name, Float64Array.from(events, ({ measures }) => measures[name] ?? NaN)]),
    ),
  };
}

export function quarantineToRows(records: readonly TestQuarantine[]): QuarantineRows {
  let end = 0;
  const rawEnds = Uint32Array.from(records, ({ raw }) => end += raw.length);
  return {
    rows: records.length,
    bytes: concat(records.map(({ raw }) => raw)),
    rawStarts: rawEnds.map((rawEnd, i) => rawEnd - records[i].raw.length),
    rawEnds,
    offsets: Float64Array.from(records, ({ offset }) => offset),
    recordTimesMs: Float64Array.from(records, ({ recordTimeMs }) => recordTimeMs),
    reasons: records.map(({ reason }) => reason),
  };
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A flush of partition 0 of {@link TOPIC} by writer "a", from 0 to 10, of nothing: a test names what matters to it. */
export function flushOf(
  { cells = [], events = [], quarantine = [], ...rest }:
    & { cells?: readonly Cell[]; events?: readonly TestEvent[]; quarantine?: readonly TestQuarantine[] }
    & Partial<Omit<PartitionFlush, "minutes" | "events" | "quarantine">> = {},
): PartitionFlush {
  const { topicId = TOPIC, partition = 0 } = rest;
  return {
    topicId,
    partition,
    writer: "a",
    expectCheckpoint: 0,
    at: 10,
    units: [...new Set(cells.map(({ minute }) => Math.floor(minute / 60)))].map((bucket) => ({ bucket, expect: 0 })),
    minutes: cellsToRows(cells),
    events: encodeEvents(topicId, partition, eventsToRows(events)),
    quarantine: encodeQuarantine(topicId, partition, quarantineToRows(quarantine)),
    watermarkMs: null,
    lastRecordTimeMs: START_MS,
    totals: NO_TOTALS,
    gaps: [],
    ...rest,
  };
}

/** A cell of one service, `minute` minutes after {@link START_MS}. */
export function cellOf(minute: number, service: string, count: number, rest: Partial<Cell> = {}): Cell {
  return { minute: START_MINUTE + minute, fromOffset: 0, dimensions: { service, level: "INFO" }, count, ...rest };
}

/** An event at so many milliseconds after {@link START_MS}. */
export function eventOf(offset: number, afterMs: number, rest: Partial<TestEvent> = {}): TestEvent {
  return {
    offset,
    micros: (START_MS + afterMs) * 1000,
    recordTimeMs: START_MS + afterMs,
    fields: {},
    measures: {},
    isError: false,
    raw: encoder.encode(`event ${offset}`),
    ...rest,
  };
}

/** Counts by everything that names a cell of a topic: `minute|service` → count. */
export async function storedCounts(store: Store, topicId = TOPIC): Promise<Record<string, number>> {
  const { series } = await store.series({
    topicId,
    range: EVER,
    stepMinutes: 1,
    statistic: "count",
    by: ["service"],
    where: [],
    seriesMax: 10_000,
  });
  return Object.fromEntries(
    series.flatMap(({ dimensions, points }) =>
      points.map(([atMs, value]) => [`${atMs / MINUTE_MS - START_MINUTE}|${dimensions.service}`, value ?? NaN])
    ),
  );
}

/**
 * Delivers a partition's events as the engine does, in the plainest way: cumulative partials of minutes since they were
 * first touched, dirty ones with each flush. `dimensions` are the ones of its cells.
 */
export class PartitionWriter {
  readonly #writer: string = crypto.randomUUID();
  readonly #uptos = new Map<number, number>();
  readonly #partials = new Map<number, TestEvent[]>();
  #checkpoint = 0;

  constructor(
    readonly store: Store,
    readonly topicId: string,
    readonly partition: number,
    readonly dimensions: readonly Dimension[],
  ) {}

  async takeOver(): Promise<void> {
    this.#checkpoint = (await this.store.readPartition(this.topicId, this.partition)).checkpoint;
  }

  /** @param hasFinalRows Later events begin new partials. */
  async flush(events: readonly TestEvent[], { hasFinalRows = false } = {}): Promise<FlushOutcome> {
    const dirty = new Set<number>();
    for (const event of events) {
      const minute = Math.floor(event.micros / 60_000_000);
      dirty.add(minute);
      this.#partials.set(minute, [...this.#partials.get(minute) ?? [], event]);
    }
    const buckets = [...new Set([...dirty].map((minute) => Math.floor(minute / 60)))];
    const unknown = buckets.filter((bucket) => !this.#uptos.has(bucket));
    for (const unit of await this.store.readUnits(this.topicId, this.partition, unknown)) {
      this.#uptos.set(unit.bucket, unit.upto);
    }
    const at = events[events.length - 1].offset + 1;
    const outcome = await this.store.flush(flushOf({
      topicId: this.topicId,
      partition: this.partition,
      writer: this.#writer,
      expectCheckpoint: this.#checkpoint,
      at,
      units: buckets.map((bucket) => ({ bucket, expect: this.#uptos.get(bucket) ?? 0 })),
      cells: [...dirty].flatMap((minute) => cellsOf(minute, this.#partials.get(minute) ?? [], this.dimensions)),
      events,
      totals: { ...NO_TOTALS, consumed: events.length, events: events.length },
      hasFinalRows,
    }));
    if (hasFinalRows) this.#partials.clear();
    if (outcome.kind === "applied") {
      for (const bucket of buckets) this.#uptos.set(bucket, at);
      this.#checkpoint = at;
    }
    return outcome;
  }
}

function cellsOf(minute: number, events: readonly TestEvent[], dimensions: readonly Dimension[]): Cell[] {
  const groups = Map.groupBy(events, ({ fields }) => JSON.stringify(dimensions.map((name) => fields[name] ?? "")));
  const valuesOf = (all: readonly TestEvent[], name: Measure) =>
    all.flatMap(({ measures }) => measures[name] === undefined ? [] : [measures[name]]);
  return [...groups.values()].map((all) => ({
    minute,
    fromOffset: events[0].offset,
    dimensions: Object.fromEntries(dimensions.map((name) => [name, all[0].fields[name] ?? ""])),
    count: all.length,
    errors: all.filter(({ isError }) => isError).length,
    values: {
      response_time: valuesOf(all, "response_time"),
      content_size: valuesOf(all, "content_size"),
      amount: valuesOf(all, "amount"),
    },
  }));
}

/**
 * Delivers events of several partitions, a few flushes each; halfway another writer takes over, so that minutes are in
 * several partials. Offsets are in order within a partition.
 */
export async function deliver(
  store: Store,
  partitions: ReadonlyMap<number, readonly TestEvent[]>,
  dimensions: readonly Dimension[],
  { topicId = TOPIC, flushes = 4 } = {},
): Promise<void> {
  await Promise.all([...partitions].map(async ([partition, events]) => {
    const slice = Math.ceil(events.length / flushes);
    let writer = new PartitionWriter(store, topicId, partition, dimensions);
    for (let i = 0; i < flushes; i++) {
      if (i === flushes >> 1) {
        writer = new PartitionWriter(store, topicId, partition, dimensions);
        await writer.takeOver();
      }
      const outcome = await writer.flush(events.slice(i * slice, (i + 1) * slice));
      if (outcome.kind !== "applied") throw new Error(`partition ${partition}: ${JSON.stringify(outcome)}`);
    }
  }));
}
