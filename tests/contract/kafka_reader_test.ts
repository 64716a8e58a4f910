/** Reading what other clients wrote to a real broker: exact starts, a chain without gaps, transactions, topics that go. */
import { Buffer } from "node:buffer";
import { expect } from "expect";
import { KafkaFetcher } from "../../core/log/kafka_fetcher.ts";
import { OffsetOutOfRange, TopicGone } from "../../core/log/partitioned_log.ts";
import { batchOf, recordsOf, texts } from "../../core/log/test_batches.ts";
import { deleteRecords, kafkaTest, otherClient, readChain, until } from "./kafka_for_tests.ts";

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `${from + i}`);
const messages = (values: readonly string[]) => values.map((value) => ({ value, partition: 0 }));

kafkaTest("reading begins exactly at the offset asked for, also within a batch", {}, async ({ topic, reader }) => {
  const producer = otherClient().producer();
  await producer.connect();
  // kafkajs makes one batch of what is sent at once.
  await producer.send({ topic: topic.name, messages: messages(numbers(0, 100)) });
  await producer.send({ topic: topic.name, messages: messages(numbers(100, 150)) });
  await producer.disconnect();
  for (const start of [0, 1, 37, 99, 100, 149]) {
    const { records } = await readChain(reader(0), start);
    expect({ start, read: texts(records) }).toEqual({ start, read: numbers(start, 150) });
    expect(records[0].offset).toBe(start);
  }
  expect((await readChain(reader(0), 150)).records).toEqual([]);
  await expect(reader(0).fetch(151, 1024, 0)).rejects.toBeInstanceOf(OffsetOutOfRange);
});

kafkaTest("each fetch goes on where the one before ended, whatever their size", {}, async ({ topic, reader }) => {
  const producer = otherClient().producer();
  await producer.connect();
  const values: string[] = [];
  for (let batch = 0; batch < 60; batch++) {
    const some = Array.from({ length: 1 + batch * 7 % 40 }, (_, i) => `${batch}/${i} `.repeat(1 + batch * 13 % 90));
    values.push(...some);
    await producer.send({ topic: topic.name, messages: messages(some) });
  }
  await producer.disconnect();
  for (const maxBytes of [1, 1000, 30_000, 16 * 1024 * 1024]) {
    const { records, fetches } = await readChain(reader(0), 0, maxBytes);
    expect(texts(records)).toEqual(values);
    expect(records.map(({ offset }) => offset)).toEqual(values.map((_, offset) => offset));
    expect(fetches.length).toBe(maxBytes === 1 ? 60 : fetches.length);
  }
});

kafkaTest("a record of 10 MB of another client passes between small ones", {}, async ({ topic, reader }) => {
  const large = crypto.getRandomValues(new Uint8Array(65_536)).toHex().repeat(80);
  const producer = otherClient().producer();
  await producer.connect();
  for (const value of ["before", large, "after"]) {
    await producer.send({ topic: topic.name, compression: 1, messages: [{ value, partition: 0 }] });
  }
  await producer.disconnect();
  const values = texts((await readChain(reader(0), 0, 65_536)).records);
  expect(values.map(({ length }) => length)).toEqual([6, large.length, 5]);
  expect(values[1] === large).toBe(true);
});

kafkaTest(
  "a batch that is larger than a fetch comes also where another partition is asked for before",
  { partitions: 2, change: { compression: "none" } },
  async ({ log, topic, access, opened }) => {
    const large = "x".repeat(3 * 1024 * 1024);
    await log.append(topic, 0, batchOf("small"));
    await log.append(topic, 1, batchOf(large));
    const fetcher = new KafkaFetcher(access, () => performance.now());
    opened.defer(() => fetcher.close());
    const fetch = (offsets: readonly number[]) =>
      Promise.all(
        offsets.map((offset, partition) =>
          fetcher.fetch({ topicId: topic.id, topic: topic.name, partition }, offset, 100_000)
        ),
      );
    await fetch([1, 1]); // looks the leaders up
    // Asked for in one turn, they share a request, to which a broker answers one batch at least: the first one's.
    const fetched = await fetch([0, 0]);
    expect(fetched.map(({ bytes }) => recordsOf(bytes).map(({ value }) => value?.length))).toEqual([[5], [
      large.length,
    ]]);
  },
);

kafkaTest("a reader of a topic that was deleted and made again reads no more", {}, async ({ log, topic, reader }) => {
  await log.append(topic, 0, batchOf("old"));
  const old = reader(0);
  expect(texts((await readChain(old)).records)).toEqual(["old"]);
  const waiting = old.fetch(1, 1024, 60_000).catch((error) => error);
  const admin = otherClient().admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic.name] });
  await until("it is gone", async () => !(await admin.listTopics()).includes(topic.name));
  await admin.createTopics({ topics: [{ topic: topic.name, numPartitions: 1 }] });
  await admin.disconnect();
  expect(await waiting).toBeInstanceOf(TopicGone);
  await until("the new one is known", async () => (await log.findTopic(topic.name))?.id !== topic.id);
  const again = await log.findTopic(topic.name);
  if (again === undefined) throw new Error("the topic was not made again");
  await log.append(again, 0, batchOf("new", "newer"));
  await expect(old.fetch(0, 1024, 0)).rejects.toBeInstanceOf(TopicGone);
  await expect(old.fetch(1, 1024, 0)).rejects.toBeInstanceOf(TopicGone);
  expect(texts((await readChain(reader(0, again))).records)).toEqual(["new", "newer"]);
  await expect(log.ends(topic)).rejects.toThrow(/gone|not in the log/);
});

kafkaTest("what retention has taken is told with the offsets that are left", {}, async ({ log, topic, reader }) => {
  for (let i = 0; i < 10; i++) await log.append(topic, 0, batchOf(`${i}`));
  const paused = reader(0);
  expect((await paused.fetch(0, 1, 0)).next).toBe(1);
  await deleteRecords(topic.name, 7);
  const read: string[] = [];
  let thrown: unknown;
  for (let next = 1; thrown === undefined;) {
    const fetched = await paused.fetch(next, 1, 0).catch((error) => thrown = error);
    if (thrown !== undefined) break;
    read.push(...texts(recordsOf(fetched.bytes)));
    next = fetched.next;
  }
  // One may have been on its way already.
  expect(read).toEqual(numbers(1, 1 + read.length));
  expect(thrown).toBeInstanceOf(OffsetOutOfRange);
  expect(thrown).toMatchObject({ offset: 1 + read.length, start: 7, end: 10 });
  expect(await paused.fetch(7, 1024, 0)).toMatchObject({ start: 7, end: 10 });
  expect(await log.ends(topic)).toMatchObject([{ start: 7, end: 10 }]);
});

kafkaTest(
  "what a fetch gave stays as it is until the fetch after next, while other partitions are read",
  { partitions: 2, change: { compression: "none" } },
  async ({ topic, reader }) => {
    const producer = otherClient().producer();
    await producer.connect();
    for (let batch = 0; batch < 40; batch++) {
      const value = crypto.getRandomValues(new Uint8Array(50_000)).toHex();
      await producer.send({ topic: topic.name, messages: [0, 1].map((partition) => ({ value, partition })) });
    }
    await producer.disconnect();
    await Promise.all([0, 1].map(async (partition) => {
      const open = reader(partition);
      const given: { bytes: Uint8Array; copy: Uint8Array }[] = [];
      const memory = new Set<ArrayBufferLike>();
      for (let next = 0;;) {
        const fetched = await open.fetch(next, 300_000, 0);
        given.push({ bytes: fetched.bytes, copy: fetched.bytes.slice() });
        memory.add(fetched.bytes.buffer);
        expect(given.slice(-2).every(({ bytes, copy }) => Buffer.compare(bytes, copy) === 0)).toBe(true);
        next = fetched.next;
        if (next >= fetched.end) break;
      }
      expect(given.length).toBeGreaterThan(10);
      expect(memory.size).toBeLessThan(given.length); // some of it was used again
    }));
  },
);
