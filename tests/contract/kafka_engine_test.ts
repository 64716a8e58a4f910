/** The engine as a member of a real group, over what goes wrong in a real log: every record is counted, kept or told. */
import { Buffer } from "node:buffer";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { type KafkaLog, openKafkaLog } from "../../core/log/kafka.ts";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";
import { KafkaMembership } from "../../core/log/kafka_membership.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { batchOf } from "../../core/log/test_batches.ts";
import { openStore } from "../../core/store/registry.ts";
import type { Store } from "../../core/store/ports.ts";
import { type Engine, startEngine } from "../../engine/main.ts";
import { deleteRecords, kafkaTest, type KafkaTopicUnderTest, otherClient, until } from "./kafka_for_tests.ts";
import { FETCH, startKafkaProxy } from "./kafka_proxy.ts";

const AT_MS = Date.parse("2026-03-01T12:00:00Z");
const EVERYTHING = { fromMs: 0, toMs: Date.parse("2100-01-01T00:00:00Z") };

const record = (i: number): string =>
  JSON.stringify({ timestamp: new Date(AT_MS + i * 100).toISOString(), level: "INFO", service: "shop", i });

interface Site {
  readonly store: Store;
  readonly notices: string[];
  start(
    change?: { readonly onGap?: "stop" | "continue"; readonly log?: KafkaLog; readonly access?: KafkaAccess },
  ): Promise<Engine>;
}

/** A store, and engines that share it; all are stopped after the test. */
async function site({ log: ownLog, access: ownAccess, opened }: KafkaTopicUnderTest): Promise<Site> {
  const data = await Deno.makeTempDir({ prefix: "millrace-kafka-" });
  opened.defer(() => Deno.remove(data, { recursive: true }));
  const store = await openStore("duckdb", configSchema.parse({ data }));
  opened.defer(() => store.close());
  const notices: string[] = [];
  return {
    store,
    notices,
    async start({ onGap = "stop", log = ownLog, access = ownAccess } = {}) {
      const config = configSchema.parse({ data, engine: { workers: 2, flushIntervalMs: 50, onGap } });
      const onNotice = (text: string) => notices.push(text);
      const fast = { ...access, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300, rebalanceTimeoutMs: 6_000 };
      const membership = new KafkaMembership(fast, log, onNotice);
      const engine = await startEngine({ config, log, membership, store, onNotice });
      opened.defer(() => engine.stop());
      return engine;
    },
  };
}

/** Waits until every partition is stored up to its end, and answers what was counted of the topic. */
async function stored(store: Store, log: KafkaLog, topic: Topic) {
  await until(`all of ${topic.name} is stored`, async () => {
    const states = new Map((await store.partitions(topic.id)).map((state) => [state.partition, state.checkpoint]));
    return (await log.ends(topic)).every(({ partition, end }) => (states.get(partition) ?? 0) >= end);
  });
  const totals = (await store.partitions(topic.id)).map((state) => state.totals);
  const sum = (of: "consumed" | "events" | "unparsed") => totals.reduce((all, each) => all + each[of], 0);
  return { consumed: sum("consumed"), events: sum("events"), unparsed: sum("unparsed") };
}

const kept = async (store: Store, topic: Topic) =>
  (await store.quarantine({ topicId: topic.id, range: EVERYTHING, limit: 100 })).map((
    { offset, reason },
  ) => [offset, reason]);

kafkaTest("partitions that are added while the engine reads are read too", { partitions: 4 }, async (parts) => {
  const { log, topic } = parts;
  const { store, start } = await site(parts);
  await start();
  let sent = 0;
  const fill = async (partitions: number) => {
    for (let round = 0; round < 5; round++) {
      for (let partition = 0; partition < partitions; partition++) {
        await log.append(topic, partition, batchOf(record(sent), record(sent + 1)));
        sent += 2;
      }
    }
  };
  await fill(4);
  await log.control(
    "adding partitions",
    (admin) => admin.createPartitions({ topicPartitions: [{ topic: topic.name, count: 8 }] }),
  );
  await until("eight are known", async () => (await log.findTopic(topic.name))?.partitions === 8);
  await fill(8);
  expect(await stored(store, log, topic)).toEqual({ consumed: sent, events: sent, unparsed: 0 });
  expect((await store.partitions(topic.id)).length).toBe(8);
});

kafkaTest("engines of a group share a topic, also as one of them leaves", { partitions: 6 }, async (parts) => {
  const { log, topic } = parts;
  const { store, start } = await site(parts);
  const first = await start();
  const second = await start();
  await until("both have three", () => [first, second].every((engine) => engine.status().membership.partitions === 3));
  const sent: Promise<number>[] = [];
  const fill = () => {
    for (let i = 0; i < 300; i++) sent.push(log.append(topic, i % 6, batchOf(record(i), record(i + 1))));
  };
  fill();
  await until("both have read", () => [first, second].every((engine) => engine.status().recordsTotal > 0));
  await first.stop();
  fill();
  await Promise.all(sent);
  await until("one has all", () => second.status().membership.partitions === 6);
  const all = 2 * sent.length;
  expect(await stored(store, log, topic)).toEqual({ consumed: all, events: all, unparsed: 0 });
});

kafkaTest("where retention took records that were not read, the partition waits and says so", {}, async (parts) => {
  const { log, topic } = parts;
  const { store, notices, start } = await site(parts);
  const append = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await log.append(topic, 0, batchOf(record(i)));
  };
  await append(0, 10);
  const engine = await start();
  await stored(store, log, topic);
  await engine.stop();
  await append(10, 30);
  await deleteRecords(topic.name, 25);
  const waiting = await start();
  await until("it is told", () => notices.some((text) => text.includes("the log no longer holds offsets 10 to 24")));
  expect((await store.partitions(topic.id))[0]).toMatchObject({ checkpoint: 10, totals: { consumed: 10 } });
  await waiting.stop();
  await start({ onGap: "continue" });
  expect(await stored(store, log, topic)).toEqual({ consumed: 15, events: 15, unparsed: 0 });
  expect(await store.gaps(topic.id)).toMatchObject([{ partition: 0, start: 10, end: 25 }]);
});

kafkaTest(
  "a topic that is made again is counted anew, the old one stays as it was",
  { partitions: 2 },
  async (parts) => {
    const { log, topic } = parts;
    const { store, start } = await site(parts);
    await start();
    await log.append(topic, 0, batchOf(record(0), record(1), record(2)));
    expect(await stored(store, log, topic)).toEqual({ consumed: 3, events: 3, unparsed: 0 });
    const admin = otherClient().admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic.name] });
    await until("it is gone", async () => !(await admin.listTopics()).includes(topic.name));
    await admin.createTopics({ topics: [{ topic: topic.name, numPartitions: 1 }] });
    await admin.disconnect();
    await until(
      "the new one is known",
      async () => ![topic.id, undefined].includes((await log.findTopic(topic.name))?.id),
    );
    const again = await log.findTopic(topic.name);
    if (again === undefined) throw new Error("the topic was not made again");
    for (let i = 0; i < 5; i++) await log.append(again, 0, batchOf(record(i)));
    expect(await stored(store, log, again)).toEqual({ consumed: 5, events: 5, unparsed: 0 });
    expect((await store.partitions(topic.id))[0]).toMatchObject({ checkpoint: 3, totals: { consumed: 3 } });
  },
);

/** Runs the engine behind a proxy that spoils a byte, so far from a text of a record, in so many fetches of all records. */
async function readSpoilt(parts: KafkaTopicUnderTest, text: string, times: number, distance = text.length - 1) {
  const { topic, access, opened } = parts;
  const { store, notices, start } = await site(parts);
  const proxy = startKafkaProxy(access);
  opened.use(proxy);
  const log = await openKafkaLog({ access: proxy.access, recordBytesMax: 1024 * 1024 });
  opened.defer(() => log.close());
  let spoilt = 0;
  proxy.onResponse = (api, response) => {
    const at = api === FETCH ? response.indexOf(text) : -1;
    if (at >= 0 && (!response.includes('"i":8') || spoilt++ < times)) response[at + distance] ^= 1;
  };
  await start({ log, access: proxy.access });
  return { totals: await stored(store, parts.log, topic), kept: await kept(store, topic), notices };
}

const uncompressed: Partial<KafkaAccess> = { compression: "none" };

kafkaTest("a batch that was spoilt on its way is read again", { change: uncompressed }, async (parts) => {
  for (let i = 0; i < 9; i += 3) {
    await parts.log.append(parts.topic, 0, batchOf(record(i), record(i + 1), record(i + 2)));
  }
  const { totals, kept, notices } = await readSpoilt(parts, '"i":4', 1);
  expect([totals, kept]).toEqual([{ consumed: 9, events: 9, unparsed: 0 }, []]);
  expect(notices.filter((text) => text.includes("does not have its checksum"))).toHaveLength(1);
});

kafkaTest("a batch that is spoilt in the log is kept in quarantine", { change: uncompressed }, async (parts) => {
  for (let i = 0; i < 9; i += 3) {
    await parts.log.append(parts.topic, 0, batchOf(record(i), record(i + 1), record(i + 2)));
  }
  const { totals, kept, notices } = await readSpoilt(parts, '"i":4', Infinity);
  // The batch counts as the one record that is kept of it.
  expect([totals, kept]).toEqual([{ consumed: 7, events: 6, unparsed: 1 }, [[3, "corrupt_batch"]]]);
  expect(notices.some((text) => text.includes("offset 3 does not have its checksum"))).toBe(true);
});

kafkaTest(
  "a batch whose header is spoilt takes none of those behind it along",
  { change: uncompressed },
  async (parts) => {
    for (let i = 0; i < 9; i += 3) {
      await parts.log.append(parts.topic, 0, batchOf(record(i), record(i + 1), record(i + 2)));
    }
    const { bytes } = batchOf(record(3));
    // Its last offset delta, which says where it ends: 258 records it would have.
    const distance = 25 - Buffer.from(bytes).indexOf('"i":3');
    const { totals, kept } = await readSpoilt(parts, '"i":3', Infinity, distance);
    expect([totals, kept]).toEqual([{ consumed: 7, events: 6, unparsed: 1 }, [[3, "corrupt_batch"]]]);
  },
);

kafkaTest("a batch that would become more than a worker should hold is kept in quarantine", {}, async (parts) => {
  const { log, topic } = parts;
  const { store, start } = await site(parts);
  await log.append(topic, 0, batchOf(record(0)));
  const producer = otherClient().producer();
  await producer.connect();
  // 200 MB of zeros become 200 kB.
  const bomb = { value: "0".repeat(200_000_000), partition: 0 };
  await producer.send({ topic: topic.name, compression: 1, messages: [bomb] });
  await producer.disconnect();
  await log.append(topic, 0, batchOf(record(1)));
  await start();
  expect(await stored(store, log, topic)).toEqual({ consumed: 3, events: 2, unparsed: 1 });
  expect(await kept(store, topic)).toEqual([[1, "corrupt_batch"]]);
});

kafkaTest("a topic that holds nothing but aborted transactions is read to its end", {}, async (parts) => {
  const { log, topic } = parts;
  const { store, start } = await site(parts);
  const producer = otherClient().producer({ transactionalId: topic.name, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (let i = 0; i < 3; i++) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: topic.name, messages: [{ value: record(i), partition: 0 }] });
    await transaction.abort();
  }
  await producer.disconnect();
  await until("every transaction has ended", async () => (await log.ends(topic))[0].end === 6);
  await start();
  expect(await stored(store, log, topic)).toEqual({ consumed: 0, events: 0, unparsed: 0 });
});
