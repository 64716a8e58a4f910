import { expect } from "expect";
import { FlushQueue } from "./flush_queue.ts";
import type { FlushOutcome, PartitionFlush } from "./ports.ts";

function flushOf(partition: number, at: number): PartitionFlush {
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
    events: null,
    quarantine: null,
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

Deno.test("two flushes of one partition never go together, and keep their order", async () => {
  const batches: string[][] = [];
  const queue = new FlushQueue((flushes) => {
    batches.push(flushes.map(({ partition, at }) => `${partition}@${at}`));
    return Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })));
  });
  await Promise.all([flushOf(0, 1), flushOf(0, 2), flushOf(1, 1), flushOf(0, 3)].map((flush) => queue.add(flush)));
  expect(batches).toEqual([["0@1", "1@1"], ["0@2"], ["0@3"]]);
});

Deno.test("a failure is told to all that went together, and the next ones go on", async () => {
  let isBroken = true;
  const queue = new FlushQueue((flushes) => {
    if (isBroken) return Promise.reject(new Error("no space"));
    return Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })));
  });
  const results = await Promise.allSettled([queue.add(flushOf(0, 1)), queue.add(flushOf(1, 1))]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  isBroken = false;
  expect(await queue.add(flushOf(0, 1))).toEqual({ kind: "applied" });
});

Deno.test("one that can never be applied stops no other partition", async () => {
  const queue = new FlushQueue((flushes) =>
    flushes.some(({ partition }) => partition === 7)
      ? Promise.reject(new Error("cannot be applied"))
      : Promise.resolve(flushes.map((): FlushOutcome => ({ kind: "applied" })))
  );
  const partitions = [...Array(20).keys()];
  const applied = new Set<number>();
  for (let attempt = 0; attempt < 3; attempt++) {
    const results = await Promise.allSettled(partitions.map((partition) => queue.add(flushOf(partition, attempt))));
    results.forEach(({ status }, partition) => status === "fulfilled" && applied.add(partition));
  }
  expect(applied).toEqual(new Set(partitions.filter((partition) => partition !== 7)));
});
