/** The data directory of this machine, opened by one process: its lock, its log and its store. */
import type { Config } from "../core/config/schema.ts";
import { lockDataDirectory } from "../core/log/data_lock.ts";
import type { EmbeddedLog } from "../core/log/embedded.ts";
import { openEmbeddedLog } from "../core/log/registry.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import type { Store } from "../core/store/ports.ts";
import { openStore } from "../core/store/registry.ts";

export interface LocalData {
  readonly log: EmbeddedLog;
  readonly store: Store;
  /** Makes what was appended durable, and lets go of the directory. */
  close(): Promise<void>;
}

/** Locks and opens `config.data`. Throws DATA_LOCKED, FILE_UNAVAILABLE, CORRUPT_DATA or NEWER_DATA, and holds nothing then. */
export async function openLocalData(config: Config, onNotice: (message: string) => void): Promise<LocalData> {
  const lock = await lockDataDirectory(config.data);
  // Closed in the opposite order, also what had opened before something failed.
  await using opened = new AsyncDisposableStack();
  opened.defer(() => lock.release());
  const store = await openStore("duckdb", config, onNotice);
  opened.defer(() => store.close());
  const log = await openEmbeddedLog({ dataDirectory: config.data, settings: config.log, onNotice });
  opened.defer(() => log.close());
  await alignLog(log, store);
  const held = opened.move();
  return { log, store, close: () => held.disposeAsync() };
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

/** What {@link removeTopic} needs of a running engine. */
export interface TopicWorker {
  forgetTopic(topicId: string): Promise<void>;
}

/**
 * Removes a topic and what was derived from it.
 * What is derived goes first: a crash in between leaves a topic that is counted again, never counts without a topic.
 */
export async function removeTopic(data: LocalData, topic: Topic, engine?: TopicWorker): Promise<void> {
  await engine?.forgetTopic(topic.id);
  await data.store.dropTopic(topic.id);
  await data.log.deleteTopic(topic.name);
}
