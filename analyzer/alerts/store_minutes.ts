/** Minutes for alerts from a store, and where logs stand. */
import type { PartitionedLog, PartitionEnds, Topic } from "../../core/log/partitioned_log.ts";
import type { SeriesQuery, Store } from "../../core/store/ports.ts";
import { MINUTE_MS } from "./durations.ts";
import type { AlertTopic, MinuteSource, TopicProgress } from "./ports.ts";
import type { GroupMinutes, SignalSpec } from "./signal_table.ts";

/** Groups of a signal that are judged; the largest ones by count. */
const GROUPS_MAX = 500;
/** A partition without anything to read for so long holds nothing back. */
const IDLE_MS = 60_000;

export interface StoreMinutesParts {
  readonly log: Pick<PartitionedLog, "listTopics" | "ends" | "timestampAt">;
  readonly store: Pick<Store, "partitions" | "series" | "unitVersions">;
  /** How far watermarks stay behind: what is idle becomes final as late. */
  readonly latenessMs: number;
}

interface Stillness {
  readonly end: number;
  readonly sinceMs: number;
}

export class StoreMinutes implements MinuteSource {
  readonly #parts: StoreMinutesParts;
  /** Per topic and partition, since when its end is where it is. */
  readonly #still = new Map<string, Stillness>();
  readonly #topics = new Map<string, Topic>();
  /** By topic, the minute of its first record, once that is known. */
  readonly #begun = new Map<string, number>();

  constructor(parts: StoreMinutesParts) {
    this.#parts = parts;
  }

  async topics(): Promise<readonly AlertTopic[]> {
    const topics = await this.#parts.log.listTopics();
    this.#topics.clear();
    for (const topic of topics) this.#topics.set(topic.id, topic);
    return topics;
  }

  /**
   * Minutes end before the watermark of every partition that has had anything lately; where none has, before the clock less
   * the lateness. Never beyond that, whatever a sender's clock says.
   */
  async progress({ id }: AlertTopic, nowMs: number): Promise<TopicProgress> {
    const { log, store, latenessMs } = this.#parts;
    const topic = this.#topics.get(id);
    if (topic === undefined) return { finalUntil: null, lagRecords: 0, lagSeconds: 0 };
    const states = new Map((await store.partitions(id)).map((state) => [state.partition, state]));
    let untilMs = nowMs - latenessMs;
    let lagRecords = 0;
    let lagSeconds = 0;
    let isKnown = states.size > 0;
    const ends = await log.ends(topic);
    for (const { partition, start, end, written } of ends) {
      const state = states.get(partition);
      const checkpoint = state?.checkpoint ?? 0;
      const waiting = Math.max(0, written - Math.max(start, checkpoint));
      if (waiting > 0) {
        const firstMs = await log.timestampAt(topic, partition, Math.max(start, checkpoint));
        if (firstMs !== null) lagSeconds = Math.max(lagSeconds, (nowMs - firstMs) / 1000);
        lagRecords += waiting;
      }
      const isIdle = this.#isStill(`${id}/${partition}`, end, nowMs) && waiting === 0;
      if (isIdle) continue;
      if (state === undefined || state.watermarkMs === null) isKnown = false;
      else untilMs = Math.min(untilMs, state.watermarkMs);
    }
    return {
      finalUntil: isKnown ? Math.floor(untilMs / MINUTE_MS) : null,
      // A watermark stays behind the greatest time of an event by the lateness.
      endedUntil: isKnown ? Math.floor(Math.min(nowMs, untilMs + latenessMs) / MINUTE_MS) : null,
      begun: await this.#begunOf(topic, ends),
      lagRecords,
      lagSeconds,
    };
  }

  /** The minute of the first record; null while there is none, and where the log does not begin with it any more. */
  async #begunOf(topic: Topic, ends: readonly PartitionEnds[]): Promise<number | null> {
    const known = this.#begun.get(topic.id);
    if (known !== undefined) return known;
    let firstMs = Infinity;
    for (const { partition, start, written } of ends) {
      if (start > 0) return null;
      const ms = written > 0 ? await this.#parts.log.timestampAt(topic, partition, 0) : null;
      if (ms !== null) firstMs = Math.min(firstMs, ms);
    }
    if (firstMs === Infinity) return null;
    const begun = Math.floor(firstMs / MINUTE_MS);
    this.#begun.set(topic.id, begun);
    return begun;
  }

  async hourVersions({ id }: AlertTopic): Promise<ReadonlyMap<number, string>> {
    return new Map((await this.#parts.store.unitVersions(id)).map(({ bucket, version }) => [bucket, version]));
  }

  async read({ id }: AlertTopic, { by, where, value }: SignalSpec, from: number, to: number) {
    const query: Omit<SeriesQuery, "statistic"> = {
      topicId: id,
      range: { fromMs: from * MINUTE_MS, toMs: to * MINUTE_MS },
      stepMinutes: 1,
      by,
      where,
      seriesMax: GROUPS_MAX,
    };
    const { store } = this.#parts;
    if (value !== null) {
      const { series, truncated } = await store.series({ ...query, ...value });
      const groups = series.map(({ dimensions, points }): GroupMinutes => ({
        labels: definedOf(dimensions),
        points: points.flatMap(([ms, figure]) => figure === null ? [] : [[ms / MINUTE_MS, figure, 0] as const]),
      }));
      return { groups, isTruncated: truncated };
    }
    const counts = await store.series({ ...query, statistic: "count" });
    const errors = await store.series({ ...query, statistic: "errors" });
    const errorsOf = new Map(
      errors.series.map(({ dimensions, points }) => [JSON.stringify(dimensions), new Map(points)]),
    );
    const groups = counts.series.map(({ dimensions, points }): GroupMinutes => {
      const own = errorsOf.get(JSON.stringify(dimensions));
      return {
        labels: definedOf(dimensions),
        points: points.map(([ms, count]) => [ms / MINUTE_MS, count ?? 0, own?.get(ms) ?? 0] as const),
      };
    });
    return { groups, isTruncated: counts.truncated };
  }

  #isStill(key: string, end: number, nowMs: number): boolean {
    const before = this.#still.get(key);
    const since = before?.end === end ? before : { end, sinceMs: nowMs };
    this.#still.set(key, since);
    return nowMs - since.sinceMs >= IDLE_MS;
  }
}

function definedOf(dimensions: Readonly<Partial<Record<string, string>>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(dimensions).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
