/** What a command works on: the log and the store that the configuration names, embedded or of a cluster. */
import type { Archive } from "../core/archive/archive.ts";
import { openArchive } from "../core/archive/registry.ts";
import { chosenStore } from "../core/config/chosen_store.ts";
import type { Config } from "../core/config/schema.ts";
import { collectionsOf } from "../core/incidents/documents.ts";
import { lockDataDirectory } from "../core/log/data_lock.ts";
import type { EmbeddedLog } from "../core/log/embedded.ts";
import type { KafkaLog } from "../core/log/kafka.ts";
import type { Membership } from "../core/log/membership.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import { openEmbeddedLog, openKafkaLog } from "../core/log/registry.ts";
import { decideFormat } from "../core/store/formats.ts";
import type { Store } from "../core/store/ports.ts";
import { openStore } from "../core/store/registry.ts";

/** A log as the parts that stand around it use it. */
export type OpenLog = PartitionedLog & { readonly pendingBytes: number };

export interface Data {
  readonly log: OpenLog;
  readonly store: Store;
  /** Null where there is none. */
  readonly archive: Archive | null;
  /** The same log, where it is the embedded one: it is trimmed by whoever holds it. */
  readonly embedded: EmbeddedLog | null;
  /** The same log, where it is a cluster's. */
  readonly kafka: KafkaLog | null;
  /** Makes what was appended durable, and lets go of everything. */
  close(): Promise<void>;
}

/** True where nothing of it lies in the data directory: then any number of processes may work on it. */
export function isShared(config: Config): boolean {
  return config.kafka.brokers.length > 0 && chosenStore(config) !== "duckdb";
}

/**
 * Opens it; locks `config.data` where something of it lies there. Throws DATA_LOCKED, FILE_UNAVAILABLE, CORRUPT_DATA,
 * NEWER_DATA, UNREACHABLE or REFUSED, and holds nothing then.
 */
export async function openData(config: Config, onNotice: (message: string) => void): Promise<Data> {
  // Closed in the opposite order, also what had opened before something failed.
  await using opened = new AsyncDisposableStack();
  if (!isShared(config)) {
    const lock = await lockDataDirectory(config.data);
    opened.defer(() => lock.release());
  }
  const archive = await openArchive(config);
  opened.defer(() => archive?.close());
  const store = await openStore(chosenStore(config), config, onNotice);
  opened.defer(() => store.close());
  const { log, embedded, kafka } = await openLog(config, store, onNotice);
  opened.defer(() => log.close());
  const held = opened.move();
  return { log, store, archive, embedded, kafka, close: () => held.disposeAsync() };
}

/**
 * The log for those who only write to it. A cluster's needs no store: whoever reads a topic first detects its format.
 * The embedded one is locked as {@link openData} does.
 */
export async function openLogAlone(
  config: Config,
  onNotice: (message: string) => void,
): Promise<Pick<Data, "log" | "close">> {
  if (config.kafka.brokers.length === 0) return await openData(config, onNotice);
  const log = await openKafkaLog({ access: config.kafka, recordBytesMax: config.log.recordBytesMax, onNotice });
  return { log, close: () => log.close() };
}

async function openLog(
  config: Config,
  store: Store,
  onNotice: (message: string) => void,
): Promise<Pick<Data, "log" | "embedded" | "kafka">> {
  if (config.kafka.brokers.length > 0) {
    const kafka = await openKafkaLog({
      access: config.kafka,
      recordBytesMax: config.log.recordBytesMax,
      rememberFormat: (topicId, format) => decideFormat(store, topicId, format),
      onNotice,
    });
    return { log: kafka, embedded: null, kafka };
  }
  const embedded = await openEmbeddedLog({ dataDirectory: config.data, settings: config.log, onNotice });
  try {
    await alignLog(embedded, store);
  } catch (error) {
    await embedded.close();
    throw error;
  }
  return { log: embedded, embedded, kafka: null };
}

/** Offsets that the store has counted are never given out again, also where the log lost its end in a power cut. */
async function alignLog(log: EmbeddedLog, store: Store): Promise<void> {
  for (const topic of await log.listTopics()) {
    for (const { partition, end } of await log.ends(topic)) {
      const { checkpoint } = await store.readPartition(topic.id, partition);
      if (checkpoint > end) await log.ensureEnd(topic.id, partition, checkpoint);
    }
  }
}

/** One engine's place among those that work on the log. */
export async function membershipOf(
  { log }: Pick<Data, "log">,
  config: Config,
  onNotice: (message: string) => void,
): Promise<Membership> {
  if (config.kafka.brokers.length === 0) {
    const { SoleMembership } = await import("../core/log/sole_membership.ts");
    return new SoleMembership(log, onNotice);
  }
  const { KafkaMembership } = await import("../core/log/kafka_membership.ts");
  return new KafkaMembership(config.kafka, log, onNotice);
}

/** What {@link removeTopic} needs of a running engine. */
export interface TopicWorker {
  forgetTopic(topicId: string): Promise<void>;
}

/**
 * Removes a topic and what was derived from it.
 * What is derived goes first: a crash in between leaves a topic that is counted again, never counts without a topic.
 * Engines elsewhere notice that the topic is gone; what they flush until then belongs to an id that is never used again.
 */
export async function removeTopic(
  { log, store }: Pick<Data, "log" | "store">,
  topic: Topic,
  engine?: TopicWorker,
): Promise<void> {
  await engine?.forgetTopic(topic.id);
  await store.dropTopic(topic.id);
  for (const collection of collectionsOf(topic.id)) await store.dropDocuments(collection);
  await log.deleteTopic(topic.name);
}
