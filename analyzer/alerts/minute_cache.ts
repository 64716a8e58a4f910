/** Minutes of a topic's signals, kept in memory by the hour and read again when an hour has changed. */
import { bucketOf, HEARTBEAT, MINUTES_PER_HOUR, signalKey, SignalTable } from "./signal_table.ts";
import type { AlertTopic, MinuteSource } from "./ports.ts";
import type { Need, Tables } from "./view.ts";

/** Hours that are read at once: more would make one answer too large. */
const HOURS_AT_ONCE = 48;

export class MinuteCache {
  readonly #tables = new Map<string, SignalTable>();
  #changed = new Map<string, Set<number>>();
  readonly #source: MinuteSource;
  readonly #topic: AlertTopic;
  /** Called once for a signal with more groups than the source answers. */
  readonly #onTruncated: (signal: string) => void;

  constructor(source: MinuteSource, topic: AlertTopic, onTruncated: (signal: string) => void) {
    this.#source = source;
    this.#topic = topic;
    this.#onTruncated = onTruncated;
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** Minutes by signal that have become others since they were judged; what is answered once is not again. */
  takeChanged(): ReadonlyMap<string, ReadonlySet<number>> {
    const changed = this.#changed;
    this.#changed = new Map();
    return changed;
  }

  /** Brings what judging minutes [from, to] needs up to date. Those before `judged` are remembered where they change. */
  async refresh(needs: readonly Need[], from: number, to: number, judged: number): Promise<void> {
    const versions = await this.#source.hourVersions(this.#topic);
    for (const [key, { need, hours }] of hoursOf(needs, from, to)) {
      let table = this.#tables.get(key);
      if (table === undefined) this.#tables.set(key, table = new SignalTable(need.signal));
      table.keepOnly((bucket) => hours.has(bucket));
      const stale = [...hours].filter((bucket) => table.versionOf(bucket) !== (versions.get(bucket) ?? ""));
      const changed = this.#changed.get(key) ?? new Set();
      this.#changed.set(key, changed);
      for (const run of runsOf(stale)) await this.#load(table, run, versions, judged, changed);
    }
  }

  /** Loads hours one after the other; those without any data are not asked for. */
  async #load(
    table: SignalTable,
    [first, last]: readonly [number, number],
    versions: ReadonlyMap<number, string>,
    judged: number,
    changed: Set<number>,
  ): Promise<void> {
    const buckets = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const isEmpty = buckets.every((bucket) => !versions.has(bucket));
    const { groups, isTruncated } = isEmpty
      ? { groups: [], isTruncated: false }
      : await this.#source.read(this.#topic, table.spec, first * MINUTES_PER_HOUR, (last + 1) * MINUTES_PER_HOUR);
    if (isTruncated) this.#onTruncated(table.spec.by.join(", "));
    for (const bucket of buckets) {
      const rows = groups.flatMap(({ labels, points }) => {
        const own = points.filter(([minute]) => bucketOf(minute) === bucket);
        return own.length === 0 ? [] : [{ labels, points: own }];
      });
      for (const minute of table.put(bucket, versions.get(bucket) ?? "", rows, judged)) changed.add(minute);
    }
  }
}

/** Per signal, the hours that judging minutes [from, to] needs; the heartbeat's are those of all. */
function hoursOf(needs: readonly Need[], from: number, to: number) {
  const bySignal = new Map<string, { readonly need: Need; readonly hours: Set<number> }>();
  const add = (need: Need): void => {
    const key = signalKey(need.signal);
    const entry = bySignal.get(key) ?? { need, hours: new Set<number>() };
    for (let bucket = bucketOf(from - need.from); bucket <= bucketOf(to - need.to - 1); bucket++) {
      entry.hours.add(bucket);
    }
    bySignal.set(key, entry);
  };
  for (const need of needs) {
    add(need);
    add({ ...need, signal: HEARTBEAT });
  }
  return bySignal;
}

/** Neighbours together, at most so many hours in a run. */
function runsOf(buckets: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const bucket of [...buckets].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run !== undefined && run[1] === bucket - 1 && bucket - run[0] < HOURS_AT_ONCE) run[1] = bucket;
    else runs.push([bucket, bucket]);
  }
  return runs;
}
