/**
 * The hours of topics of which more minutes are final than at the last look, and now and then those that late events
 * changed: for whoever writes final minutes somewhere. A look is taken each second while it runs.
 */
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import type { Store } from "../../core/store/ports.ts";
import { finalUntil, MINUTES_PER_BUCKET } from "./final_minutes.ts";
import { ProgressWatch } from "./progress_watch.ts";

/** Between two looks for minutes that became final ... */
const TICK_MS = 1_000;
/** ... and for minutes that changed since: late events come in numbers, and each change writes all of a minute or an hour. */
const REVISE_MS = 60_000;

export interface HourWatchParts {
  readonly log: Pick<PartitionedLog, "ends">;
  readonly store: Pick<Store, "partitions" | "unitVersions">;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Takes a look; never throws. */
  readonly tick: () => Promise<void>;
}

/** An hour of which some minutes are final. Minutes are since 1970. */
export interface WatchedHour {
  readonly bucket: number;
  /** Of the hour's units: changes with what is stored. */
  readonly version: string;
  readonly start: number;
  readonly end: number;
  /** The first minute that is not final yet, or the end. */
  readonly to: number;
  /** Minutes before it were looked at. */
  readonly seenUntil: number;
  /** Whether this is a look for late events, too. */
  readonly isRevising: boolean;
  /** By hour, how it was when it was settled: its visitor's to keep. */
  readonly settled: Map<number, string>;
}

interface TopicMemory {
  readonly watch: ProgressWatch;
  until: number;
  reviseAtMs: number;
  readonly settled: Map<number, string>;
}

export class HourWatch {
  readonly #parts: HourWatchParts;
  readonly #memories = new Map<string, TopicMemory>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(parts: HourWatchParts) {
    this.#parts = parts;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await (this.#ticking = this.#parts.tick());
      if (!this.#isStopped) this.start();
    }, TICK_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#ticking;
  }

  /** Forgets all topics but these. */
  keepOnly(topics: readonly Topic[]): void {
    const ids = new Set(topics.map(({ id }) => id));
    for (const id of this.#memories.keys()) if (!ids.has(id)) this.#memories.delete(id);
  }

  /** Visits the hours of a topic that may have news. Where a visit throws, or all stops, they have them the next time, too. */
  async visit(topic: Topic, visit: (hour: WatchedHour) => Promise<void>): Promise<void> {
    const { log, store, now } = this.#parts;
    const memory = this.#memoryOf(topic.id);
    const { settled } = memory;
    const until = finalUntil(memory.watch.progress(await log.ends(topic), await store.partitions(topic.id), now()));
    const isRevising = now() >= memory.reviseAtMs;
    // Where all are idle, nothing becomes final from one tick to the next.
    if (until === null || (!isRevising && (until === Infinity || until <= memory.until))) return;
    for (const { bucket, version } of await store.unitVersions(topic.id)) {
      if (this.#isStopped) return;
      const start = bucket * MINUTES_PER_BUCKET;
      const end = start + MINUTES_PER_BUCKET;
      const to = Math.min(end, until);
      if (start < to) await visit({ bucket, version, start, end, to, seenUntil: memory.until, isRevising, settled });
    }
    if (until !== Infinity) memory.until = Math.max(memory.until, until);
    if (isRevising) memory.reviseAtMs = now() + REVISE_MS;
  }

  #memoryOf(topicId: string): TopicMemory {
    let memory = this.#memories.get(topicId);
    if (memory === undefined) {
      memory = { watch: new ProgressWatch(), until: -Infinity, reviseAtMs: -Infinity, settled: new Map() };
      this.#memories.set(topicId, memory);
    }
    return memory;
  }
}
