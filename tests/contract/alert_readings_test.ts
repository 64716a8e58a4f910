/** What alerts read of a store: minutes, how far they are final, patterns of errors; the same of every store. */
import { expect } from "expect";
import { AlertEvaluator } from "../../analyzer/alerts/evaluator.ts";
import type { SignalSpec } from "../../analyzer/alerts/signal_table.ts";
import { parseRules } from "../../analyzer/alerts/rules_file.ts";
import { StoreMinutes, type StoreMinutesParts } from "../../analyzer/alerts/store_minutes.ts";
import { StoredFingerprints } from "../../analyzer/alerts/stored_fingerprints.ts";
import { ALGORITHM_VERSION, errorsCollection, fingerprintKey } from "../../core/incidents/documents.ts";
import type { Store } from "../../core/store/ports.ts";
import { cellOf, flushOf, promise, START_BUCKET, START_MINUTE, START_MS, TOPIC } from "./store_fixtures.ts";

const LATENESS_MS = 60_000;
const ALERT_TOPIC = { id: TOPIC, name: "logs" };
type Ends = readonly { readonly partition: number; readonly end: number; readonly start?: number }[];

/** A log of one topic, whose partitions end where the test says. */
function readingOf(store: Store, ends: () => Ends): StoreMinutes {
  const log: StoreMinutesParts["log"] = {
    listTopics: () => Promise.resolve([{ ...ALERT_TOPIC, partitions: ends().length }]),
    ends: () => Promise.resolve(ends().map((one) => ({ start: 0, ...one, written: one.end, sizeBytes: 0 }))),
    timestampAt: (_topic, partition, offset) => Promise.resolve(START_MS + partition * 70_000 + offset * 1000),
  };
  return new StoreMinutes({ log, store, latenessMs: LATENESS_MS });
}

const signal = (rest: Partial<SignalSpec> = {}): SignalSpec => ({ by: ["service"], where: [], value: null, ...rest });

async function rowsOf(minutes: StoreMinutes, spec: SignalSpec, from = 0, to = 120): Promise<Record<string, unknown>> {
  const { groups, isTruncated } = await minutes.read(ALERT_TOPIC, spec, START_MINUTE + from, START_MINUTE + to);
  expect(isTruncated).toBe(false);
  return Object.fromEntries(groups.map(({ labels, points }) => [
    Object.values(labels).join(" "),
    points.map(([minute, ...figures]) => [minute - START_MINUTE, ...figures]),
  ]));
}

promise(
  "alerts read counts with errors, and values, by minute and group, over partials and partitions",
  async (store) => {
    const error = { dimensions: { service: "a", level: "ERROR" } };
    await store.flush(flushOf({
      cells: [
        cellOf(0, "a", 5, { values: { response_time: [100_000, 300_000, 300_000] } }),
        cellOf(0, "a", 2, { errors: 2, ...error }),
        cellOf(1, "b", 7),
        cellOf(61, "a", 1),
      ],
    }));
    await store.flush(flushOf({ partition: 1, cells: [cellOf(0, "a", 3, { errors: 1, ...error })] }));
    const minutes = readingOf(store, () => []);
    expect(await rowsOf(minutes, signal())).toEqual({ a: [[0, 10, 3], [61, 1, 0]], b: [[1, 7, 0]] });
    expect(await rowsOf(minutes, signal(), 1, 61)).toEqual({ b: [[1, 7, 0]] });
    expect(await rowsOf(minutes, signal({ by: [] }))).toEqual({ "": [[0, 10, 3], [1, 7, 0], [61, 1, 0]] });
    const where = [{ field: "level", op: "in", values: ["ERROR"] }] as const;
    expect(await rowsOf(minutes, signal({ where }))).toEqual({ a: [[0, 5, 3]] });
    const p50 = await rowsOf(minutes, signal({ value: { statistic: "p50", measure: "response_time" } }));
    expect(p50).toEqual({ a: [[0, expect.any(Number), 0]], b: [] });
    // The sketch keeps a value to one in a hundred.
    expect(Math.abs(Number(Object(p50.a)[0][1]) - 300)).toBeLessThan(3.1);
  },
);

promise("the version of an hour changes with its minutes, and with them alone", async (store) => {
  const minutes = readingOf(store, () => []);
  expect(await minutes.hourVersions(ALERT_TOPIC)).toEqual(new Map());
  await store.flush(flushOf({ cells: [cellOf(0, "a", 1), cellOf(60, "a", 1)] }));
  const first = await minutes.hourVersions(ALERT_TOPIC);
  expect([...first.keys()].sort()).toEqual([START_BUCKET, START_BUCKET + 1]);
  expect(await minutes.hourVersions(ALERT_TOPIC)).toEqual(first);
  const units = [{ bucket: START_BUCKET, expect: 10 }];
  const cells = [cellOf(1, "a", 4, { fromOffset: 10 })];
  expect(await store.flush(flushOf({ expectCheckpoint: 10, at: 20, units, cells }))).toMatchObject({ kind: "applied" });
  const second = await minutes.hourVersions(ALERT_TOPIC);
  expect(second.get(START_BUCKET)).not.toBe(first.get(START_BUCKET));
  expect(second.get(START_BUCKET + 1)).toBe(first.get(START_BUCKET + 1));
});

promise(
  "minutes are final up to the watermarks and ended up to the events, but for partitions without any",
  async (store) => {
    const watermarkMs = START_MS + 5 * 60_000 + 1;
    await store.flush(flushOf({ at: 10, watermarkMs }));
    await store.flush(flushOf({ partition: 1, at: 10, watermarkMs: watermarkMs - 120_000 }));
    let ends: Ends = [{ partition: 0, end: 10 }, { partition: 1, end: 10 }];
    const minutes = readingOf(store, () => ends);
    await minutes.topics();
    const at = async (nowMs: number) => {
      const { finalUntil, endedUntil, ...lag } = await minutes.progress(ALERT_TOPIC, nowMs);
      return [finalUntil, endedUntil ?? null].map((until) => until === null ? null : until - START_MINUTE).concat(
        lag.lagRecords,
        lag.lagSeconds,
      );
    };
    const nowMs = START_MS + 600_000;
    expect(await at(nowMs)).toEqual([3, 4, 0, 0]);
    // A clock ahead makes nothing final that the clock here does not.
    expect(await at(START_MS + 120_000)).toEqual([1, 2, 0, 0]);
    // What waits holds back, and tells since when; a new partition that has not been read does, too.
    ends = [{ partition: 0, end: 14 }, { partition: 1, end: 10 }];
    expect(await at(nowMs)).toEqual([3, 4, 4, 590]);
    ends = [...ends, { partition: 2, end: 1 }];
    expect((await at(nowMs)).slice(0, 2)).toEqual([null, null]);
    ends = [{ partition: 0, end: 10 }, { partition: 1, end: 10 }];
    await at(nowMs);
    // Still for a minute: the clock alone counts.
    expect((await at(nowMs + 60_000)).slice(0, 2)).toEqual([10, 11]);
  },
);

const fingerprint = (id: string, rest: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{ id, algorithm: ALGORITHM_VERSION, service: "a", level: "ERROR", template: `no ${id}`, tokens: [], spaced: "" },
    ...{ splitFrom: null, mergedInto: null, count: 3, firstMs: START_MS, lastMs: START_MS, metMs: START_MS, hours: [] },
    ...{ minutes: [[START_MINUTE, 2], [START_MINUTE + 5, 1]], exemplars: [], values: {}, incident: null, wanted: null },
    ...{ analysis: null, asked: 0 },
    ...rest,
  });

promise(
  "patterns of errors are those of the range, those that were merged left out, and as new as their documents",
  async (store) => {
    const reader = new StoredFingerprints(store);
    const read = async (from: number, to: number) => {
      const { watchedSince, patterns } = await reader.fingerprints(ALERT_TOPIC, START_MINUTE + from, START_MINUTE + to);
      return {
        since: watchedSince - START_MINUTE,
        patterns: patterns.map(({ id, labels, points }) => [
          id,
          labels,
          points.map(([minute]) => minute - START_MINUTE),
        ]),
      };
    };
    expect(await read(0, 10)).toEqual({ since: 10, patterns: [] });
    const collection = errorsCollection(TOPIC);
    const put = async (version: number, ...all: [string, string | null][]) =>
      expect(await store.commitDocuments(collection, version, all)).toBe(true);
    await put(
      0,
      [fingerprintKey("x"), fingerprint("x")],
      [fingerprintKey("y"), fingerprint("y", { mergedInto: "x" })],
      [fingerprintKey("z"), "{}"],
      ["head", "{}"],
    );
    const labels = { service: "a", level: "ERROR" };
    expect(await read(0, 10)).toEqual({ since: 0, patterns: [["x", labels, [0, 5]]] });
    expect(await read(1, 5)).toEqual({ since: 0, patterns: [] });
    await put(1, [fingerprintKey("y"), fingerprint("y", { service: "", firstMs: START_MS - 120_000 })]);
    const { since, patterns } = await read(0, 5);
    expect({ since, patterns: patterns.toSorted() }).toEqual({
      since: -2,
      patterns: [["x", labels, [0]], ["y", { level: "ERROR" }, [0]]],
    });
  },
);

promise("what a pattern has in hours of which no minutes are kept counts at their beginning", async (store) => {
  const hours = [[START_BUCKET - 2, 60], [START_BUCKET - 1, 7], [START_BUCKET, 3]];
  const minutes = [[START_MINUTE - 10, 4], [START_MINUTE, 2], [START_MINUTE + 5, 1]];
  const puts = [[fingerprintKey("x"), fingerprint("x", { hours, minutes })]] as const;
  const topic = { id: crypto.randomUUID(), name: "logs" };
  expect(await store.commitDocuments(errorsCollection(topic.id), 0, puts)).toBe(true);
  const reader = new StoredFingerprints(store);
  const { patterns } = await reader.fingerprints(topic, START_MINUTE - 120, START_MINUTE + 10);
  expect(patterns.map(({ points }) => points.map(([at, count]) => [at - START_MINUTE, count]))).toEqual([
    [[-120, 60], [-60, 3], [-10, 4], [0, 2], [5, 1]],
  ]);
});

promise("a rule on stored minutes fires once, before its minute is final, and ends", async (store) => {
  const told: string[] = [];
  let end = 0;
  const evaluator = new AlertEvaluator({
    source: readingOf(store, () => [{ partition: 0, end }]),
    ledger: store,
    rules: () =>
      parseRules("rules: [{name: errors, kind: error_rate, above: 0.1, window: 1m, keepFiring: 0m}]", "r.yaml"),
    onNotices: (notices) => void told.push(...notices.map(({ state, title }) => `${state} ${title}`)),
    onProblem: (message) => void told.push(message),
  });
  for (let minute = 0; minute < 5; minute++) {
    // Minute 2 is of errors; each flush brings a minute and an event of the next one.
    const cells = [cellOf(minute, "a", 50, { fromOffset: end, errors: minute === 2 ? 25 : 0 })];
    const units = [{ bucket: START_BUCKET, expect: end }];
    const watermarkMs = START_MS + (minute + 1) * 60_000 - LATENESS_MS;
    const flush = flushOf({ expectCheckpoint: end, at: end + 50, units, cells, watermarkMs });
    expect(await store.flush(flush)).toMatchObject({ kind: "applied" });
    end += 50;
    await evaluator.evaluate(START_MS + (minute + 1) * 60_000 + 5_000);
    if (minute === 2) expect(told).toEqual(["open errors on a: 50 % (normal up to 10 %)"]);
  }
  expect(told).toHaveLength(2);
  expect(told[1]).toMatch(/^resolved errors on a/);
});

promise("a topic begins with its first record, where the log still has that", async (store) => {
  let ends: Ends = [];
  const begunOf = (minutes: StoreMinutes) => minutes.topics().then(() => minutes.progress(ALERT_TOPIC, START_MS));
  const minutes = readingOf(store, () => ends);
  expect((await begunOf(minutes)).begun).toBe(null);
  ends = [{ partition: 2, end: 3 }, { partition: 1, end: 3 }, { partition: 0, end: 0 }];
  expect((await begunOf(minutes)).begun).toBe(START_MINUTE + 1);
  // What the log deletes later changes nothing; who comes later cannot know.
  ends = [{ partition: 2, start: 1, end: 3 }, { partition: 1, end: 3 }];
  expect((await begunOf(minutes)).begun).toBe(START_MINUTE + 1);
  expect((await begunOf(readingOf(store, () => ends))).begun).toBe(null);
});
