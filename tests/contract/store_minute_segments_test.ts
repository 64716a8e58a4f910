/** Minutes that lie in segments are minutes like others: whatever is asked, deleted or replaced, and whenever the store ends. */
import { expect } from "expect";
import { DIMENSIONS } from "../../core/minutes/fields.ts";
import { type DuckDbStore, openDuckDbStore } from "../../core/store/duckdb.ts";
import type { MinuteSegmentLimits } from "../../core/store/duckdb_minute_segments.ts";
import type { Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  cellsToRows,
  eventOf,
  EVER,
  flushOf,
  MINUTE_MS,
  PartitionWriter,
  START_BUCKET,
  START_MS,
  storedCounts,
  type TestEvent,
  TOPIC,
} from "./store_fixtures.ts";

const NEVER_MS = 2 ** 31 - 1;
const PARTITIONS = [0, 1];
const HOURS = 3;
/** So few that segments of events are not merged. */
const FLUSHES = 12;
const BUCKETS = Array.from({ length: HOURS }, (_, hour) => START_BUCKET + hour);

async function inDirectory(
  check: (
    directory: string,
    open: (
      limits: MinuteSegmentLimits & { rowsMin: number },
      onNotice?: (text: string) => void,
    ) => Promise<DuckDbStore>,
  ) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-minute-segments-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  await check(directory, async (limits, onNotice) => {
    const minuteSegments = { quietMs: NEVER_MS, ...limits };
    const options = { memoryBytes: 128 * 1_048_576, threads: 1, minuteSegments, onNotice };
    const name = limits.rowsMin === Infinity ? "plain" : "segments";
    const store = await openDuckDbStore({ directory: `${directory}/${name}`, ...options });
    stack.defer(() => store.close());
    return store;
  });
}

const filesIn = (directory: string, store = "segments"): string[] =>
  [...Deno.readDirSync(`${directory}/${store}/segments`)].map(({ name }) => `${directory}/${store}/segments/${name}`);

/**
 * Until all is in the table, which comes in the background, long before this gives up.
 * @param left How many segments of events there are.
 */
async function untilAbsorbed(directory: string, left = 0): Promise<void> {
  for (let waits = 0; filesIn(directory).length > left; waits++) {
    if (waits === 3000) throw new Error("the segments were not taken into the table");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function eventsAt(random: () => number, first: number, count: number): TestEvent[] {
  return Array.from({ length: count }, (_, i) =>
    eventOf(first + i, Math.floor(random() * HOURS * 60) * MINUTE_MS, {
      fields: { service: `s${Math.floor(random() * 5)}`, level: random() < 0.2 ? "ERROR" : "INFO", endpoint: "/ü" },
      measures: random() < 0.6 ? { response_time: Math.floor(Math.exp(12 * random())) } : {},
      isError: false,
      raw: new Uint8Array(0),
    }));
}

/** Squared deviations are added up in another order. */
const rounded = (rows: Awaited<ReturnType<typeof exported>>) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map((
        [name, value],
      ) => [name, typeof value === "number" ? Number(value.toPrecision(12)) : value]),
    )
  );

/** Everything that depends on minutes. */
async function everything(store: Store) {
  const ask = { topicId: TOPIC, range: EVER, where: [] };
  const units = PARTITIONS.map(async (partition) =>
    (await store.readUnits(TOPIC, partition, BUCKETS)).map(({ bucket, upto, values }) => {
      const sets = Object.entries(values).map(([name, texts]) => [name, [...texts].sort()]);
      return { bucket, upto, values: Object.fromEntries(sets) };
    })
  );
  const extents = PARTITIONS.map(async (partition) =>
    (await store.unitExtents(TOPIC, partition, BUCKETS)).map((extent) => ({ ...extent, writer: null }))
  );
  return {
    summary: await store.summary({ ...ask, apisMax: 100 }),
    counts: await storedCounts(store),
    rows: await store.count({ ...ask, table: "minutes" }),
    hours: rounded(await exported(store, exportQuery({ table: "hours", format: "ndjson" }))),
    minutes: rounded(await exported(store, exportQuery({ table: "minutes", format: "ndjson" }))),
    stored: await store.countStored(TOPIC),
    units: await Promise.all(units),
    extents: await Promise.all(extents),
  };
}

/** The same events to both: of the first's flushes most have final rows, the second's have none. */
async function deliver(random: () => number, segments: Store, plain: Store): Promise<void> {
  const writers = PARTITIONS.map((partition) =>
    [segments, plain].map((store) => new PartitionWriter(store, TOPIC, partition, DIMENSIONS))
  );
  const offsets = PARTITIONS.map(() => 0);
  for (let flush = 0; flush < FLUSHES; flush++) {
    const partition = Math.floor(random() * PARTITIONS.length);
    const events = eventsAt(random, offsets[partition], 1 + Math.floor(random() * 200));
    offsets[partition] += events.length;
    const [first, second] = writers[partition];
    expect(await first.flush(events, { hasFinalRows: random() < 0.7 })).toEqual({ kind: "applied" });
    expect(await second.flush(events)).toEqual({ kind: "applied" });
  }
}

Deno.test("duckdb store: answers about minutes are the same from segments, across a restart, and from the table", async () => {
  for (const seed of [1, 2, 3]) {
    await inDirectory(async (directory, open) => {
      const [store, plain] = [await open({ rowsMin: 20 }), await open({ rowsMin: Infinity })];
      await deliver(randomFrom(seed), store, plain);
      const expected = await everything(plain);
      const ofEvents = filesIn(directory, "plain").length;
      expect(filesIn(directory).length).toBeGreaterThan(ofEvents + 3);
      expect(await everything(store)).toEqual(expected);
      await store.close();
      const again = await open({ rowsMin: 20 });
      expect(filesIn(directory).length).toBeGreaterThan(ofEvents + 3);
      expect(await everything(again)).toEqual(expected);
      await again.close();
      const last = await open({ rowsMin: 20, quietMs: 1 });
      expect(await everything(last)).toEqual(expected); // before, while, or after they are taken in
      await untilAbsorbed(directory, ofEvents);
      expect(await everything(last)).toEqual(expected);
    });
  }
});

const cells = (minute: number, services: number, fromOffset = 0) =>
  Array.from({ length: services }, (_, i) => cellOf(minute, `s${i}`, 2, { fromOffset }));

Deno.test("duckdb store: final rows take the place of earlier ones that were not", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 3 });
    await store.flush(flushOf({ cells: cells(0, 4) }));
    const more = cells(0, 4).map((cell) => ({ ...cell, count: 5 }));
    const units = [{ bucket: START_BUCKET, expect: 10 }];
    await store.flush(flushOf({ cells: more, expectCheckpoint: 10, at: 20, units, hasFinalRows: true }));
    expect(filesIn(directory)).toHaveLength(1);
    expect(await storedCounts(store)).toEqual({ "0|s0": 5, "0|s1": 5, "0|s2": 5, "0|s3": 5 });
  });
});

Deno.test("duckdb store: few rows become no segment, and a flush that conflicts leaves none", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 3 });
    await store.flush(flushOf({ cells: cells(0, 2), hasFinalRows: true }));
    expect(filesIn(directory)).toEqual([]);
    const zombie = flushOf({ cells: cells(0, 4), expectCheckpoint: 0, at: 20, writer: "b", hasFinalRows: true });
    expect(await store.flush(zombie)).toEqual({ kind: "conflict", bucket: null, found: 10 });
    expect(filesIn(directory)).toEqual([]);
    expect(await storedCounts(store)).toEqual({ "0|s0": 2, "0|s1": 2 });
  });
});

Deno.test("duckdb store: a topic that is dropped, and minutes too old, go from segments, too; others' stay", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 3 });
    const flush = (topicId: string, partition: number, lastRecordTimeMs: number) =>
      store.flush(flushOf({ topicId, partition, cells: cells(0, 4), lastRecordTimeMs, hasFinalRows: true }));
    await Promise.all([
      flush(TOPIC, 0, START_MS),
      flush(TOPIC, 1, START_MS + 5000),
      flush("other", 0, START_MS + 5000),
    ]);
    expect(filesIn(directory).length).toBeGreaterThan(0);
    expect(await store.retain({ minutesBeforeMs: START_MS + 1, eventsBeforeMs: START_MS + 1 })).toBe(4);
    expect(await store.countStored(TOPIC)).toEqual([{ partition: 1, count: 8 }]);
    await flush("other", 1, START_MS + 5000);
    expect(filesIn(directory).length).toBeGreaterThan(0);
    await store.dropTopic(TOPIC);
    expect(await store.countStored(TOPIC)).toEqual([]);
    await untilAbsorbed(directory);
    expect(await store.countStored("other")).toEqual([{ partition: 0, count: 8 }, { partition: 1, count: 8 }]);
  });
});

Deno.test("duckdb store: a unit whose minutes lie in a segment is replaced as a whole", async () => {
  await inDirectory(async (_, open) => {
    const store = await open({ rowsMin: 3 });
    await store.flush(flushOf({ cells: [...cells(0, 4), ...cells(60, 4)], hasFinalRows: true }));
    const [unit] = await store.readUnits(TOPIC, 0, [START_BUCKET]);
    const replacement = {
      topicId: TOPIC,
      partition: 0,
      unit,
      writer: "replay",
      minutes: cellsToRows([cellOf(3, "new", 8)]),
      events: [],
      quarantine: [],
      totals: { events: 0, unparsed: 0 },
    };
    expect(await store.replaceUnits([replacement])).toBe(true);
    expect(await storedCounts(store)).toEqual({ "3|new": 8, "60|s0": 2, "60|s1": 2, "60|s2": 2, "60|s3": 2 });
  });
});

Deno.test("duckdb store: too many segments are taken in, also after replacements and flushes that came to nothing", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 3, filesMax: 4 });
    const flush = (n: number) =>
      store.flush(flushOf({
        cells: cells(n, 4, n * 10),
        expectCheckpoint: n * 10,
        at: (n + 1) * 10,
        units: [{ bucket: START_BUCKET, expect: n * 10 }],
        hasFinalRows: true,
      }));
    await flush(0);
    const replacement = {
      topicId: TOPIC,
      partition: 0,
      unit: { bucket: START_BUCKET, upto: 999, writer: "nobody" },
      writer: "replay",
      minutes: cellsToRows([cellOf(3, "new", 8)]),
      events: [],
      quarantine: [],
      totals: { events: 0, unparsed: 0 },
    };
    for (let attempt = 0; attempt < 5; attempt++) expect(await store.replaceUnits([replacement])).toBe(false);
    for (let n = 1; n < 3; n++) await flush(n);
    expect(filesIn(directory)).toHaveLength(3);
    await flush(3);
    await untilAbsorbed(directory);
    expect(Object.values(await storedCounts(store))).toEqual(Array(16).fill(2));
  });
});

Deno.test("duckdb store: a segment of minutes that is gone is told of once, with what it held", async () => {
  await inDirectory(async (directory, open) => {
    const store = await open({ rowsMin: 3 });
    await store.flush(flushOf({ cells: cells(0, 4), hasFinalRows: true }));
    const [lost] = filesIn(directory);
    await store.close();
    await Deno.remove(lost);
    const notices: string[] = [];
    const again = await open({ rowsMin: 3 }, (text) => notices.push(text));
    expect(notices).toEqual([expect.stringContaining(`${lost} is gone, with 4 rows of minutes of topic ${TOPIC}`)]);
    expect(await storedCounts(again)).toEqual({});
  });
});
