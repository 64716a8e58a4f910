/** Minutes that are held in memory: of tests of rules, and of simulations. */
import type { Condition } from "../../core/store/ports.ts";
import { meets } from "../../core/store/where.ts";
import type { Labels } from "./alert.ts";
import type { AlertTopic, LogStanding, MinuteSource, TopicProgress } from "./ports.ts";
import { bucketOf, type GroupMinutes, MINUTES_PER_HOUR, type SignalSpec } from "./signal_table.ts";

/** Figures of one minute of one set of dimensions. */
export interface Cell {
  readonly count: number;
  readonly errors: number;
  /** By statistic: the topic has one measure. */
  readonly values?: Readonly<Record<string, number>>;
}

interface Line {
  readonly labels: Labels;
  readonly hours: Map<number, (Cell | undefined)[]>;
}

export class MemoryMinutes implements MinuteSource {
  /** Minutes before it are final. */
  finalUntil: number | null = null;
  /** Minutes before it have ended, but for late events. */
  endedUntil: number | null = null;
  standing: LogStanding = { lagRecords: 0, lagSeconds: 0 };
  /** The minute of the first record; null: not known. */
  begun: number | null = null;
  readonly #topic: AlertTopic;
  readonly #lines = new Map<string, Line>();
  readonly #versions = new Map<number, number>();

  constructor(topic: AlertTopic) {
    this.#topic = topic;
  }

  /** Puts a minute in the place of what was there for these dimensions. */
  set(labels: Labels, minute: number, cell: Cell): void {
    const key = JSON.stringify(labels);
    const line = this.#lines.get(key) ?? { labels, hours: new Map() };
    this.#lines.set(key, line);
    const bucket = bucketOf(minute);
    const hour = line.hours.get(bucket) ?? Array.from<undefined>({ length: MINUTES_PER_HOUR });
    line.hours.set(bucket, hour);
    hour[minute - bucket * MINUTES_PER_HOUR] = cell.count > 0 ? cell : undefined;
    this.#versions.set(bucket, (this.#versions.get(bucket) ?? 0) + 1);
  }

  topics(): Promise<readonly AlertTopic[]> {
    return Promise.resolve([this.#topic]);
  }

  progress(): Promise<TopicProgress> {
    const { finalUntil, endedUntil, begun } = this;
    return Promise.resolve({ finalUntil, endedUntil, begun, ...this.standing });
  }

  hourVersions(): Promise<ReadonlyMap<number, string>> {
    return Promise.resolve(new Map([...this.#versions].map(([bucket, version]) => [bucket, String(version)])));
  }

  read(_topic: AlertTopic, { by, where, value }: SignalSpec, from: number, to: number) {
    const groups = new Map<string, { labels: Labels; cells: Map<number, Cell[]> }>();
    for (const { labels, hours } of this.#lines.values()) {
      if (!isWanted(labels, where)) continue;
      const own = Object.fromEntries(by.map((name) => [name, labels[name] ?? ""]));
      const key = JSON.stringify(own);
      const group = groups.get(key) ?? { labels: own, cells: new Map<number, Cell[]>() };
      for (let bucket = bucketOf(from); bucket <= bucketOf(to - 1); bucket++) {
        hours.get(bucket)?.forEach((cell, i) => {
          const minute = bucket * MINUTES_PER_HOUR + i;
          if (cell === undefined || minute < from || minute >= to) return;
          const cells = group.cells.get(minute);
          if (cells === undefined) group.cells.set(minute, [cell]);
          else cells.push(cell);
        });
      }
      if (group.cells.size > 0) groups.set(key, group);
    }
    const rows = [...groups.values()].map(({ labels, cells }): GroupMinutes => ({
      labels,
      points: [...cells].flatMap(([minute, of]) => pointOf(minute, of, value?.statistic ?? null)),
    }));
    return Promise.resolve({ groups: rows, isTruncated: false });
  }
}

function isWanted(labels: Labels, where: readonly Condition[]): boolean {
  return where.every((condition) => meets(condition, labels[condition.field] ?? ""));
}

/** Counts add up; of values the mean, by count. */
function pointOf(minute: number, cells: readonly Cell[], statistic: string | null): [number, number, number][] {
  let count = 0;
  let errors = 0;
  let weighted = 0;
  let weight = 0;
  for (const cell of cells) {
    count += cell.count;
    errors += cell.errors;
    const value = statistic === null ? undefined : cell.values?.[statistic];
    if (value === undefined) continue;
    weighted += value * cell.count;
    weight += cell.count;
  }
  if (statistic === null) return [[minute, count, errors]];
  return weight === 0 ? [] : [[minute, weighted / weight, 0]];
}
