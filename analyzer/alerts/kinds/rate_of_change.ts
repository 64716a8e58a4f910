/** Many times more, or a fraction, of what there was at the same time yesterday and last week. */
import { z } from "zod";
import type { Verdict } from "../alert.ts";
import { minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";
import { anscombe } from "../statistics.ts";
import type { View } from "../view.ts";
import { RECENT, recentGroups, unjudged } from "./metric.ts";

const BACK = { yesterday: 1440, last_week: 10_080 } as const;

export const rateOfChange = defineKind({
  name: "rate_of_change",
  summary: "many times more, or a fraction, of yesterday and last week",
  shape: {
    ...byShape(["service"]),
    metric: z.enum(["count", "errors"]).default("count").describe("What is judged."),
    window: minutes(1, 1440).prefault("5m").describe("Minutes that are compared."),
    against: z.array(z.enum(["yesterday", "last_week"])).min(1).default(["yesterday", "last_week"])
      .describe("With what; all that there is data of must be exceeded."),
    above: z.number().gt(1).optional().describe("Times as many that are a breach."),
    below: z.number().gt(0).lt(1).optional().describe("Share of what was that is a breach below it."),
    deviations: z.number().min(1).max(100).default(6).describe(
      "Deviations that the difference has to be beyond chance.",
    ),
    minEvents: z.number().min(0).default(20).describe("Fewer on both sides are no breach."),
  },
  check: ({ above, below }) =>
    above === undefined && below === undefined
      ? { key: "above", message: "there is none, and no below: name at least one of them" }
      : null,
  compile({ by, metric, window, against, above, below, deviations, minEvents }, where) {
    const signal: SignalSpec = { by, where, value: null };
    const baseline = `the same ${window} minutes ${against.join(" and ").replace("_", " ")}`;

    function judgeGroup(view: View, key: string): Omit<Verdict, "labels" | "windowMinutes"> {
      const table = view.table(signal);
      const sumAt = (back: number): number => table.sum(key, metric, view.at - back - window, view.at - back);
      if (!view.hasData(view.at - window, view.at)) return unjudged("no_data", "events", baseline);
      const observed = sumAt(0);
      const known = against.map((name) => BACK[name]).filter((back) =>
        view.hasData(view.at - back - window, view.at - back)
      );
      if (known.length === 0) return unjudged("learning", "events", baseline);
      const then = known.map(sumAt);
      // The difference of two counts on Anscombe's scale has variance 2.
      const differs = (count: number): boolean =>
        Math.abs(anscombe(observed) - anscombe(count)) / Math.SQRT2 >= deviations &&
        Math.max(observed, count) >= minEvents;
      const isHigh = above !== undefined && then.every((count) => observed > above * count && differs(count));
      const isLow = below !== undefined && then.every((count) => observed < below * count && differs(count));
      return {
        status: isHigh || isLow ? "breach" : "normal",
        observed,
        expected: then.reduce((sum, count) => sum + count, 0) / then.length,
        low: below === undefined ? null : below * Math.min(...then),
        high: above === undefined ? null : above * Math.max(...then),
        unit: metric === "errors" ? "errors" : "events",
        baseline,
        samples: then.length,
      };
    }
    return {
      clock: "minutes",
      rises: true,
      window,
      needs: [
        { signal, from: window + RECENT, to: 0 },
        ...against.map((name) => ({ signal, from: BACK[name] + window, to: BACK[name] })),
      ],
      judge: (view) =>
        [...recentGroups(view, signal, window)].map((key) => ({
          ...judgeGroup(view, key),
          labels: view.table(signal).labels(key),
          windowMinutes: window,
        })),
    };
  },
});
