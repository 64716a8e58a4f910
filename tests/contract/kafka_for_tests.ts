/** The Kafka that contract tests run against: a topic of their own in it, and other clients that write to it. */
import { Kafka, logLevel } from "kafkajs";
import { configSchema } from "../../core/config/schema.ts";
import { type KafkaLog, openKafkaLog } from "../../core/log/kafka.ts";
import { type KafkaAccess, kafkaJsOptions } from "../../core/log/kafka_access.ts";
import type { FetchedBatches, PartitionReader, Topic } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { type ReadRecord, recordsOf } from "../../core/log/test_batches.ts";
import { serviceForTests } from "../services/for_tests.ts";

const access = await serviceForTests("kafka");

export const hasKafka = access !== null;

/** How to reach a listener that wants TLS and a password; null where there is none. */
export const secureKafka = secureAccess();

function secureAccess() {
  if (access === null) return null;
  const { secureBrokers, caFile, username, password } = access;
  if (secureBrokers !== undefined) return { brokers: secureBrokers.split(","), caFile, username, password };
  console.warn("warning: tests that need TLS are LEFT OUT: KAFKA_BROKERS names a Kafka without; unset it to start one");
  return null;
}

export function kafkaAccess(): KafkaAccess {
  const brokers = access?.brokers.split(",") ?? [];
  return configSchema.parse({ kafka: { brokers } }).kafka;
}

/** The same cluster as another client sees it. */
export function otherClient(access: KafkaAccess = kafkaAccess()): Kafka {
  return new Kafka({ ...kafkaJsOptions(access), clientId: "independent", logLevel: logLevel.NOTHING });
}

export interface KafkaTopicUnderTest {
  readonly log: KafkaLog;
  readonly topic: Topic;
  readonly access: KafkaAccess;
  /** Closed, and deleted, after the test. */
  readonly opened: AsyncDisposableStack;
  reader(partition: number, topic?: Topic): PartitionReader;
}

/** A test with a topic of its own on the real broker; `change` says what of the access is special. */
export function kafkaTest(
  claim: string,
  { partitions = 1, change = {} }: { readonly partitions?: number; readonly change?: Partial<KafkaAccess> },
  check: (parts: KafkaTopicUnderTest) => Promise<void>,
): void {
  Deno.test({
    name: `kafka: ${claim}`,
    ignore: !hasKafka,
    async fn() {
      const prefix = `reading-${crypto.randomUUID().slice(0, 8)}-`;
      const access = { ...kafkaAccess(), topics: [`${prefix}*`], groupId: `${prefix}group`, ...change };
      await using opened = new AsyncDisposableStack();
      const log = await openKafkaLog({ access, recordBytesMax: 16 * 1024 * 1024 });
      opened.defer(async () => {
        for (const { name } of await log.listTopics()) await log.deleteTopic(name);
        await log.close();
      });
      const topic = await log.createTopic(`${prefix}web`, { partitions });
      await check({
        log,
        topic,
        access,
        opened,
        reader(partition, of = topic) {
          const reader = openReader(log.readerSpec(of, partition));
          opened.defer(() => reader.close());
          return reader;
        },
      });
    },
  });
}

export interface Chain {
  readonly records: readonly ReadRecord[];
  readonly fetches: readonly FetchedBatches[];
  /** Where the next fetch would go on. */
  readonly next: number;
}

/**
 * Everything from `offset` to the partition's end as it is now, by one fetch after the other as its predecessor says.
 * Throws where the chain stands still before the end.
 */
export async function readChain(reader: PartitionReader, offset = 0, maxBytes = 64 * 1024): Promise<Chain> {
  const records: ReadRecord[] = [];
  const fetches: FetchedBatches[] = [];
  for (let next = offset;;) {
    const fetched = await reader.fetch(next, maxBytes, 500);
    fetches.push(fetched);
    records.push(...recordsOf(fetched.bytes).filter((record) => record.offset >= next));
    if (fetched.next >= fetched.end) return { records, fetches, next: fetched.next };
    if (fetched.next <= next) throw new Error(`a fetch from offset ${next} of ${fetched.end} went nowhere`);
    next = fetched.next;
  }
}

/** Deletes what lies below an offset of partition 0, as retention does in its own time. */
export async function deleteRecords(topic: string, below: number): Promise<void> {
  const admin = otherClient().admin();
  await admin.connect();
  await admin.fetchTopicOffsets(topic); // kafkajs 2.2.4 does not look up leaders by itself here
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: `${below}` }] });
  await admin.disconnect();
}

/** Waits until `isDone`, which others bring about in their own time. */
export async function until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let waits = 0; !await isDone(); waits++) {
    if (waits === 1200) throw new Error(`it never came to pass: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
