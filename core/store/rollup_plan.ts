/**
 * Which hours and days of a query are answered from rollups: pure. A rollup has the minutes of one hour, or of one day
 * (UTC), added up over partitions; it holds as long as none of its units has changed, which its version tells.
 */
import { createHash } from "node:crypto";

const MINUTES_PER_HOUR = 60;
const HOURS_PER_DAY = 24;

export type RollupLevel = "hours" | "days";

/** Minutes in one rollup. */
export const ROLLUP_MINUTES: Readonly<Record<RollupLevel, number>> = {
  hours: MINUTES_PER_HOUR,
  days: HOURS_PER_DAY * MINUTES_PER_HOUR,
};

/** An hour of a topic that has units. */
export interface HourState {
  readonly bucket: number;
  /** Of each of its units, what changes with every flush of it; null while somebody may be changing one. */
  readonly version: string | null;
}

/** A rollup to answer from. */
export interface Rollup {
  readonly level: RollupLevel;
  /** Its first hour. */
  readonly bucket: number;
  /** The hours with units that it is made of, oldest first. */
  readonly hours: readonly HourState[];
  readonly version: string;
}

/** What a query is answered from: together every hour that has units, none of them twice. */
export interface RollupPlan {
  readonly rollups: readonly Rollup[];
  /** Hours whose minutes themselves are needed. */
  readonly buckets: readonly number[];
}

export interface RollupQuery {
  /** Minutes since 1970, half-open. */
  readonly from: number;
  readonly to: number;
  /** Width of the answer's steps: rollups must not be wider, and no step may begin within one. */
  readonly stepMinutes: number;
}

/**
 * Plans with the widest rollups that lie within the range and its steps. Hours from `newest`, the last one that has
 * units, are still being written: they, and hours that may be changing, are read as minutes. `states` are oldest first.
 */
export function planRollups(states: readonly HourState[], newest: number, query: RollupQuery): RollupPlan {
  const canUse = (level: RollupLevel) => query.stepMinutes % ROLLUP_MINUTES[level] === 0;
  const isWithin = (level: RollupLevel, bucket: number) => {
    const first = bucket * MINUTES_PER_HOUR;
    const end = first + ROLLUP_MINUTES[level];
    return first >= query.from && end <= query.to && end <= newest * MINUTES_PER_HOUR;
  };
  const rollups: Rollup[] = [];
  const buckets: number[] = [];
  const days = Map.groupBy(states, ({ bucket }) => Math.floor(bucket / HOURS_PER_DAY) * HOURS_PER_DAY);
  for (const [first, hours] of days) {
    const isSettled = hours.every(({ version }) => version !== null);
    if (canUse("days") && isSettled && isWithin("days", first)) {
      rollups.push(rollupOf("days", first, hours));
      continue;
    }
    for (const hour of hours) {
      if (canUse("hours") && hour.version !== null && isWithin("hours", hour.bucket)) {
        rollups.push(rollupOf("hours", hour.bucket, [hour]));
      } else buckets.push(hour.bucket);
    }
  }
  return { rollups, buckets };
}

/** A rollup of these hours, which are settled. */
export function rollupOf(level: RollupLevel, bucket: number, hours: readonly HourState[]): Rollup {
  const version = createHash("sha256").update(JSON.stringify(hours.map((hour) => [hour.bucket, hour.version])))
    .digest("hex");
  return { level, bucket, hours, version };
}

/** Whole hours as ranges of minutes, half-open: hours that follow each other are one range. */
export function minuteRanges(buckets: readonly number[]): { readonly from: number; readonly to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const bucket of buckets.toSorted((a, b) => a - b)) {
    const from = bucket * MINUTES_PER_HOUR;
    const last = ranges.at(-1);
    if (last?.to === from) last.to += MINUTES_PER_HOUR;
    else ranges.push({ from, to: from + MINUTES_PER_HOUR });
  }
  return ranges;
}
