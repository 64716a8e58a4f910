/** A figure that baselines are made of: counts, or a statistic of a measure, on a scale on which it is about normal. */
import { z } from "zod";
import { MEASURES } from "../../../core/minutes/fields.ts";
import type { Condition, Statistic } from "../../../core/store/ports.ts";
import type { Verdict } from "../alert.ts";
import { anscombe, fromAnscombe } from "../statistics.ts";
import type { SignalSpec, SignalTable } from "../signal_table.ts";
import type { View } from "../view.ts";

export const BASELINE_METRICS = ["count", "errors", "avg", "p50", "p90", "p95", "p99"] as const;
export type BaselineMetric = (typeof BASELINE_METRICS)[number];

const MEASURE_NAMES = MEASURES.map(({ name }) => name);

export const metricShape = {
  metric: z.enum(BASELINE_METRICS).default("count").describe("What is judged."),
  measure: z.enum(MEASURE_NAMES).default("response_time").describe("Of which measure, for avg and p50 to p99."),
};

export interface Metric {
  readonly signal: SignalSpec;
  readonly unit: string;
  /** Over minutes [from, to): a sum of counts, the mean of the minutes' values; NaN where there is none. */
  read(table: SignalTable, key: string, from: number, to: number): number;
  /** On the scale that deviations are taken on, and back. */
  scale(value: number): number;
  unscale(value: number): number;
  /** Least deviation on that scale: what chance alone makes of counts, what nobody minds of a latency. */
  readonly floor: number;
  /** Whether late events only make it larger. */
  readonly rises: boolean;
}

interface MetricSettings {
  readonly metric: BaselineMetric;
  readonly measure: (typeof MEASURE_NAMES)[number];
  readonly by: SignalSpec["by"];
}

export function metricOf({ metric, measure, by }: MetricSettings, where: readonly Condition[]): Metric {
  if (metric === "count" || metric === "errors") {
    return {
      signal: { by, where, value: null },
      unit: metric === "count" ? "events" : "errors",
      read: (table, key, from, to) => table.sum(key, metric, from, to),
      scale: anscombe,
      unscale: fromAnscombe,
      floor: 1,
      rises: true,
    };
  }
  return {
    signal: { by, where, value: { statistic: metric satisfies Statistic, measure } },
    unit: MEASURES.find(({ name }) => name === measure)?.unit ?? "",
    read: (table, key, from, to) => meanOf(table.values(key, "value", from, to)),
    scale: (value) => Math.log(Math.max(value, 1e-9)),
    unscale: Math.exp,
    floor: 0.05,
    rises: false,
  };
}

/** The mean of what there is. */
export function meanOf(values: readonly number[]): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? NaN : sum / count;
}

export const bandShape = (standard: { deviations: number; margin: number; minChange: number }) => ({
  direction: z.enum(["above", "below", "both"]).default("above").describe("Which side of the band is a breach."),
  deviations: z.number().min(1).max(100).default(standard.deviations).describe("Half width of the band in deviations."),
  margin: z.number().min(0).max(100).default(standard.margin)
    .describe("Least half width of the band, as a share of what is expected."),
  minChange: z.number().min(0).default(standard.minChange)
    .describe("Least difference from what is expected, in the metric's unit."),
});

/** What a band is made from. */
export interface Band {
  readonly centre: number;
  readonly deviation: number;
  readonly samples: number;
  readonly baseline: string;
}

interface BandSettings {
  readonly direction: "above" | "below" | "both";
  readonly deviations: number;
  readonly margin: number;
  readonly minChange: number;
}

/** Judges a value against a band around `centre` (on the metric's scale). */
export function judgeBand(
  metric: Metric,
  settings: BandSettings,
  observed: number,
  { centre, deviation, samples, baseline }: Band,
): Omit<Verdict, "labels" | "windowMinutes"> {
  const expected = metric.unscale(centre);
  const reach = settings.deviations * Math.max(metric.floor, deviation);
  const least = Math.max(settings.margin * expected, settings.minChange);
  const high = Math.max(metric.unscale(centre + reach), expected + least);
  const low = Math.max(0, Math.min(metric.unscale(centre - reach), expected - least));
  const isHigh = settings.direction !== "below" && observed > high;
  // At 0 there is nothing below: a low bound of 0 is never crossed.
  const isLow = settings.direction !== "above" && observed < low;
  return {
    status: isHigh || isLow ? "breach" : "normal",
    observed,
    expected,
    low: settings.direction === "above" ? null : low,
    high: settings.direction === "below" ? null : high,
    unit: metric.unit,
    baseline,
    samples,
  };
}

/** A verdict without a band. */
export function unjudged(
  status: "no_data" | "learning",
  unit: string,
  baseline: string,
  samples = 0,
): Omit<Verdict, "labels" | "windowMinutes"> {
  return { status, observed: null, expected: null, low: null, high: null, unit, baseline, samples };
}

/** Groups of a signal that had anything in the window or shortly before it, so that one that ended is judged to its end. */
export function recentGroups(view: View, signal: SignalSpec, windowMinutes: number): ReadonlySet<string> {
  return view.table(signal).groups(view.at - windowMinutes - RECENT, view.at);
}

/** What {@link recentGroups} needs beyond the window. */
export const RECENT = 60;
