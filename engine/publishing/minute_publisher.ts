/**
 * Publishes the minutes of a topic T to the topic agg_T as they become final, and again, with the next revision, where
 * late events changed them. The ledger decides what a revision is before it is sent: a crash sends the same again, or
 * the next one, never other figures under the same revision.
 */
import { messageOf as textOf } from "../../core/errors.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { RESULTS_PREFIX } from "../../core/log/topic_patterns.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { Store } from "../../core/store/ports.ts";
import {
  digestOf,
  finalUntil,
  messageOf,
  MINUTE_MS,
  type MinuteRow,
  MINUTES_PER_BUCKET,
  parseHour,
  revise,
  sent,
} from "./final_minutes.ts";
import { ProgressWatch } from "./progress_watch.ts";
import { readMinuteRows } from "./minute_rows_reader.ts";

export interface PublisherParts {
  readonly log: Pick<PartitionedLog, "append" | "createTopic" | "ends">;
  readonly store: Pick<Store, "get" | "compareAndSet" | "partitions" | "unitVersions" | "export">;
  /** Topics that are this process's to publish. */
  readonly topics: () => readonly Topic[];
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  readonly onNotice: (message: string) => void;
}

/** Between two looks for minutes that became final ... */
const TICK_MS = 1_000;
/** ... and for minutes that changed since: late events come in numbers, and each revision sends all of a minute. */
const REVISE_MS = 60_000;

/** What this process remembers of a topic. */
interface TopicMemory {
  /** Minutes before it were looked at. */
  until: number;
  reviseAtMs: number;
  /** Hours that need no look while their version is this. */
  readonly settled: Map<number, string>;
  readonly watch: ProgressWatch;
  lastError: string;
}

export class MinutePublisher {
  readonly #parts: PublisherParts;
  readonly #memories = new Map<string, TopicMemory>();
  readonly #targets = new Map<string, Promise<Topic>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #isStopped = false;
  #messages = 0;
  #revisions = 0;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** Messages sent, and how many of them revised what was sent before. */
  get figures(): { readonly messages: number; readonly revisions: number } {
    return { messages: this.#messages, revisions: this.#revisions };
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await (this.#ticking = this.tick());
      if (!this.#isStopped) this.start();
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#ticking;
  }

  /** Publishes what is to be published at the moment. Failures are told once and tried again by the next call. */
  async tick(): Promise<void> {
    const topics = this.#parts.topics();
    const ids = new Set(topics.map(({ id }) => id));
    for (const id of this.#memories.keys()) if (!ids.has(id)) this.#memories.delete(id);
    for (const topic of topics) {
      if (this.#isStopped) return;
      const memory = this.#memoryOf(topic);
      try {
        await this.#publish(topic, memory);
        memory.lastError = "";
      } catch (error) {
        const text = textOf(error);
        if (text !== memory.lastError) {
          this.#parts.onNotice(`error: final minutes of ${topic.name}: ${text}; this is tried again`);
        }
        memory.lastError = text;
      }
    }
  }

  #memoryOf({ id }: Topic): TopicMemory {
    let memory = this.#memories.get(id);
    if (memory === undefined) {
      memory = {
        until: -Infinity,
        reviseAtMs: -Infinity,
        settled: new Map(),
        watch: new ProgressWatch(),
        lastError: "",
      };
      this.#memories.set(id, memory);
    }
    return memory;
  }

  async #publish(topic: Topic, memory: TopicMemory): Promise<void> {
    const { log, store } = this.#parts;
    const until = finalUntil(
      memory.watch.progress(await log.ends(topic), await store.partitions(topic.id), this.#parts.now()),
    );
    const isRevising = this.#parts.now() >= memory.reviseAtMs;
    // Where all are idle, nothing becomes final from one tick to the next.
    if (until === null || (!isRevising && (until === Infinity || until <= memory.until))) return;
    for (const { bucket, version } of await store.unitVersions(topic.id)) {
      const start = bucket * MINUTES_PER_BUCKET;
      const end = start + MINUTES_PER_BUCKET;
      const from = isRevising ? start : Math.max(start, memory.until);
      const to = Math.min(end, until);
      if (from >= to || memory.settled.get(bucket) === version) continue;
      const isWhole = to === end && from === start;
      await this.#publishHour(topic, bucket, from, to, isWhole ? version : null);
      if (isWhole) memory.settled.set(bucket, version);
      if (this.#isStopped) return;
    }
    if (until !== Infinity) memory.until = Math.max(memory.until, until);
    if (isRevising) memory.reviseAtMs = this.#parts.now() + REVISE_MS;
  }

  /** Minutes [from, to) of one hour. `version`: of the hour's units, where these are all its minutes. */
  async #publishHour(topic: Topic, bucket: number, from: number, to: number, version: string | null): Promise<void> {
    const { store } = this.#parts;
    const key = `agg/${topic.id}/${bucket}`;
    if (version !== null && parseHour(await store.get(key)).version === version) return;
    await this.#publishMinutes(topic, key, from, to);
    if (version === null) return;
    const text = await store.get(key);
    // Where another was faster, its version is compared the next time.
    await store.compareAndSet(key, text, JSON.stringify({ ...parseHour(text), version }));
  }

  async #publishMinutes(topic: Topic, key: string, from: number, to: number): Promise<void> {
    const { store } = this.#parts;
    const range = { fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS };
    const rows = await readMinuteRows(store, topic.id, range);
    if (rows === null) {
      const middle = Math.floor((from + to) / 2);
      await this.#publishMinutes(topic, key, from, middle);
      return await this.#publishMinutes(topic, key, middle, to);
    }
    const digests = new Map<number, string>();
    for (const [minute, of] of rows) digests.set(minute % MINUTES_PER_BUCKET, await digestOf(of));
    for (;;) {
      const before = await store.get(key);
      const { hour, unsent } = revise(parseHour(before), digests);
      if (unsent.length === 0) return;
      const decided = JSON.stringify(hour);
      if (decided !== before && !await store.compareAndSet(key, before, decided)) continue;
      const isUnsent = new Set(unsent);
      const minutes = [...rows].filter(([minute]) => isUnsent.has(minute % MINUTES_PER_BUCKET));
      await this.#send(
        topic,
        minutes.flatMap(([minute, of]) => {
          const { revision } = hour.minutes[minute % MINUTES_PER_BUCKET];
          return of.map((row) => ({ row, revision }));
        }),
      );
      await store.compareAndSet(key, decided, JSON.stringify(sent(hour, unsent, null)));
      return;
    }
  }

  async #send(topic: Topic, rows: readonly { readonly row: MinuteRow; readonly revision: number }[]): Promise<void> {
    const encoder = new TextEncoder();
    const writer = new TopicWriter(this.#parts.log, await this.#targetOf(topic));
    const timeMs = Date.now();
    for (const { row, revision } of rows) {
      const { key, value } = messageOf(topic.name, row, revision);
      await writer.write(encoder.encode(value), timeMs, encoder.encode(key));
    }
    await writer.flush();
    this.#messages += rows.length;
    this.#revisions += rows.filter(({ revision }) => revision > 0).length;
  }

  #targetOf(topic: Topic): Promise<Topic> {
    let target = this.#targets.get(topic.id);
    if (target === undefined) {
      target = this.#parts.log.createTopic(`${RESULTS_PREFIX}${topic.name}`, { partitions: topic.partitions });
      this.#targets.set(topic.id, target);
      target.catch(() => this.#targets.delete(topic.id));
    }
    return target;
  }
}
