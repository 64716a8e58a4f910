import { expect } from "expect";
import { FlushQueue } from "./flush_queue.ts";
import type { FlushOutcome, PartitionFlush } from "./ports.ts";

function flushOf(partition: number, at: number, recordBytes = 0): PartitionFlush {
  return {
    topicId: "topic",
    partition,
    writer: "me",
    expectCheckpoint: 0,
    at,
    units: [],
    minutes: {
      rows: 0,
      minutes: new Int32Array(0),
      fromOffsets: new Float64Array(0),
      dimensions: {},
      counts: new Float64Array(0),
      errors: new Float64Array(0),
      measures: {},
    },
    events: [],
    quarantine: recordBytes === 0 ? [] : [{
      group: { rows: 1, bytes: new Uint8Array(recordBytes), chunks: [] },
      firstMicros: 0,
      lastMicros: 0,
      lastRecordMs: 0,
    }],
    watermarkMs: null,
    lastRecordTimeMs: 0,
    totals: { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 },
    gaps: [],
  };
}

Deno.test("flushes that come together go together, each with its own outcome", async () => {
  const batches: number[][] = [];
  const queue = new FlushQueue((flushes) => {
    batches.push(flushes.map(({ partition }) => partition));
    return Promise.resolve(
      flushes.map(({ partition }): FlushOutcome =>
        partition === 1 ? { kind: "conflict", bucket: 5, found: 9 } : { kind: "applied" }
      ),
    );
  });
  const outcomes = await Promise.all([0, 1, 2].map((partition) => queue.add(flushOf(partition, 10))));
  expect(batches).toEqual([[0, 1, 2]]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(["applied", "conflict", "applied"]);
});

Deno.test("flushes at the end of an interval are waited for, others go at once", async () => {
  for (const isAtInterval of [true, false]) {
    const batches: number[][] = [];
    const queue = new FlushQueue((flushes) => {
      batches.push(flushes.map(({ partition }) => partition));
      return Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })));
    });
    const add = (partition: number) => queue.add({ ...flushOf(partition, 10), isAtInterval });
    const first = add(0);
    await new Promise((resolve) => setTimeout(resolve, 0)); // as a message from another worker comes
    await Promise.all([first, add(1)]);
    expect(batches).toEqual(isAtInterval ? [[0, 1]] : [[0], [1]]);
  }
});

Deno.test("two flushes of one partition never go together, and keep their order", async () => {
  const batches: string[][] = [];
  const queue = new FlushQueue((flushes) => {
    batches.push(flushes.map(({ partition, at }) => `${partition}@${at}`));
    return Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })));
  });
  await Promise.all([flushOf(0, 1), flushOf(0, 2), flushOf(1, 1), flushOf(0, 3)].map((flush) => queue.add(flush)));
  expect(batches).toEqual([["0@1", "1@1"], ["0@2"], ["0@3"]]);
});

Deno.test("flushes of large records go apart, and one that is too large for any batch goes alone", async () => {
  const batches: number[][] = [];
  const queue = new FlushQueue((flushes) => {
    batches.push(flushes.map(({ partition }) => partition));
    return Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })));
  });
  const sizes = [9, 9, 6, 40, 1];
  await Promise.all(sizes.map((megabytes, partition) => queue.add(flushOf(partition, 1, megabytes * 1_048_576))));
  expect(batches).toEqual([[0, 2, 4], [1], [3]]);
});

const APPLIED: FlushOutcome = { kind: "applied" };

/** Settles flushes of partitions 0, 1 …; `apply` throws what a batch cannot be applied for. Answers the batches, too. */
async function settled(count: number, apply: (partitions: readonly number[]) => FlushOutcome[]) {
  const batches: number[][] = [];
  const queue = new FlushQueue((flushes) => {
    const partitions = flushes.map(({ partition }) => partition);
    batches.push(partitions);
    return Promise.resolve().then(() => apply(partitions));
  });
  const results = await Promise.allSettled(Array.from({ length: count }, (_, i) => queue.add(flushOf(i, 10))));
  const told = results.map((result) => result.status === "fulfilled" ? result.value.kind : result.reason.message);
  return { batches, told, queue };
}

Deno.test("one that can never be applied fails alone: those that went with it are applied at once", async () => {
  const { told, batches } = await settled(5, (partitions) => {
    if (partitions.includes(2)) throw new Error(partitions.length === 1 ? "cannot be applied" : "somebody cannot");
    return partitions.map(() => APPLIED);
  });
  expect(told).toEqual(["applied", "applied", "cannot be applied", "applied", "applied"]);
  expect(batches).toEqual([[0, 1, 2, 3, 4], [0], [1], [2], [3], [4]]);
});

Deno.test("a full disk fails all of a batch without another attempt, also when it fills up between them", async () => {
  const full = () => new Error("No space left on device");
  const atOnce = await settled(6, () => {
    throw full();
  });
  expect(atOnce.batches).toEqual([[0, 1, 2, 3, 4, 5]]);
  expect(atOnce.told).toEqual(Array(6).fill("No space left on device"));
  const later = await settled(4, (partitions) => {
    if (partitions.length > 1) throw new Error("broken");
    if (partitions[0] > 0) throw full();
    return [APPLIED];
  });
  expect(later.batches).toEqual([[0, 1, 2, 3], [0], [1]]);
  expect(later.told).toEqual(["applied", ...Array(3).fill("No space left on device")]);
});

Deno.test("a flush that was applied though its commit failed is told as unknown, not as a conflict", async () => {
  const { told } = await settled(3, (partitions) => {
    if (partitions.length > 1) throw new Error("no answer to the commit");
    return [{ kind: "conflict", bucket: null, found: 10 }];
  });
  expect(told).toEqual(Array(3).fill("no answer to the commit"));
});

Deno.test("after a failure the next ones go on, a few together at first", async () => {
  let isBroken = true;
  const { told, batches, queue } = await settled(2, (partitions) => {
    if (isBroken) throw new Error("broken");
    return partitions.map(() => APPLIED);
  });
  expect(told).toEqual(["broken", "broken"]);
  isBroken = false;
  batches.length = 0;
  await Promise.all([0, 1, 2, 3, 4].map((partition) => queue.add(flushOf(partition, 10))));
  expect(batches).toEqual([[0], [1, 2], [3, 4]]);
});
