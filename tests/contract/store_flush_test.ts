/** Rule 1 as every store must keep it: a flush is a compare-and-set that is applied whole, once, or not at all. */
import { expect } from "expect";
import type { FlushOutcome, PartitionState, Store } from "../../core/store/ports.ts";
import {
  cellOf,
  eventOf,
  EVER,
  flushOf,
  NO_TOTALS,
  promise,
  START_BUCKET,
  START_MINUTE,
  storedCounts,
  TOPIC,
} from "./store_fixtures.ts";

const APPLIED: FlushOutcome = { kind: "applied" };
const NEVER_FLUSHED: PartitionState = { checkpoint: 0, writer: null, watermarkMs: null, totals: NO_TOTALS };
const SECOND_BUCKET = START_BUCKET + 1;

/** Everything that a flush could have changed, as the store answers it. */
async function everything(store: Store, topicId = TOPIC): Promise<unknown> {
  return {
    partitions: await store.partitions(topicId),
    units: await store.readUnits(topicId, 0, [START_BUCKET, SECOND_BUCKET]),
    counts: await storedCounts(store, topicId),
    stored: await store.countStored(topicId),
    events: await store.events({ topicId, range: EVER, where: [], limit: 1000 }),
    quarantine: await store.quarantine({ topicId, range: EVER, limit: 1000 }),
    gaps: await store.gaps(topicId),
  };
}

/** A flush that would change all of it. */
function fullFlush(rest: Parameters<typeof flushOf>[0] = {}) {
  return flushOf({
    cells: [cellOf(0, "cart", 3), cellOf(61, "cart", 4)],
    events: [eventOf(1, 0)],
    quarantine: [{ offset: 2, recordTimeMs: 5, reason: "no_match", raw: new Uint8Array([1]) }],
    watermarkMs: 1000,
    totals: { consumed: 8, events: 7, unparsed: 1, late: 2, clockBad: 3 },
    gaps: [{ start: 3, end: 4 }],
    ...rest,
  });
}

promise("what was never flushed starts at 0 with no writer", async (store) => {
  expect(await store.readPartition(TOPIC, 0)).toMatchObject(NEVER_FLUSHED);
  expect(await store.readUnits(TOPIC, 0, [START_BUCKET])).toEqual([
    { bucket: START_BUCKET, upto: 0, writer: null, values: {} },
  ]);
  expect(await store.readUnits(TOPIC, 0, [])).toEqual([]);
  expect(await store.partitions(TOPIC)).toEqual([]);
  expect(await store.countStored(TOPIC)).toEqual([]);
  expect(await store.gaps(TOPIC)).toEqual([]);
});

promise("an applied flush moves its units and the checkpoint, and is there to be read", async (store) => {
  expect(await store.flush(fullFlush())).toEqual(APPLIED);
  expect(await everything(store)).toMatchObject({
    partitions: [{
      partition: 0,
      checkpoint: 10,
      writer: "a",
      watermarkMs: 1000,
      totals: { consumed: 8, events: 7, unparsed: 1, late: 2, clockBad: 3 },
    }],
    units: [{ bucket: START_BUCKET, upto: 10, writer: "a" }, { bucket: SECOND_BUCKET, upto: 10, writer: "a" }],
    counts: { "0|cart": 3, "61|cart": 4 },
    stored: [{ partition: 0, count: 7 }],
    events: [{ offset: 1 }],
    quarantine: [{ offset: 2 }],
    gaps: [{ partition: 0, start: 3, end: 4 }],
  });
});

promise("a flush without rows or units moves the checkpoint alone", async (store) => {
  expect(await store.flush(flushOf({ totals: { ...NO_TOTALS, consumed: 10 } }))).toEqual(APPLIED);
  expect(await store.readPartition(TOPIC, 0)).toMatchObject({ checkpoint: 10, writer: "a" });
  expect(await store.countStored(TOPIC)).toEqual([]);
});

promise("a flush from another checkpoint than the stored one changes nothing at all", async (store) => {
  await store.flush(fullFlush());
  const before = await everything(store);
  for (const expectCheckpoint of [0, 9, 11]) {
    const zombie = fullFlush({ writer: "z", expectCheckpoint, at: 30, units: [{ bucket: START_BUCKET, expect: 10 }] });
    expect(await store.flush(zombie)).toEqual({ kind: "conflict", bucket: null, found: 10 });
    expect(await everything(store)).toEqual(before);
  }
});

promise("a first flush that expects a checkpoint conflicts with 0, and leaves no partition behind", async (store) => {
  expect(await store.flush(fullFlush({ expectCheckpoint: 5 }))).toEqual({ kind: "conflict", bucket: null, found: 0 });
  expect(await store.partitions(TOPIC)).toEqual([]);
  expect(await store.readUnits(TOPIC, 0, [START_BUCKET])).toMatchObject([{ upto: 0, writer: null }]);
});

promise("a flush whose unit is not at the expected offset changes nothing of it, nor the checkpoint", async (store) => {
  await store.flush(fullFlush());
  const before = await everything(store);
  for (const wrong of [0, 9, 11]) {
    const units = [{ bucket: START_BUCKET, expect: wrong }, { bucket: SECOND_BUCKET, expect: 10 }];
    const outcome = await store.flush(fullFlush({ writer: "z", expectCheckpoint: 10, at: 30, units }));
    expect(outcome).toEqual({ kind: "conflict", bucket: START_BUCKET, found: 10 });
    expect(await everything(store)).toEqual(before);
  }
});

promise(
  "a conflict on a later unit leaves that unit, the checkpoint, totals and gaps as they were",
  async (store, under) => {
    await store.flush(fullFlush());
    const before = await everything(store);
    const units = [{ bucket: START_BUCKET, expect: 10 }, { bucket: SECOND_BUCKET, expect: 0 }];
    expect(await store.flush(fullFlush({ writer: "z", expectCheckpoint: 10, at: 30, units })))
      .toEqual({ kind: "conflict", bucket: SECOND_BUCKET, found: 10 });
    expect(await store.readPartition(TOPIC, 0)).toMatchObject({ checkpoint: 10, writer: "a", totals: { consumed: 8 } });
    expect(await store.readUnits(TOPIC, 0, [SECOND_BUCKET])).toMatchObject([{ upto: 10, writer: "a" }]);
    expect(await store.gaps(TOPIC)).toHaveLength(1);
    if (under.isTransactional) expect(await everything(store)).toEqual(before);
  },
);

promise("a unit that nobody wrote is expected at 0, and nothing else", async (store) => {
  const cells = [cellOf(0, "cart", 1)];
  expect(await store.flush(flushOf({ cells, units: [{ bucket: START_BUCKET, expect: 7 }] })))
    .toEqual({ kind: "conflict", bucket: START_BUCKET, found: 0 });
  expect(await store.flush(flushOf({ cells, units: [{ bucket: START_BUCKET, expect: 0 }] }))).toEqual(APPLIED);
});

promise("a flush that comes twice, word for word, is applied once", async (store) => {
  const flush = fullFlush();
  expect(await store.flush(flush)).toEqual(APPLIED);
  const before = await everything(store);
  expect(await store.flush(flush)).toEqual({ kind: "conflict", bucket: null, found: 10 });
  expect(await everything(store)).toEqual(before);
});

promise("a zombie's flush conflicts once its successor has moved on, and the successor goes on", async (store) => {
  const cells = [cellOf(0, "cart", 5)];
  await store.flush(flushOf({ cells }));
  const late = flushOf({
    cells: [cellOf(0, "cart", 9)],
    expectCheckpoint: 10,
    at: 14,
    units: [{ bucket: START_BUCKET, expect: 10 }],
  });
  // The successor takes over at 10 and begins partials of its own.
  const successor = flushOf({
    writer: "b",
    cells: [cellOf(0, "cart", 2, { fromOffset: 10 })],
    expectCheckpoint: 10,
    at: 12,
    units: [{ bucket: START_BUCKET, expect: 10 }],
  });
  expect(await store.flush(successor)).toEqual(APPLIED);
  expect(await store.flush(late)).toEqual({ kind: "conflict", bucket: null, found: 12 });
  const next = flushOf({
    writer: "b",
    cells: [cellOf(0, "cart", 6, { fromOffset: 10 })],
    expectCheckpoint: 12,
    at: 16,
    units: [{ bucket: START_BUCKET, expect: 12 }],
  });
  expect(await store.flush(next)).toEqual(APPLIED);
  expect(await storedCounts(store)).toEqual({ "0|cart": 5 + 6 });
  expect(await store.readUnits(TOPIC, 0, [START_BUCKET])).toMatchObject([{ upto: 16, writer: "b" }]);
});

promise("of two flushes of a partition at once, from the same offset, exactly one is applied", async (store) => {
  for (let round = 0; round < 10; round++) {
    const from = round * 10;
    const rival = (writer: string, partition: number) =>
      flushOf({
        writer,
        partition,
        expectCheckpoint: from,
        at: from + 10,
        cells: [cellOf(round, writer, 10, { fromOffset: from })],
        units: [{ bucket: START_BUCKET, expect: from }],
        totals: { ...NO_TOTALS, consumed: 10 },
      });
    const outcomes = await Promise.all(["a", "b", "c"].map((writer) => store.flush(rival(writer, 0))));
    expect(outcomes.filter(({ kind }) => kind === "applied")).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.kind === "conflict") expect(outcome.found).toBe(from + 10);
    const winner = ["a", "b", "c"][outcomes.findIndex(({ kind }) => kind === "applied")];
    const state = await store.readPartition(TOPIC, 0);
    expect(state).toMatchObject({ checkpoint: from + 10, writer: winner, totals: { consumed: from + 10 } });
    expect((await storedCounts(store))[`${round}|${winner}`]).toBe(10);
  }
  expect(await store.countStored(TOPIC)).toEqual([{ partition: 0, count: 100 }]);
});

promise("of many partitions that flush at once, only those that are behind conflict", async (store) => {
  const partitions = [...Array(80).keys()];
  const isBehind = (partition: number) => partition % 3 === 1;
  await Promise.all(
    partitions.filter(isBehind).map((partition) =>
      store.flush(flushOf({ partition, writer: "early", cells: [cellOf(0, "early", 1)] }))
    ),
  );
  const outcomes = await Promise.all(partitions.map((partition) =>
    store.flush(flushOf({
      partition,
      at: 20,
      cells: [cellOf(0, "cart", partition + 1), cellOf(70, "cart", 1)],
      // Those of 1 modulo 6 are right about the checkpoint, and wrong about one of their units.
      expectCheckpoint: partition % 6 === 1 ? 10 : 0,
      totals: { ...NO_TOTALS, consumed: 20 },
    }))
  ));
  outcomes.forEach((outcome, partition) => {
    const conflict = { kind: "conflict", bucket: partition % 6 === 1 ? START_BUCKET : null, found: 10 };
    expect({ partition, outcome }).toEqual({ partition, outcome: isBehind(partition) ? conflict : APPLIED });
  });
  expect(await store.countStored(TOPIC)).toEqual(
    partitions.map((partition) => ({ partition, count: isBehind(partition) ? 1 : partition + 2 })),
  );
  const states = await store.partitions(TOPIC);
  expect(states.map(({ partition, checkpoint, writer, totals }) => [partition, checkpoint, writer, totals.consumed]))
    .toEqual(
      partitions.map((partition) => isBehind(partition) ? [partition, 10, "early", 0] : [partition, 20, "a", 20]),
    );
});

promise("topics and partitions do not touch each other, whatever their ids look like", async (store) => {
  const ids = ["t", "t/1", "t'--", "T", "ü%_", "t/1/2"];
  const flushes = ids.flatMap((topicId, i) =>
    [1, 11].map((partition) => flushOf({ topicId, partition, cells: [cellOf(0, "cart", 10 * i + partition)] }))
  );
  expect(await Promise.all(flushes.map((flush) => store.flush(flush)))).toEqual(flushes.map(() => APPLIED));
  for (const [i, topicId] of ids.entries()) {
    expect(await store.countStored(topicId)).toEqual([
      { partition: 1, count: 10 * i + 1 },
      { partition: 11, count: 10 * i + 11 },
    ]);
  }
});

promise(
  "cumulative rows replace those of the same minute, dimensions and first offset, and leave all others",
  async (store) => {
    await store.flush(flushOf({
      cells: [
        cellOf(0, "cart", 2),
        cellOf(0, "pay", 1),
        cellOf(0, "", 3, { dimensions: { service: "", level: "INFO", endpoint: "/a" } }),
        cellOf(1, "cart", 4, { fromOffset: 3 }),
        cellOf(59, "cart", 8, { fromOffset: 5 }),
        // Begun by the last record before the checkpoint.
        cellOf(58, "edge", 1, { fromOffset: 9 }),
      ],
    }));
    const second = flushOf({
      expectCheckpoint: 10,
      at: 20,
      cells: [
        // In minute 0 one cell has changed and two are new; minute 1 has another partial; minute 2 is new.
        cellOf(0, "cart", 5),
        cellOf(0, "new", 1),
        cellOf(0, "", 64, { dimensions: { service: "", level: "INFO", endpoint: "/b" } }),
        cellOf(1, "cart", 16, { fromOffset: 12 }),
        cellOf(2, "cart", 32, { fromOffset: 11 }),
        cellOf(58, "edge", 2, { fromOffset: 9 }),
      ],
      units: [{ bucket: START_BUCKET, expect: 10 }],
    });
    // Another partition and another topic with the same keys.
    await store.flush(flushOf({ partition: 1, cells: [cellOf(0, "cart", 100)] }));
    await store.flush(flushOf({ topicId: "other", cells: [cellOf(0, "cart", 1000)] }));
    expect(await store.flush(second)).toEqual(APPLIED);
    expect(await storedCounts(store)).toEqual({
      "0|cart": 5 + 100,
      "0|pay": 1,
      "0|new": 1,
      "0|": 3 + 64,
      "1|cart": 4 + 16,
      "2|cart": 32,
      "59|cart": 8,
      "58|edge": 2,
    });
    expect(await storedCounts(store, "other")).toEqual({ "0|cart": 1000 });
    expect(await store.countStored(TOPIC)).toEqual([{ partition: 0, count: 136 }, { partition: 1, count: 100 }]);
  },
);

promise("a unit's rows of before 1970 and of far ahead are kept like any other", async (store) => {
  const minutes = [-1, -60, -61, -30_000_000, 60_000_000].map((minute) => minute - START_MINUTE);
  const cells = minutes.map((minute, i) => cellOf(minute, "cart", i + 1, { fromOffset: i }));
  expect(await store.flush(flushOf({ cells }))).toEqual(APPLIED);
  const again = flushOf({
    cells: cells.map((cell) => ({ ...cell, count: cell.count * 10 })),
    expectCheckpoint: 10,
    at: 20,
    units: [-1, -2, -500_000, 1_000_000].map((bucket) => ({ bucket, expect: 10 })),
  });
  expect(await store.flush(again)).toEqual(APPLIED);
  expect(await storedCounts(store)).toEqual({
    [`${minutes[0]}|cart`]: 10,
    [`${minutes[1]}|cart`]: 20,
    [`${minutes[2]}|cart`]: 30,
    [`${minutes[3]}|cart`]: 40,
    [`${minutes[4]}|cart`]: 50,
  });
  expect(await store.countStored(TOPIC)).toEqual([{ partition: 0, count: 150 }]);
});

promise("totals are added up, once with each applied flush; the watermark never goes back", async (store) => {
  const totals = (n: number) => ({ consumed: 10 * n, events: 5 * n, unparsed: 4 * n, late: 3 * n, clockBad: 2 * n });
  await store.flush(flushOf({ totals: totals(1) }));
  expect(await store.readPartition(TOPIC, 0)).toMatchObject({ watermarkMs: null });
  await store.flush(flushOf({ expectCheckpoint: 10, at: 20, totals: totals(2), watermarkMs: 5000 }));
  await store.flush(flushOf({ expectCheckpoint: 10, at: 20, totals: totals(50), watermarkMs: 9000 }));
  await store.flush(flushOf({ expectCheckpoint: 20, at: 30, totals: totals(4), watermarkMs: 4000 }));
  await store.flush(flushOf({ expectCheckpoint: 30, at: 31, totals: NO_TOTALS, watermarkMs: null }));
  expect(await store.readPartition(TOPIC, 0)).toMatchObject({ checkpoint: 31, watermarkMs: 5000, totals: totals(7) });
});

promise("gaps are kept by partition, in the order of offsets", async (store) => {
  await store.flush(flushOf({ partition: 1, gaps: [{ start: 0, end: 10 }] }));
  await store.flush(flushOf({ gaps: [{ start: 7, end: 9 }, { start: 2, end: 5 }] }));
  await store.flush(flushOf({ expectCheckpoint: 10, at: 2 ** 52, gaps: [{ start: 10, end: 2 ** 52 }] }));
  expect(await store.gaps(TOPIC)).toEqual([
    { partition: 0, start: 2, end: 5 },
    { partition: 0, start: 7, end: 9 },
    { partition: 0, start: 10, end: 2 ** 52 },
    { partition: 1, start: 0, end: 10 },
  ]);
  expect(await store.gaps("other")).toEqual([]);
});

promise("offsets up to 2^53 - 1 are exact", async (store) => {
  const last = Number.MAX_SAFE_INTEGER;
  const flush = flushOf({
    at: last - 1,
    cells: [cellOf(0, "cart", 1, { fromOffset: last - 3 })],
    events: [eventOf(last - 3, 0), eventOf(last - 2, 0)],
  });
  expect(await store.flush(flush)).toEqual(APPLIED);
  const next = flushOf({
    expectCheckpoint: last - 1,
    at: last,
    cells: [cellOf(0, "cart", 7, { fromOffset: last - 3 }), cellOf(1, "cart", 1, { fromOffset: last - 1 })],
    units: [{ bucket: START_BUCKET, expect: last - 1 }],
  });
  expect(await store.flush({ ...next, expectCheckpoint: last - 2 }))
    .toEqual({ kind: "conflict", bucket: null, found: last - 1 });
  expect(await store.flush(next)).toEqual(APPLIED);
  expect((await store.readPartition(TOPIC, 0)).checkpoint).toBe(last);
  expect(await storedCounts(store)).toEqual({ "0|cart": 7, "1|cart": 1 });
  const events = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 9 });
  expect(events.map(({ offset }) => offset)).toEqual([last - 2, last - 3]);
});

promise(
  "units are as they were written last, in whatever order their hours came and were asked for",
  async (store, under) => {
    const hours = [0, 1, 2, 3];
    const read = async (from: Store) =>
      (await Promise.all(hours.map((hour) => from.readUnits(TOPIC, 0, [START_BUCKET + hour])))).map(([{ upto }]) =>
        upto
      );
    // A partition is asked for, as an engine does, and then its hours; another is never asked for.
    await store.readPartition(TOPIC, 0);
    expect(await read(store)).toEqual([0, 0, 0, 0]);
    let checkpoint = 0;
    const flush = async (into: Store, hour: number, expectUpto = 0) => {
      const at = checkpoint + 10;
      const units = [{ bucket: START_BUCKET + hour, expect: expectUpto }];
      const cells = [cellOf(60 * hour, "cart", 1, { fromOffset: checkpoint })];
      expect(await into.flush(flushOf({ cells, units, expectCheckpoint: checkpoint, at }))).toEqual(APPLIED);
      checkpoint = at;
    };
    await flush(store, 2);
    expect(await read(store)).toEqual([0, 0, 10, 0]);
    await store.readPartition(TOPIC, 0);
    const flushing = flush(store, 0);
    await store.readPartition(TOPIC, 0); // of before or of after the flush that is under way
    await flushing;
    expect(await read(store)).toEqual([20, 0, 10, 0]);
    await flush(store, 3);
    await flush(store, 2, 10);
    expect(await read(store)).toEqual([20, 0, 40, 30]);
    await store.close();
    const reopened = await under.reopen();
    expect(await read(reopened)).toEqual([20, 0, 40, 30]);
    await reopened.readPartition(TOPIC, 0);
    expect(await read(reopened)).toEqual([20, 0, 40, 30]);
    await flush(reopened, 1);
    expect(await read(reopened)).toEqual([20, 50, 40, 30]);
  },
);
