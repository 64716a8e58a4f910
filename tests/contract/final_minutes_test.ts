/** Final minutes as a reader of agg_T gets them: from the real log and store, against a plain recount. */
import { expect } from "expect";
import { Kafka, logLevel } from "kafkajs";
import { z } from "zod";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog, openKafkaLog, openReader } from "../../core/log/registry.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { BatchHeader, decompressRecords, readBatchHeader, RecordWalker } from "../../core/log/record_batch.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { Store } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { MinutePublisher } from "../../engine/publishing/minute_publisher.ts";
import { hasKafka, kafkaAccess } from "./kafka_for_tests.ts";

const message = z.object({
  key: z.string(),
  value: z.looseObject({ minute: z.string(), revision: z.int(), service: z.string(), count: z.int() }),
});
type Message = z.infer<typeof message>;

const asMessage = (key: string, value: string): Message => message.parse({ key, value: JSON.parse(value) });

/** All messages of a topic, partition by partition, by our own reader. */
async function readEmbedded(log: PartitionedLog, name: string): Promise<Message[]> {
  const topic = await log.findTopic(name);
  if (topic === undefined) return [];
  const messages: Message[] = [];
  for (const { partition, end } of await log.ends(topic)) {
    const reader = openReader(log.readerSpec(topic, partition));
    for (let at = 0; at < end;) {
      const { bytes, next } = await reader.fetch(at, 1 << 20, 0);
      messages.push(...messagesIn(bytes));
      at = next;
    }
    reader.close();
  }
  return messages;
}

function messagesIn(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  const header = new BatchHeader();
  const walker = new RecordWalker();
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const length = readBatchHeader(bytes, at, header);
    const batch = bytes.subarray(at, at + length);
    readBatchHeader(batch, 0, header);
    const records = decompressRecords(batch, header);
    walker.reset(records, header);
    while (walker.next()) {
      const text = (start: number, end: number) => decoder.decode(records.subarray(start, end));
      messages.push(
        asMessage(text(walker.keyStart, walker.keyEnd), text(walker.valueStart, walker.valueEnd)),
      );
    }
    at += length;
  }
  return messages;
}

/** The same from Kafka, by an independent client. */
async function readKafka(log: PartitionedLog, name: string): Promise<Message[]> {
  const topic = await log.findTopic(name);
  if (topic === undefined) return [];
  const wanted = (await log.ends(topic)).reduce((sum, { end }) => sum + end, 0);
  if (wanted === 0) return [];
  const kafka = new Kafka({ brokers: [...kafkaAccess().brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `read-${crypto.randomUUID()}` });
  const messages: Message[] = [];
  const done = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message: { key, value } }) => {
      messages.push(asMessage(String(key), String(value)));
      if (messages.length >= wanted) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return messages;
}

const LOGS = [
  { kind: "the embedded log", ignore: false, read: readEmbedded },
  { kind: "Kafka", ignore: !hasKafka, read: readKafka },
];

const START_MS = Date.UTC(2026, 0, 1, 10);
const encoder = new TextEncoder();

interface Bench {
  readonly log: PartitionedLog;
  readonly store: Store;
  readonly topic: Topic;
  /** Events at so many seconds after {@link START_MS}, stored when this resolves. */
  write(partition: number, events: readonly (readonly [second: number, service: string])[]): Promise<void>;
  publisher(clock?: { ms: number }): MinutePublisher;
}

async function withBench(kind: string, run: (bench: Bench) => Promise<void>): Promise<void> {
  const data = await Deno.makeTempDir({ prefix: "millrace-minutes-" });
  const config = configSchema.parse({ data, engine: { workers: 1, flushIntervalMs: 50, latenessSeconds: 30 } });
  const log: PartitionedLog = kind === "Kafka"
    ? await openKafkaLog({ access: { ...kafkaAccess(), compression: "gzip" }, recordBytesMax: 1 << 20 })
    : await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  const store = await openStore("duckdb", config);
  const topic = await log.createTopic(`minutes-${crypto.randomUUID()}`, { partitions: 2, format: "json" });
  const only = { listTopics: () => Promise.resolve([topic]) };
  const engine = await startEngine({
    config: { ...config, topics: { [topic.name]: { format: "json", timeZone: "UTC", mapping: {} } } },
    log,
    membership: new SoleMembership(only, () => {}),
    store,
    onNotice: () => {},
  });
  const notices: string[] = [];
  try {
    await run({
      log,
      store,
      topic,
      async write(partition, events) {
        const writer = new TopicWriter(log, topic, { firstPartition: partition });
        for (const [second, service] of events) {
          const timestamp = new Date(START_MS + second * 1000).toISOString();
          await writer.write(encoder.encode(JSON.stringify({ timestamp, level: "INFO", service })), Date.now());
        }
        await writer.flush();
        const { end } = (await log.ends(topic))[partition];
        while ((await store.readPartition(topic.id, partition)).checkpoint < end) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      publisher: (clock = { ms: 0 }) =>
        new MinutePublisher({
          log,
          store,
          topics: () => engine.ledTopics(),
          now: () => clock.ms,
          onNotice: (text) => notices.push(text),
        }),
    });
    expect(notices).toEqual([]);
  } finally {
    await engine.stop();
    for (const name of [topic.name, `agg_${topic.name}`]) await log.deleteTopic(name);
    await log.close();
    await store.close();
    await Deno.remove(data, { recursive: true });
  }
}

const minuteOf = (minutes: number) => new Date(START_MS + minutes * 60_000).toISOString();
/** minute|service → [count, revision], and that each came once. */
function table(messages: readonly Message[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { key, value } of messages) {
    expect(JSON.parse(key)).toMatchObject({ minute: value.minute, service: value.service });
    const name = `${value.minute}|${value.service}`;
    found.set(name, [...found.get(name) ?? [], `${value.count} r${value.revision}`].sort());
  }
  return found;
}

for (const { kind, ignore, read } of LOGS) {
  Deno.test({
    name: `final minutes are published to ${kind} once, and again with a revision when late events change them`,
    ignore,
    fn: () =>
      withBench(kind, async ({ log, topic, write, publisher }) => {
        const clock = { ms: 0 };
        const first = publisher(clock);
        const published = async () => table(await read(log, `agg_${topic.name}`));
        // Both partitions have seen 10:03:30 less 30 s: minutes before 10:03 are final.
        await write(0, [[5, "a"], [65, "a"], [66, "b"], [210, "a"]]);
        await first.tick();
        expect(await published()).toEqual(new Map()); // nothing is known of the other partition
        await write(1, [[7, "a"], [61, "a"], [70, "c"], [215, "b"]]);
        await first.tick();
        const truth = new Map([
          [`${minuteOf(0)}|a`, ["2 r0"]],
          [`${minuteOf(1)}|a`, ["2 r0"]],
          [`${minuteOf(1)}|b`, ["1 r0"]],
          [`${minuteOf(1)}|c`, ["1 r0"]],
        ]);
        expect(await published()).toEqual(truth);
        await first.tick();
        await publisher().tick(); // another engine, or this one after a restart
        expect(await published()).toEqual(truth);

        await write(1, [[8, "a"]]); // three minutes late
        clock.ms += 60_000;
        await first.tick();
        truth.set(`${minuteOf(0)}|a`, ["2 r0", "3 r1"]);
        expect(await published()).toEqual(truth);
        await publisher().tick();
        expect(await published()).toEqual(truth);
      }),
  });

  Deno.test({
    name: `what was decided and not sent to ${kind} is sent by the next publisher under the same revision`,
    ignore,
    fn: () =>
      withBench(kind, async ({ log, store, topic, write, publisher }) => {
        await write(0, [[5, "a"], [120, "a"]]);
        await write(1, [[6, "a"], [125, "a"]]);
        const dying = new MinutePublisher({
          log: { ...bound(log), append: () => Promise.reject(new Error("killed here")) },
          store,
          topics: () => [topic],
          now: () => 0,
          onNotice: () => {},
        });
        await dying.tick();
        await publisher().tick();
        expect(table(await read(log, `agg_${topic.name}`))).toEqual(new Map([[`${minuteOf(0)}|a`, ["2 r0"]]]));
      }),
  });
}

function bound(log: PartitionedLog): Pick<PartitionedLog, "createTopic" | "ends"> {
  return { createTopic: (name, options) => log.createTopic(name, options), ends: (topic) => log.ends(topic) };
}
