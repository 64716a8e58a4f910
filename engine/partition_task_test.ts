import { expect } from "expect";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { batchOf } from "../core/log/test_batches.ts";
import type { PartitionReader } from "../core/log/partitioned_log.ts";
import type { PartitionFlush } from "../core/store/ports.ts";
import { SchemaMissing } from "./parsing/schemas.ts";
import { CatchUpTurns } from "./catch_up_turns.ts";
import { makeReady } from "./parsing/shared_parsers.ts";
import { PartitionTask, type PartitionTaskParts } from "./partition_task.ts";

/** One record, as large as a fetch is, at its offset. */
function chunk(offset: number, minutesApart: number): Uint8Array {
  const timestamp = new Date(Date.UTC(2026, 2, 1, 10, offset * minutesApart)).toISOString();
  const { bytes } = batchOf(
    JSON.stringify({ timestamp, level: "INFO", message: "x".repeat(900) }),
  );
  new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(offset));
  return bytes;
}

const FETCH_BYTES = 1_000;
const unused = () => Promise.reject(new Error("unused"));

/** A partition of a store that takes everything. */
function partsOf(
  { partition = 0, turns = new CatchUpTurns(1), fetch, flush, onNotice = () => {} }: {
    readonly partition?: number;
    readonly turns?: CatchUpTurns;
    readonly fetch: PartitionReader["fetch"];
    readonly flush: (flush: PartitionFlush) => void;
    readonly onNotice?: (message: string) => void;
  },
): PartitionTaskParts {
  return {
    assignment: {
      topicId: "t",
      topicName: "t",
      partition,
      reader: { kind: "embedded", directory: "", partition, ends: new SharedArrayBuffer(16) },
      format: "json",
      preset: null,
      timeZone: "UTC",
      mapping: {},
    },
    settings: {
      flushIntervalMs: 500,
      latenessMs: 60_000,
      futureMs: Infinity,
      recordBytesMax: 10_000,
      fetchBytes: FETCH_BYTES,
      pendingRowsMax: 1_000,
      pendingBytesMax: 1_000_000,
      changedCellsMax: Infinity,
      keepsEvents: false,
      prefersFinalRows: false,
      blocksByHour: false,
      onGap: "stop",
      archives: false,
      segmentMs: 0,
      segmentBytes: 0,
      schemaRegistry: { url: "" } as PartitionTaskParts["settings"]["schemaRegistry"],
    },
    store: {
      readPartition: () =>
        Promise.resolve({
          checkpoint: 0,
          writer: null,
          watermarkMs: null,
          totals: { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 },
        }),
      readUnits: (_topic, _partition, buckets) =>
        Promise.resolve(buckets.map((bucket) => ({ bucket, upto: 0, writer: null, values: {} }))),
      flush: (content: PartitionFlush) => {
        flush(content);
        return Promise.resolve({ kind: "applied" });
      },
      decideFormat: () => Promise.resolve("json"),
      readChain: unused,
      commitArchive: unused,
      passArchive: unused,
    },
    openReader: () => ({ fetch, close: () => {} }),
    notify: ({ message }) => onNotice(message),
    makeReady,
    turns,
    now: () => 700, // the second interval of 500, the first of 2000
  };
}

/** A log of so many records, one a fetch; `onFetch` hears of each fetch but the one that looks for a gap. */
function fetchOf(
  records: number,
  onFetch: (offset: number) => void = () => {},
  minutesApart = 0,
): PartitionReader["fetch"] {
  return (offset, bytesMax) => {
    if (bytesMax > 1) onFetch(offset);
    return Promise.resolve(
      offset < records
        ? { bytes: chunk(offset, minutesApart), next: offset + 1, start: 0, end: records }
        : { bytes: new Uint8Array(0), next: offset, start: 0, end: records },
    );
  };
}

Deno.test("a partition that begins to catch up does not flush its first chunk", async () => {
  const CHUNKS = 5;
  const flushes: number[] = [];
  const done = Promise.withResolvers<void>();
  const task = new PartitionTask(partsOf({
    fetch: fetchOf(CHUNKS),
    flush: ({ totals, at }) => {
      flushes.push(totals.consumed);
      if (at === CHUNKS) done.resolve();
    },
    onNotice: (message) => done.reject(new Error(message)),
  }));
  const ended = task.run();
  await done.promise;
  task.stop();
  await ended;
  expect(flushes).toEqual([CHUNKS]);
});

Deno.test("a flush at an interval's end is said to come with others, one at the log's end to come by itself", async () => {
  for (const isInterval of [true, false]) {
    const done = Promise.withResolvers<PartitionFlush>();
    let nowMs = 700;
    const parts = partsOf({
      // Of one small record, the next interval has come; of large ones the last is reached within the first.
      fetch: isInterval ? (...of) => fetchOf(1, () => nowMs += 500)(...of) : fetchOf(5),
      flush: done.resolve,
      onNotice: (message) => done.reject(new Error(message)),
    });
    const settings = { ...parts.settings, fetchBytes: isInterval ? 1_000_000 : FETCH_BYTES };
    const task = new PartitionTask({ ...parts, settings, now: () => nowMs });
    const ended = task.run();
    const flush = await done.promise;
    task.stop();
    await ended;
    expect([isInterval, flush.isAtInterval]).toEqual([isInterval, isInterval]);
  }
});

Deno.test("rows are final at the end of catching up, and before where most minutes are over, if the store prefers that", async () => {
  const BEHIND = 6;
  const LIVE = 3;
  for (const [prefersFinalRows, minutesApart] of [[true, 5], [true, 0], [false, 5]] as const) {
    let nowMs = 700;
    const done = Promise.withResolvers<void>();
    const flushes: PartitionFlush[] = [];
    const parts = partsOf({
      fetch: (offset, ...of) => {
        // An interval ends while it catches up, and after each record that comes then: one after the other was stored.
        if (offset === BEHIND / 2) nowMs += 2_000;
        const stored = flushes.at(-1)?.at ?? 0;
        const records = stored < BEHIND ? BEHIND : Math.min(stored + 1, BEHIND + LIVE);
        if (offset >= BEHIND) nowMs += 500;
        return fetchOf(records, () => {}, minutesApart)(offset, ...of);
      },
      flush: (flush) => {
        flushes.push(flush);
        if (flush.at === BEHIND + LIVE) done.resolve();
      },
      onNotice: (message) => done.reject(new Error(message)),
    });
    const task = new PartitionTask({ ...parts, settings: { ...parts.settings, prefersFinalRows }, now: () => nowMs });
    const ended = task.run();
    await done.promise;
    task.stop();
    await ended;
    const isMeanwhile = ({ at }: PartitionFlush) => at < BEHIND;
    expect(flushes.some(isMeanwhile)).toBe(true);
    expect(flushes.map(({ hasFinalRows }) => hasFinalRows)).toEqual(
      flushes.map((flush) => prefersFinalRows && flush.at <= BEHIND && (minutesApart > 0 || !isMeanwhile(flush))),
    );
    // As a store counts: a row takes the place of one of the same minute and first offset, unless that was final.
    const rows = new Map<string, { count: number; isFinal: boolean }>();
    for (const { minutes: { minutes, fromOffsets, counts }, hasFinalRows = false } of flushes) {
      minutes.forEach((minute, i) => {
        const key = `${minute}/${fromOffsets[i]}`;
        expect(rows.get(key)?.isFinal).not.toBe(true);
        rows.set(key, { count: counts[i], isFinal: hasFinalRows });
      });
    }
    expect([...rows.values()].reduce((sum, { count }) => sum + count, 0)).toBe(BEHIND + LIVE);
  }
});

Deno.test("partitions with much to read do so one after the other where there is one place, and all come to their end", async () => {
  const CHUNKS = 20;
  const fetched: number[] = [];
  const open = new Set([0, 1, 2]);
  const done = Promise.withResolvers<void>();
  const turns = new CatchUpTurns(1);
  const tasks = [...open].map((partition) =>
    new PartitionTask(partsOf({
      partition,
      turns,
      fetch: fetchOf(CHUNKS, (offset) => {
        // The first is before a turn is asked for, and what follows the last is the wait for more.
        if (offset > 0 && offset < CHUNKS) fetched.push(partition);
      }),
      flush: ({ at }) => {
        if (at === CHUNKS) open.delete(partition);
        if (open.size === 0) done.resolve();
      },
      onNotice: (message) => done.reject(new Error(message)),
    }))
  );
  const ended = tasks.map((task) => task.run());
  await done.promise;
  for (const task of tasks) task.stop();
  await Promise.all(ended);
  const changes = fetched.filter((partition, i) => i > 0 && partition !== fetched[i - 1]);
  expect([fetched.length, changes.length]).toEqual([3 * (CHUNKS - 1), 2]);
});

Deno.test("a partition that has caught up lets go of what it has read", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const CHUNKS = 5;
  const read: WeakRef<ArrayBufferLike>[] = [];
  const [stored, waits] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let rests = 0;
  const parts = partsOf({
    fetch: async (offset, ...of) => {
      const fetched = await fetchOf(CHUNKS)(offset, ...of);
      if (fetched.bytes.length > 0) read.push(new WeakRef(fetched.bytes.buffer));
      else if (offset === CHUNKS) waits.resolve();
      return fetched;
    },
    flush: ({ at }) => {
      if (at === CHUNKS) stored.resolve();
    },
    onNotice: (message) => stored.reject(new Error(message)),
  });
  const { fetch, close } = parts.openReader();
  const task = new PartitionTask({ ...parts, openReader: () => ({ fetch, close, rest: () => rests++ }) });
  const ended = task.run();
  await Promise.all([stored.promise, waits.promise]);
  await new Promise((resolve) => setTimeout(resolve)); // until then what a reference was asked for is kept
  collectGarbage();
  expect(read.length).toBeGreaterThanOrEqual(CHUNKS);
  const kept = read.map((buffer) => buffer.deref() !== undefined);
  // One may be what the worker's parser looked at last, whichever partition it was of.
  expect([kept.at(-1), kept.filter((isKept) => isKept).length <= 1]).toEqual([false, true]);
  expect(rests).toBeGreaterThan(0);
  task.stop();
  await ended;
});

Deno.test("a partition that waits for its turn ends when it is to stop, with what it has read stored", async () => {
  const turns = new CatchUpTurns(1);
  const other = turns.turn();
  await other.take();
  const flushes: number[] = [];
  const isRead = Promise.withResolvers<void>();
  const task = new PartitionTask(partsOf({
    turns,
    fetch: fetchOf(10, () => isRead.resolve()),
    flush: ({ at }) => flushes.push(at),
    onNotice: (message) => isRead.reject(new Error(message)),
  }));
  const ended = task.run();
  await isRead.promise;
  while (!other.isWanted) await Promise.resolve();
  task.stop();
  await ended;
  expect(flushes).toEqual([1]);
  expect(other.isWanted).toBe(false);
});

Deno.test("a partition that waits for a schema lets others read", async () => {
  const turns = new CatchUpTurns(1);
  const isWaiting = Promise.withResolvers<void>();
  const parts = partsOf({ turns, fetch: fetchOf(10), flush: () => {} });
  const task = new PartitionTask({
    ...parts,
    makeReady: (parser, options) => ({
      ...makeReady(parser, options),
      parser: {
        parse() {
          isWaiting.resolve();
          throw new SchemaMissing(7);
        },
      },
    }),
  });
  const ended = task.run();
  await isWaiting.promise;
  await turns.turn().take();
  task.stop();
  await ended;
});
