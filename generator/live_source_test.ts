import { expect } from "expect";
import { recordsOf } from "../core/log/test_batches.ts";
import type { BatchMessage, DoneMessage } from "./protocol.ts";
import { api } from "./scenarios/api.ts";
import { RECORD_ROOM_BYTES } from "./scenarios/scenario.ts";
import { FLAT, RateCurve } from "./curve.ts";
import { Lanes, PARTITION_PENDING_BYTES_MAX } from "./lanes.ts";
import { LiveSource } from "./live_source.ts";

const EPOCH_MS = Date.UTC(2026, 2, 1);

interface Fed {
  readonly source: LiveSource;
  readonly sent: BatchMessage[];
  /** Lets time go on, and everything that was sent be done if `isDone`. */
  run(ms: number, isDone?: boolean): void;
}

function feed(rate: number, nextIndexes: readonly number[], limit = Infinity): Fed {
  const curve = { rate, shape: FLAT, seed: 3, startMs: EPOCH_MS, rampMs: 0, burst: null, trafficAt: () => 1 };
  const source = new LiveSource({
    lanes: new Lanes(0, api.create(3), { index: 0, of: 1 }),
    curve: new RateCurve(curve),
    place: { epoch: 1, nextIndexes },
    limit,
    nowMs: 0,
  });
  const sent: BatchMessage[] = [];
  let nowMs = 0;
  return {
    source,
    sent,
    run: (ms, isDone = true) => {
      const fromEpochMs = EPOCH_MS + nowMs;
      nowMs += ms;
      const own: BatchMessage[] = [];
      source.run({ nowMs, fromEpochMs, toEpochMs: EPOCH_MS + nowMs }, (batch) => {
        sent.push({ ...batch, bytes: batch.bytes.slice() });
        own.push(batch);
      });
      if (isDone) { for (const batch of own) source.done(doneOf(batch)); }
    },
  };
}

/** A batch that was written, whose buffer comes back, or one that may be in use. */
function doneOf({ epoch, partition, bytes: batch }: BatchMessage, isWritten = true): DoneMessage {
  const bytes = batch.length;
  // As a transfer to the log and back leaves it: whoever still writes there fails.
  return { kind: "done", topic: 0, epoch, partition, bytes, buffer: isWritten ? batch.buffer.transfer() : null };
}

/** Records of a partition in the order in which they were sent, as text. */
function textsOf(sent: readonly BatchMessage[], partition: number): { text: string; timestampMs: number }[] {
  const decoder = new TextDecoder();
  return sent.filter((batch) => batch.partition === partition).flatMap(({ bytes }) =>
    recordsOf(bytes).map(({ value, timestampMs }) => ({ text: decoder.decode(value ?? undefined), timestampMs }))
  );
}

const sumOf = (sent: readonly BatchMessage[]): number => sent.reduce((sum, { records }) => sum + records, 0);

Deno.test("record after record of a partition is that of the scenario, from the index on where the log ends", () => {
  const { sent, run } = feed(60_000, [0, 7_000]); // batches that are large enough for their memory to be filled again
  for (let tick = 0; tick < 20; tick++) run(50);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  const writer = api.create(3);
  for (const [partition, firstIndex] of [[0, 0], [1, 7_000]]) {
    const made = textsOf(sent, partition);
    expect(made.length).toBe(30_000);
    const isRight = made.map(({ text, timestampMs }, k) => {
      const end = writer.write(partition, firstIndex + k, timestampMs, out, 0);
      return text === new TextDecoder().decode(out.subarray(0, end));
    });
    expect(isRight.indexOf(false)).toBe(-1);
  }
});

Deno.test("records get times spread over the tick, never before it and never after", () => {
  const { sent, run } = feed(4_000, [0]);
  run(50);
  run(50);
  const times = textsOf(sent, 0).map(({ timestampMs }) => timestampMs - EPOCH_MS);
  expect(times.length).toBe(400);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times[199]).toBe(50);
  expect(times[200]).toBe(50);
  expect(times[399]).toBe(100);
  expect(new Set(times).size).toBeGreaterThan(95);
});

Deno.test("at a small rate a tick writes to one partition, and all get their turn", () => {
  const { sent, run } = feed(160, [0, 0, 0, 0]);
  for (let tick = 0; tick < 20; tick++) run(50);
  expect(sent.length).toBe(20);
  expect([0, 1, 2, 3].map((partition) => textsOf(sent, partition).length)).toEqual([40, 40, 40, 40]);
});

Deno.test("a log that does not answer holds the source back, and what is due is made later", () => {
  const { source, sent, run } = feed(100_000, [0, 0]);
  for (let tick = 0; tick < 10; tick++) run(50, false);
  const held = sumOf(sent);
  expect(source.pendingBytes).toBeGreaterThanOrEqual(2 * PARTITION_PENDING_BYTES_MAX);
  expect(source.pendingBytes).toBeLessThan(2.6 * PARTITION_PENDING_BYTES_MAX);
  expect(held).toBeLessThan(50_000);
  for (const batch of [...sent]) source.done(doneOf(batch, false));
  for (let tick = 0; tick < 10; tick++) {
    run(0);
  }
  expect(sumOf(sent)).toBe(50_000);
});

Deno.test("a partition that is stuck does not hold back the others", () => {
  const { sent, source, run } = feed(100_000, [0, 0]);
  for (let tick = 0; tick < 40; tick++) {
    const first = sent.length;
    run(50, false);
    for (const batch of sent.slice(first)) {
      if (batch.partition === 1) source.done(doneOf(batch, false));
    }
  }
  expect(sumOf(sent)).toBeGreaterThan(190_000);
  expect(textsOf(sent, 0).length).toBeLessThan(12_000);
});

Deno.test("in a topic that was made anew the indexes start again, and old answers count for nothing", () => {
  const { source, sent, run } = feed(1_000, [500]);
  run(50, false);
  source.place({ epoch: 2, nextIndexes: [0, 0] });
  source.done(doneOf(sent[0], false));
  expect(source.pendingBytes).toBe(0);
  const before = sent.length;
  run(50);
  expect(sent.slice(before).map(({ epoch }) => epoch)).toEqual([2]);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  const [{ text, timestampMs }] = textsOf(sent.slice(before), 0);
  expect(text).toBe(new TextDecoder().decode(out.subarray(0, api.create(3).write(0, 0, timestampMs, out, 0))));
});

Deno.test("with a limit it sends as many and no more", () => {
  const { source, sent, run } = feed(20_000, [0, 0, 0], 1_234);
  for (let tick = 0; tick < 10; tick++) run(50);
  expect([sumOf(sent), source.isFinished]).toEqual([1_234, true]);
});
