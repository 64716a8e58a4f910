/** Statistics of events, counted in the plainest way: what the answers of stores are held against. */
import type { Measure } from "../../core/minutes/fields.ts";
import type { Statistic } from "../../core/store/ports.ts";
import type { TestEvent } from "./store_fixtures.ts";

/** Integer units per whole unit. */
export const SCALE: Readonly<Record<Measure, number>> = { response_time: 1000, content_size: 1, amount: 10_000 };
const QUANTILES: Readonly<Partial<Record<Statistic, number>>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };

/** Counts per value, largest first, then by value in the order of code points. */
export function tally<T extends string>(values: readonly T[]): [T, number][] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

export const sumOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** A statistic of events that share a cell, in whole units; null where no event has the measure. */
export function statisticOf(statistic: Statistic, events: readonly TestEvent[], measure: Measure): number | null {
  const errors = events.filter(({ isError }) => isError).length;
  if (statistic === "count") return events.length;
  if (statistic === "errors") return errors;
  if (statistic === "error_rate") return errors / events.length;
  const values = events.flatMap(({ measures }) => measures[measure] === undefined ? [] : [measures[measure]])
    .sort((a, b) => a - b);
  if (values.length === 0) return null;
  const sum = sumOf(values);
  const mean = sum / values.length;
  const scale = SCALE[measure];
  switch (statistic) {
    case "sum":
      return sum / scale;
    case "avg":
      return mean / scale;
    case "min":
      return values[0] / scale;
    case "max":
      return values[values.length - 1] / scale;
    case "stddev":
      return Math.sqrt(sumOf(values.map((value) => (value - mean) ** 2)) / values.length) / scale;
    default:
      return values[Math.floor((QUANTILES[statistic] ?? NaN) * (values.length - 1))] / scale;
  }
}

/** How far an answer may lie from the truth: quantiles by the sketch, the others by float64's rounding. */
export const tolerance = (statistic: Statistic): number =>
  QUANTILES[statistic] !== undefined ? 0.01 : statistic === "stddev" ? 1e-8 : 1e-12;
