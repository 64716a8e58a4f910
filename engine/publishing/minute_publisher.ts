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
  messageOf,
  MINUTE_MS,
  type MinuteRow,
  MINUTES_PER_BUCKET,
  parseHour,
  revise,
  sent,
} from "./final_minutes.ts";
import { HourWatch, type WatchedHour } from "./hour_watch.ts";
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

export class MinutePublisher {
  readonly #parts: PublisherParts;
  readonly #hours: HourWatch;
  /** By topic id, what went wrong there last. */
  readonly #lastErrors = new Map<string, string>();
  readonly #targets = new Map<string, Promise<Topic>>();
  #messages = 0;
  #revisions = 0;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#hours = new HourWatch({ ...parts, tick: () => this.tick() });
  }

  /** Messages sent, and how many of them revised what was sent before. */
  get figures(): { readonly messages: number; readonly revisions: number } {
    return { messages: this.#messages, revisions: this.#revisions };
  }

  start(): void {
    this.#hours.start();
  }

  stop(): Promise<void> {
    return this.#hours.stop();
  }

  /** Publishes what is to be published at the moment. Failures are told once and tried again by the next call. */
  async tick(): Promise<void> {
    const topics = this.#parts.topics();
    this.#hours.keepOnly(topics);
    for (const topic of topics) {
      if (this.#hours.isStopped) return;
      try {
        await this.#hours.visit(topic, (hour) => this.#publish(topic, hour));
        this.#lastErrors.delete(topic.id);
      } catch (error) {
        const text = textOf(error);
        if (text !== this.#lastErrors.get(topic.id)) {
          this.#parts.onNotice(`error: final minutes of ${topic.name}: ${text}; this is tried again`);
        }
        this.#lastErrors.set(topic.id, text);
      }
    }
  }

  async #publish(topic: Topic, hour: WatchedHour): Promise<void> {
    const { bucket, version, start, end, to, settled } = hour;
    const from = hour.isRevising ? start : Math.max(start, hour.seenUntil);
    if (from >= to || settled.get(bucket) === version) return;
    const isWhole = to === end && from === start;
    await this.#publishHour(topic, bucket, from, to, isWhole ? version : null);
    if (isWhole) settled.set(bucket, version);
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
