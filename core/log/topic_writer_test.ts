import { expect } from "expect";
import type { EncodedBatch, Topic } from "./partitioned_log.ts";
import { recordsOf, texts } from "./test_batches.ts";
import { murmur2, partitionOfKey, TopicWriter } from "./topic_writer.ts";

const encoder = new TextEncoder();
const topic: Topic = { id: "0", name: "t", partitions: 3 };

/** A log that keeps what it is sent and answers when it is told to. */
class ManualLog {
  readonly sent: { partition: number; values: string[] }[] = [];
  #waiting: { resolve: (offset: number) => void; reject: (reason: unknown) => void }[] = [];

  append(_topic: Topic, partition: number, batch: EncodedBatch): Promise<number> {
    this.sent.push({ partition, values: texts(recordsOf(batch.bytes)) });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  answerAll(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(0);
  }

  failAll(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

// From the tests of Kafka's Java client (UtilsTest.testMurmur2).
for (
  const [text, expected] of [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ] as const
) {
  Deno.test(`murmur2 of "${text}" is Kafka's`, () => {
    expect(murmur2(encoder.encode(text))).toBe(expected);
  });
}

Deno.test("a key's partition is its hash without the sign, modulo the partitions", () => {
  // -973932308 & 0x7fffffff = 1173551340
  expect(partitionOfKey(encoder.encode("21"), 7)).toBe(1173551340 % 7);
});

Deno.test("records without a key fill one partition's batch, then the next one's", async () => {
  const log = new ManualLog();
  const writer = new TopicWriter(log, topic, { batchRecords: 2, firstPartition: 1 });
  for (const value of ["a", "b", "c", "d", "e", "f", "g"]) writer.write(encoder.encode(value), 1);
  const flushed = writer.flush();
  log.answerAll();
  await flushed;
  expect(log.sent).toEqual([
    { partition: 1, values: ["a", "b"] },
    { partition: 2, values: ["c", "d"] },
    { partition: 0, values: ["e", "f"] },
    { partition: 1, values: ["g"] },
  ]);
});

Deno.test("records of one key go to one partition", async () => {
  const log = new ManualLog();
  const writer = new TopicWriter(log, topic, { batchRecords: 1, firstPartition: 0 });
  for (let index = 0; index < 5; index++) writer.write(encoder.encode(`${index}`), 1, encoder.encode("foobar"));
  const flushed = writer.flush();
  log.answerAll();
  await flushed;
  // -790332482 & 0x7fffffff = 1357151166, a multiple of 3
  expect(log.sent.map((batch) => batch.partition)).toEqual([0, 0, 0, 0, 0]);
});

Deno.test("write holds its caller back while too much is not yet durable", async () => {
  const log = new ManualLog();
  const writer = new TopicWriter(log, topic, { batchRecords: 1, pendingBytesMax: 250 });
  const value = new Uint8Array(100);
  expect(writer.write(value, 1)).toBeUndefined();
  const held = writer.write(value, 1);
  expect(held).toBeInstanceOf(Promise);
  let isHeld = true;
  const released = Promise.resolve(held).then(() => isHeld = false);
  await Promise.resolve();
  expect(isHeld).toBe(true);
  log.answerAll();
  await released;
  expect(writer.pendingBytes).toBe(0);
});

Deno.test("flush resolves only when everything is durable", async () => {
  const log = new ManualLog();
  const writer = new TopicWriter(log, topic);
  writer.write(encoder.encode("a"), 1);
  let isDone = false;
  const flushed = writer.flush().then(() => isDone = true);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect([log.sent.length, isDone]).toEqual([1, false]);
  log.answerAll();
  await flushed;
});

Deno.test("a failed append is told by flush, once, and the writer can go on", async () => {
  const log = new ManualLog();
  const writer = new TopicWriter(log, topic);
  writer.write(encoder.encode("a"), 1);
  const failing = writer.flush();
  log.failAll(new Error("disk"));
  await expect(failing).rejects.toThrow("disk");
  writer.write(encoder.encode("b"), 1);
  const flushed = writer.flush();
  log.answerAll();
  await flushed;
  expect(log.sent.map((batch) => batch.values)).toEqual([["a"], ["b"]]);
});
