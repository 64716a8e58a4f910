/** The minutes of one signal (a selection of a topic, split by dimensions), hour by hour, with sums over any range. */
import type { Dimension, Measure } from "../../core/minutes/fields.ts";
import type { Condition, Statistic } from "../../core/store/ports.ts";
import type { Labels } from "./alert.ts";

export const MINUTES_PER_HOUR = 60;

/** What is read of a topic's minutes. */
export interface SignalSpec {
  readonly by: readonly Dimension[];
  readonly where: readonly Condition[];
  /** A statistic of a measure, minute by minute; null: counts of events and of errors. */
  readonly value: { readonly statistic: Statistic; readonly measure: Measure } | null;
}

/** All events of a topic: whether there was any data at all. */
export const HEARTBEAT: SignalSpec = { by: [], where: [], value: null };

const keys = new WeakMap<SignalSpec, string>();

export function signalKey(spec: SignalSpec): string {
  let key = keys.get(spec);
  if (key === undefined) {
    const { by, where, value } = spec;
    key = JSON.stringify([by, where.map(({ field, op, values }) => [field, op, values]), value]);
    keys.set(spec, key);
  }
  return key;
}

/** Minutes of one group, as the source of minutes answers; minutes without events are left out. */
export interface GroupMinutes {
  readonly labels: Labels;
  /** Minute, then count and errors, or the value and nothing. */
  readonly points: readonly (readonly [minute: number, first: number, errors: number])[];
}

export type Field = "count" | "errors" | "value";

interface HourColumns {
  readonly first: Float64Array;
  readonly errors: Float64Array;
  sumFirst: number;
  sumErrors: number;
}

interface Hour {
  readonly version: string;
  readonly groups: ReadonlyMap<string, HourColumns>;
}

export class SignalTable {
  readonly #hours = new Map<number, Hour>();
  readonly #labels = new Map<string, Labels>();
  readonly #empty: number;

  constructor(readonly spec: SignalSpec) {
    this.#empty = spec.value === null ? 0 : NaN;
  }

  /** The version of the hour that is at hand; undefined where it is not. */
  versionOf(bucket: number): string | undefined {
    return this.#hours.get(bucket)?.version;
  }

  /**
   * Puts an hour in the place of the one before. Answers the minutes before `until` whose figures are others than they
   * were; none where the hour was not at hand.
   */
  put(bucket: number, version: string, rows: readonly GroupMinutes[], until: number): Iterable<number> {
    const groups = new Map<string, HourColumns>();
    for (const { labels, points } of rows) {
      const key = this.#keyOf(labels);
      const columns = this.#newColumns();
      for (const [minute, first, errors] of points) {
        const at = minute - bucket * MINUTES_PER_HOUR;
        if (at < 0 || at >= MINUTES_PER_HOUR) continue;
        columns.first[at] = first;
        columns.errors[at] = errors;
        columns.sumFirst += Number.isNaN(first) ? 0 : first;
        columns.sumErrors += errors;
      }
      groups.set(key, columns);
    }
    const before = this.#hours.get(bucket);
    this.#hours.set(bucket, { version, groups });
    return before === undefined ? [] : this.#changes(before.groups, groups, bucket, until);
  }

  /** Forgets hours that are not wanted. */
  keepOnly(isWanted: (bucket: number) => boolean): void {
    for (const bucket of this.#hours.keys()) if (!isWanted(bucket)) this.#hours.delete(bucket);
  }

  /** Keys of the groups that have anything in minutes [from, to), at the accuracy of hours. */
  groups(from: number, to: number): ReadonlySet<string> {
    const keys = new Set<string>();
    for (let bucket = bucketOf(from); bucket <= bucketOf(to - 1); bucket++) {
      for (const key of this.#hours.get(bucket)?.groups.keys() ?? []) keys.add(key);
    }
    return keys;
  }

  labels(key: string): Labels {
    return this.#labels.get(key) ?? {};
  }

  /** Over minutes [from, to); values that there are none of count nothing. */
  sum(key: string, field: Field, from: number, to: number): number {
    let sum = 0;
    for (let minute = from; minute < to;) {
      const bucket = bucketOf(minute);
      const start = bucket * MINUTES_PER_HOUR;
      const end = Math.min(to, start + MINUTES_PER_HOUR);
      const columns = this.#hours.get(bucket)?.groups.get(key);
      if (columns !== undefined) {
        if (minute === start && end === start + MINUTES_PER_HOUR) {
          sum += field === "errors" ? columns.sumErrors : columns.sumFirst;
        } else {
          const column = field === "errors" ? columns.errors : columns.first;
          for (let at = minute - start; at < end - start; at++) if (column[at] === column[at]) sum += column[at];
        }
      }
      minute = end;
    }
    return sum;
  }

  /** Of minutes [from, to), oldest first: 0 for counts without events, NaN for values that there are none of. */
  values(key: string, field: Field, from: number, to: number): number[] {
    const values = new Array<number>(to - from).fill(this.#empty);
    for (let minute = from; minute < to;) {
      const bucket = bucketOf(minute);
      const start = bucket * MINUTES_PER_HOUR;
      const end = Math.min(to, start + MINUTES_PER_HOUR);
      const columns = this.#hours.get(bucket)?.groups.get(key);
      if (columns !== undefined) {
        const column = field === "errors" ? columns.errors : columns.first;
        for (let at = minute; at < end; at++) values[at - from] = column[at - start];
      }
      minute = end;
    }
    return values;
  }

  #keyOf(labels: Labels): string {
    const key = JSON.stringify(this.spec.by.map((name) => labels[name] ?? ""));
    // Shown without what the topic has no value of.
    if (!this.#labels.has(key)) {
      this.#labels.set(key, Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== "")));
    }
    return key;
  }

  #newColumns(): HourColumns {
    return {
      first: new Float64Array(MINUTES_PER_HOUR).fill(this.#empty),
      errors: new Float64Array(MINUTES_PER_HOUR),
      sumFirst: 0,
      sumErrors: 0,
    };
  }

  #changes(
    before: ReadonlyMap<string, HourColumns>,
    after: ReadonlyMap<string, HourColumns>,
    bucket: number,
    until: number,
  ): ReadonlySet<number> {
    const none = this.#newColumns();
    const start = bucket * MINUTES_PER_HOUR;
    const end = Math.min(MINUTES_PER_HOUR, until - start);
    const minutes = new Set<number>();
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const [old, now] = [before.get(key) ?? none, after.get(key) ?? none];
      for (let at = 0; at < end; at++) {
        if (!Object.is(old.first[at], now.first[at]) || old.errors[at] !== now.errors[at]) minutes.add(start + at);
      }
    }
    return minutes;
  }
}

/** The hour that a minute is in. */
export function bucketOf(minute: number): number {
  return Math.floor(minute / MINUTES_PER_HOUR);
}
