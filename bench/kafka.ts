/**
 * The two clients of Kafka on the same records, one process each way: ours over @platformatic/kafka's connections, which
 * carries the bytes, and kafkajs, which is the control plane (docs/adr/010-two-kafka-clients.md).
 * Run: KAFKA_BROKERS=127.0.0.1:9092 deno run -A bench/kafka.ts
 */
import { Kafka, logLevel } from "kafkajs";
import { configSchema } from "../core/config/schema.ts";
import { openKafkaLog } from "../core/log/kafka.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import {
  BatchHeader,
  isCrcValid,
  readBatchHeader,
  RecordBatchBuilder,
  RecordWalker,
} from "../core/log/record_batch.ts";
import { openReader } from "../core/log/registry.ts";
import { RECORD_BYTES, recordSource } from "./records.ts";

const RECORDS = 400_000;
const PARTITIONS = 4;
const ROUNDS = 5;
const BATCH_RECORDS = 1_000;
const FETCH_BYTES = 1024 * 1024;

const brokers = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((address) => address !== "");
if (brokers.length === 0) {
  console.error("error: KAFKA_BROKERS names no broker\nhelp: KAFKA_BROKERS=127.0.0.1:9092 deno run -A bench/kafka.ts");
  Deno.exit(2);
}
const prefix = `bench-${crypto.randomUUID().slice(0, 8)}-`;
const access = { ...configSchema.parse({ kafka: { brokers, compression: "none" } }).kafka, topics: [`${prefix}*`] };
const log = await openKafkaLog({ access, recordBytesMax: 1024 * 1024 });
const other = new Kafka({ brokers, logLevel: logLevel.NOTHING });

const source = recordSource();
const texts = Array.from({ length: RECORDS }, source);
const encoder = new TextEncoder();
const encoded = texts.map((text) => encoder.encode(text));
let topics = 0;
const newTopic = (): Promise<Topic> => log.createTopic(`${prefix}${topics++}`, { partitions: PARTITIONS });

/** Index of the first record of each batch. */
const starts = Array.from({ length: RECORDS / BATCH_RECORDS }, (_, i) => i * BATCH_RECORDS);

async function produceOurs(topic: Topic): Promise<void> {
  await Promise.all(Array.from({ length: PARTITIONS }, async (_, partition) => {
    for (const start of starts.filter((at) => at / BATCH_RECORDS % PARTITIONS === partition)) {
      const builder = new RecordBatchBuilder();
      for (let i = start; i < start + BATCH_RECORDS; i++) builder.add(encoded[i], 0);
      await log.append(topic, partition, builder.finish());
    }
  }));
}

async function produceKafkaJs({ name }: Topic): Promise<void> {
  const producer = other.producer({ idempotent: true, maxInFlightRequests: 5 });
  await producer.connect();
  await Promise.all(Array.from({ length: PARTITIONS }, async (_, partition) => {
    for (const start of starts.filter((at) => at / BATCH_RECORDS % PARTITIONS === partition)) {
      const messages = texts.slice(start, start + BATCH_RECORDS).map((value) => ({ value, partition, timestamp: "0" }));
      await producer.send({ topic: name, acks: -1, messages });
    }
  }));
  await producer.disconnect();
}

/** As the engine does, less the parsing: checksums, and where each record lies. */
async function readOurs(topic: Topic): Promise<number> {
  const counts = await Promise.all(Array.from({ length: PARTITIONS }, async (_, partition) => {
    const reader = openReader(log.readerSpec(topic, partition));
    const [header, walker] = [new BatchHeader(), new RecordWalker()];
    let records = 0;
    for (let next = 0;;) {
      const fetched = await reader.fetch(next, FETCH_BYTES, 0);
      for (let at = 0; at < fetched.bytes.length;) {
        const length = readBatchHeader(fetched.bytes, at, header);
        if (!isCrcValid(fetched.bytes, at, length)) throw new Error("wrong checksum");
        walker.reset(fetched.bytes, header);
        while (walker.next()) records++;
        at += length;
      }
      next = fetched.next;
      if (next >= fetched.end) break;
    }
    reader.close();
    return records;
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readKafkaJs({ name }: Topic): Promise<number> {
  const consumer = other.consumer({ groupId: `${prefix}${crypto.randomUUID()}`, maxBytesPerPartition: FETCH_BYTES });
  await consumer.connect();
  await consumer.subscribe({ topics: [name], fromBeginning: true });
  let records = 0;
  const done = Promise.withResolvers<void>();
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: ({ batch }) => {
      records += batch.messages.length;
      if (records >= RECORDS) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return records;
}

const seconds = new Map<string, number[]>();
async function time(name: string, run: () => Promise<unknown>): Promise<void> {
  const before = performance.now();
  await run();
  seconds.set(name, [...seconds.get(name) ?? [], (performance.now() - before) / 1000]);
}

const read = async (run: (topic: Topic) => Promise<number>, topic: Topic) => {
  const records = await run(topic);
  if (records !== RECORDS) throw new Error(`expected ${RECORDS} records, read ${records}`);
};

try {
  // Alternating, so that a slow moment of the machine meets both; the first round only warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const [ours, theirs] = [await newTopic(), await newTopic()];
    await time("produce, @platformatic/kafka", () => produceOurs(ours));
    await time("produce, kafkajs", () => produceKafkaJs(theirs));
    await time("read, ours over @platformatic/kafka", () => read(readOurs, theirs));
    await time("read, kafkajs", () => read(readKafkaJs, theirs));
    if (round === 0) seconds.clear();
    for (const { name } of [ours, theirs]) await log.deleteTopic(name);
  }
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];
  console.log(`${RECORDS} records of ${RECORD_BYTES} bytes, ${PARTITIONS} partitions, ${ROUNDS} rounds\n`);
  console.log("| what | median, thousand records/s | best |\n|---|---|---|");
  for (const [name, times] of seconds) {
    const [middle, best] = [median(times), Math.min(...times)].map((each) => Math.round(RECORDS / each / 1000));
    console.log(`| ${name} | ${middle} | ${best} |`);
  }
} finally {
  for (const { name } of await log.listTopics()) await log.deleteTopic(name);
  await log.close();
}
