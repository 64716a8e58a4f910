/** A figure above or below a fixed number. */
import { z } from "zod";
import { MEASURES } from "../../../core/minutes/fields.ts";
import { STATISTICS } from "../../../core/store/ports.ts";
import type { Verdict } from "../alert.ts";
import { minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";
import type { View } from "../view.ts";
import { meanOf, RECENT, recentGroups, unjudged } from "./metric.ts";

const COUNTED: ReadonlySet<string> = new Set(["count", "errors", "error_rate"]);

export const threshold = defineKind({
  name: "threshold",
  summary: "a figure above or below a fixed number",
  shape: {
    ...byShape([]),
    metric: z.enum(STATISTICS).describe(
      "What is judged: counts are sums over the window, the rest means of its minutes.",
    ),
    measure: z.enum(MEASURES.map(({ name }) => name)).default("response_time").describe("Of which measure."),
    window: minutes(1, 1440).prefault("5m").describe("Minutes that are judged together."),
    above: z.number().optional().describe("A breach above it."),
    below: z.number().optional().describe("A breach below it."),
    minEvents: z.int().min(0).default(1).describe("With fewer events in the window nothing is judged; not for counts."),
  },
  check: ({ above, below }) =>
    above === undefined && below === undefined
      ? { key: "above", message: "there is none, and no below: name at least one of them" }
      : above !== undefined && below !== undefined && below > above
      ? { key: "below", message: `it is beyond above (${above}): everything would be a breach` }
      : null,
  compile({ by, metric, measure, window, above, below, minEvents }, where) {
    const counts: SignalSpec = { by, where, value: null };
    const values: SignalSpec = COUNTED.has(metric) ? counts : { by, where, value: { statistic: metric, measure } };
    const unit = metric === "error_rate"
      ? "share"
      : metric === "count"
      ? "events"
      : metric === "errors"
      ? "errors"
      : MEASURES.find(({ name }) => name === measure)?.unit ?? "";

    function observe(view: View, key: string): number | null {
      const [from, to] = [view.at - window, view.at];
      const table = view.table(counts);
      if (metric === "count" || metric === "errors") {
        return view.hasData(from, to) ? table.sum(key, metric, from, to) : null;
      }
      const count = table.sum(key, "count", from, to);
      if (count < Math.max(1, minEvents)) return null;
      if (metric === "error_rate") return table.sum(key, "errors", from, to) / count;
      const mean = meanOf(view.table(values).values(key, "value", from, to));
      return Number.isNaN(mean) ? null : mean;
    }

    function judge(view: View): Verdict[] {
      const table = view.table(counts);
      const keys = new Set(recentGroups(view, counts, window));
      // One line without any event is still a line, of zeros.
      if (by.length === 0) keys.add("[]");
      return [...keys].map((key) => {
        const observed = observe(view, key);
        const baseline = "fixed";
        const labels = table.labels(key);
        if (observed === null) return { ...unjudged("no_data", unit, baseline), labels, windowMinutes: window };
        const isBreach = (above !== undefined && observed > above) || (below !== undefined && observed < below);
        return {
          status: isBreach ? "breach" : "normal",
          labels,
          observed,
          expected: null,
          low: below ?? null,
          high: above ?? null,
          unit,
          baseline,
          samples: table.sum(key, "count", view.at - window, view.at),
          windowMinutes: window,
        };
      });
    }
    const needs = [...new Set([counts, values])].map((signal) => ({ signal, from: window + RECENT, to: 0 }));
    return { clock: "minutes", rises: COUNTED.has(metric), window, needs, judge };
  },
});
