/** The ledger, closing and opening again, forgetting a topic and retention, in every store. */
import { expect } from "expect";
import { EXPORT_TABLES, type Store } from "../../core/store/ports.ts";
import { bytesOf, rowsOf } from "./store_export_files.ts";
import {
  cellOf,
  eventOf,
  EVER,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  promise,
  START_BUCKET,
  START_MS,
  storedCounts,
  TOPIC,
} from "./store_fixtures.ts";

// ---------------------------------------------------------------- ledger

promise("the ledger keeps the first value of a key, and answers it to everybody", async (store) => {
  expect(await store.get("key")).toBeNull();
  expect(await store.putIfAbsent("key", "first")).toBe("first");
  expect(await store.putIfAbsent("key", "second")).toBe("first");
  expect(await store.get("key")).toBe("first");
  expect(await store.get("KEY")).toBeNull();
});

promise("a value of the ledger changes only from what was expected", async (store) => {
  expect(await store.compareAndSet("key", "something", "a")).toBe(false);
  expect(await store.get("key")).toBeNull();
  expect(await store.compareAndSet("key", null, "a")).toBe(true);
  expect(await store.compareAndSet("key", null, "b")).toBe(false);
  expect(await store.compareAndSet("key", "b", "c")).toBe(false);
  expect(await store.get("key")).toBe("a");
  expect(await store.compareAndSet("key", "a", "b")).toBe(true);
  expect(await store.compareAndSet("key", "b", "b")).toBe(true);
  expect(await store.putIfAbsent("key", "z")).toBe("b");
});

promise("keys and values of the ledger may be any text", async (store) => {
  const texts = ["", " ", "'; --", "a\0b", "\\", '"', "\u{1F600}", "ä", "a\u0308", "%", "null", "x".repeat(100_000)];
  for (const [i, text] of texts.entries()) expect(await store.putIfAbsent(text, `${i}${text}`)).toBe(`${i}${text}`);
  for (const [i, text] of texts.entries()) {
    expect(await store.get(text)).toBe(`${i}${text}`);
    expect(await store.compareAndSet(text, `${i}${text}`, "")).toBe(true);
    expect(await store.get(text)).toBe("");
  }
});

promise("of many that race for a key of the ledger one wins, and all learn who", async (store) => {
  for (let round = 0; round < 5; round++) {
    const values = Array.from({ length: 20 }, (_, i) => `${round}/${i}`);
    const answers = await Promise.all(values.map((value) => store.putIfAbsent(`put${round}`, value)));
    expect(new Set(answers).size).toBe(1);
    expect(values).toContain(answers[0]);
    expect(await store.get(`put${round}`)).toBe(answers[0]);
  }
});

promise("of many that race to change a value of the ledger exactly one does, every time", async (store) => {
  await store.putIfAbsent("count", "0");
  for (let round = 0; round < 5; round++) {
    const won = await Promise.all(
      Array.from({ length: 10 }, () => store.compareAndSet("count", String(round), String(round + 1))),
    );
    expect(won.filter((isWon) => isWon)).toHaveLength(1);
  }
  expect(await store.get("count")).toBe("5");
});

// ---------------------------------------------------------------- opening again

/** Something in every table, for two topics. */
async function fill(store: Store): Promise<void> {
  for (const topicId of [TOPIC, "other"]) {
    for (const partition of [0, 1]) {
      await store.flush(flushOf({
        topicId,
        partition,
        cells: [cellOf(0, "cart", 3, { errors: 1, values: { response_time: [1, 2, 3000] } }), cellOf(70, "pay", 1)],
        events: [eventOf(1, 5, { fields: { host: "h", status: "404" }, measures: { content_size: 7 } })],
        quarantine: [{ offset: 2, recordTimeMs: START_MS, reason: "no_match", raw: Uint8Array.of(255, 0) }],
        gaps: [{ start: 4, end: 6 }],
        watermarkMs: START_MS,
        totals: { consumed: 8, events: 7, unparsed: 1, late: 2, clockBad: 3 },
      }));
    }
  }
  await store.putIfAbsent("key", "value");
}

/** Every answer about a topic. */
async function everything(store: Store, topicId = TOPIC): Promise<unknown> {
  const summary = await store.summary({ topicId, range: EVER, apisMax: 10, where: [] });
  const tables = await Promise.all(EXPORT_TABLES.map(async (table) => {
    const asked = { topicId, table, format: "ndjson", range: EVER, where: [], isRaw: true } as const;
    const { stream, frontier } = await store.export(asked);
    return { table, frontier, rows: await rowsOf(await bytesOf(stream), "ndjson") };
  }));
  return {
    partitions: await store.partitions(topicId),
    units: await store.readUnits(topicId, 1, [START_BUCKET, START_BUCKET + 1, START_BUCKET + 2]),
    counts: await storedCounts(store, topicId),
    stored: await store.countStored(topicId),
    events: await store.events({ topicId, range: EVER, where: [], limit: 100 }),
    quarantine: await store.quarantine({ topicId, range: EVER, limit: 100 }),
    gaps: await store.gaps(topicId),
    report: await store.accessReport({ topicId, range: EVER, where: [], timeZone: "UTC", limit: 10 }),
    summary,
    tables,
    key: await store.get("key"),
  };
}

promise("all that was stored is there after the store was closed and opened", async (store, { reopen }) => {
  await fill(store);
  const before = await everything(store);
  expect(JSON.stringify(before)).toContain("no_match");
  await store.close();
  const again = await reopen();
  expect(await everything(again)).toEqual(before);
  const next = flushOf({
    expectCheckpoint: 10,
    at: 20,
    cells: [cellOf(0, "cart", 5)],
    units: [{ bucket: START_BUCKET, expect: 10 }],
  });
  expect(await again.flush({ ...next, expectCheckpoint: 0 })).toMatchObject({ kind: "conflict", found: 10 });
  expect(await again.flush(next)).toEqual({ kind: "applied" });
  expect(await again.compareAndSet("key", "value", "next")).toBe(true);
  await again.close();
  const third = await reopen();
  expect(await storedCounts(third)).toEqual({ "0|cart": 8, "70|pay": 2 });
  expect(await third.get("key")).toBe("next");
});

promise("closing waits for the flushes under way, and may come twice", async (store, { reopen }) => {
  const flushes = [0, 1, 2, 3].map((partition) => store.flush(flushOf({ partition, cells: [cellOf(0, "cart", 1)] })));
  const outcomes = Promise.allSettled(flushes);
  await store.close();
  await store.close();
  const applied = (await outcomes).flatMap((result, partition) =>
    result.status === "fulfilled" && result.value.kind === "applied" ? [partition] : []
  );
  const again = await reopen();
  const stored = (await again.countStored(TOPIC)).map(({ partition }) => partition);
  // What was told to be applied is stored; what was not told may be.
  expect(applied.filter((partition) => !stored.includes(partition))).toEqual([]);
});

promise("a closed store refuses reads and writes, and does not hang", async (store) => {
  await fill(store);
  await store.close();
  await expect(store.readPartition(TOPIC, 0)).rejects.toThrow("closed");
  await expect(store.flush(flushOf())).rejects.toThrow("closed");
  await expect(store.get("key")).rejects.toThrow("closed");
  await expect(store.putIfAbsent("key", "x")).rejects.toThrow("closed");
  const asked = { topicId: TOPIC, table: "events", format: "csv", range: EVER, where: [], isRaw: true } as const;
  await expect(store.export(asked)).rejects.toThrow("closed");
});

// ---------------------------------------------------------------- forgetting

promise("a dropped topic is forgotten whole; another, and the ledger, stay", async (store, { reopen }) => {
  const nothing = await everything(store);
  await fill(store);
  const other = await everything(store, "other");
  await store.dropTopic(TOPIC);
  expect(await everything(store)).toEqual({ ...Object(nothing), key: "value" });
  expect(await everything(store, "other")).toEqual(other);
  await store.dropTopic("unknown");
  await store.close();
  const again = await reopen();
  expect(await again.partitions(TOPIC)).toEqual([]);
  // The topic may begin anew, from 0.
  expect(await again.flush(flushOf({ cells: [cellOf(0, "cart", 9)] }))).toEqual({ kind: "applied" });
  expect(await storedCounts(again)).toEqual({ "0|cart": 9 });
});

/** One flush of one hour, whose last record came into the log at `recordTimeMs`. */
function hourFlush(hour: number, recordTimeMs: number, rest: Parameters<typeof flushOf>[0] = {}) {
  return flushOf({
    cells: [cellOf(hour * 60, `hour${hour}`, 1, { fromOffset: hour * 10 })],
    expectCheckpoint: hour * 10,
    at: hour * 10 + 10,
    lastRecordTimeMs: recordTimeMs,
    events: [eventOf(hour * 10, hour * HOUR_MS, { recordTimeMs })],
    quarantine: [{ offset: hour * 10 + 1, recordTimeMs, reason: "no_match", raw: Uint8Array.of(hour) }],
    ...rest,
  });
}

promise("retention goes by the time of records in the log, not by event time", async (store) => {
  const dayMs = 24 * HOUR_MS;
  // The oldest event time came last: a file of old that was produced today.
  await store.flush(hourFlush(0, START_MS + 3 * dayMs));
  await store.flush(hourFlush(1, START_MS + dayMs, { partition: 1, expectCheckpoint: 0 }));
  await store.flush(hourFlush(1, START_MS + 4 * dayMs));
  const offsets = async () =>
    (await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 10 }))
      .map(({ partition, offset }) => `${partition}/${offset}`).sort();
  expect(await offsets()).toEqual(["0/0", "0/10", "1/10"]);
  const nothing = await store.retain({ minutesBeforeMs: START_MS + dayMs, eventsBeforeMs: START_MS + dayMs });
  expect(nothing).toBe(0);
  expect(await offsets()).toEqual(["0/0", "0/10", "1/10"]);
  // Events and quarantine of one record time; minutes stay.
  expect(await store.retain({ minutesBeforeMs: 0, eventsBeforeMs: START_MS + dayMs + 1 })).toBe(2);
  expect(await offsets()).toEqual(["0/0", "0/10"]);
  expect(await storedCounts(store)).toEqual({ "0|hour0": 1, "60|hour1": 2 });
  // Minutes of one unit; events stay.
  expect(await store.retain({ minutesBeforeMs: START_MS + dayMs + 1, eventsBeforeMs: 0 })).toBe(1);
  expect(await storedCounts(store)).toEqual({ "0|hour0": 1, "60|hour1": 1 });
  expect(await store.readUnits(TOPIC, 1, [START_BUCKET + 1])).toMatchObject([{ upto: 0, writer: null }]);
  expect(await offsets()).toEqual(["0/0", "0/10"]);
  // Checkpoints and totals stay for good.
  expect(await store.readPartition(TOPIC, 1)).toMatchObject({ checkpoint: 20 });
  expect(await store.retain({ minutesBeforeMs: START_MS + 9 * dayMs, eventsBeforeMs: START_MS + 9 * dayMs })).toBe(6);
  expect(await storedCounts(store)).toEqual({});
  expect((await store.partitions(TOPIC)).map(({ partition, checkpoint }) => [partition, checkpoint]))
    .toEqual([[0, 20], [1, 20]]);
});

promise(
  "a unit that late events touched again is kept whole, and one that was dropped can be written anew",
  async (store) => {
    const touch = (expectCheckpoint: number, lastRecordTimeMs: number, expect: number) =>
      store.flush(flushOf({
        expectCheckpoint,
        at: expectCheckpoint + 10,
        lastRecordTimeMs,
        cells: [cellOf(expectCheckpoint, "cart", 1, { fromOffset: expectCheckpoint })],
        units: [{ bucket: START_BUCKET, expect }],
      }));
    await touch(0, START_MS, 0);
    await touch(10, START_MS + HOUR_MS, 10);
    expect(await store.retain({ minutesBeforeMs: START_MS + MINUTE_MS, eventsBeforeMs: 0 })).toBe(0);
    expect(await storedCounts(store)).toEqual({ "0|cart": 1, "10|cart": 1 });
    expect(await store.retain({ minutesBeforeMs: START_MS + 2 * HOUR_MS, eventsBeforeMs: 0 })).toBe(2);
    expect(await touch(20, START_MS + 3 * HOUR_MS, 20)).toEqual({ kind: "conflict", bucket: START_BUCKET, found: 0 });
    expect(await touch(20, START_MS + 3 * HOUR_MS, 0)).toEqual({ kind: "applied" });
    expect(await storedCounts(store)).toEqual({ "20|cart": 1 });
  },
);

// ---------------------------------------------------------------- versions of units

promise("the version of an hour changes with each flush that changes it, and with no other", async (store) => {
  const versions = async () =>
    new Map((await store.unitVersions(TOPIC)).map(({ bucket, version }) => [bucket, version]));
  expect(await versions()).toEqual(new Map());
  await store.flush(flushOf({ cells: [cellOf(0, "cart", 1), cellOf(60, "cart", 1)] }));
  const first = await versions();
  expect([...first.keys()]).toEqual([START_BUCKET, START_BUCKET + 1]);
  const next = { expectCheckpoint: 10, at: 20, units: [{ bucket: START_BUCKET, expect: 10 }] };
  await store.flush(flushOf({ ...next, cells: [cellOf(0, "cart", 2)] }));
  const second = await versions();
  expect(second.get(START_BUCKET)).not.toBe(first.get(START_BUCKET));
  expect(second.get(START_BUCKET + 1)).toBe(first.get(START_BUCKET + 1));
  await store.flush(flushOf({ partition: 1, cells: [cellOf(0, "cart", 1)] }));
  const third = await versions();
  expect(third.get(START_BUCKET)).not.toBe(second.get(START_BUCKET));
  expect(third.get(START_BUCKET + 1)).toBe(first.get(START_BUCKET + 1));
  await store.flush(flushOf({ topicId: "another", cells: [cellOf(0, "cart", 1)] }));
  expect(await versions()).toEqual(third);
});
