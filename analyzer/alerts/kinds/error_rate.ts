/** The share of errors above a limit, and not by chance: the lower end of Wilson's interval has to be above it. */
import { z } from "zod";
import { minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";
import { wilsonLow } from "../statistics.ts";
import { RECENT, recentGroups, unjudged } from "./metric.ts";

export const errorRate = defineKind({
  name: "error_rate",
  summary: "the share of errors above a limit, by more than chance",
  shape: {
    ...byShape(["service"]),
    above: z.number().gt(0).lt(1).describe("Share of events that may be errors: 0.05 is 5 %."),
    window: minutes(1, 1440).prefault("2m").describe("Minutes that are judged together."),
    minErrors: z.int().min(1).default(5).describe("Fewer errors than these are no breach."),
    confidence: z.number().min(0).max(10).default(3).describe(
      "Deviations that the share has to be above the limit by, so that few events do not page.",
    ),
  },
  compile({ by, above, window, minErrors, confidence }, where) {
    const signal: SignalSpec = { by, where, value: null };
    return {
      clock: "minutes",
      rises: true,
      window,
      needs: [{ signal, from: window + RECENT, to: 0 }],
      judge(view) {
        const table = view.table(signal);
        return [...recentGroups(view, signal, window)].map((key) => {
          const [from, to] = [view.at - window, view.at];
          const count = table.sum(key, "count", from, to);
          const errors = table.sum(key, "errors", from, to);
          const rest = { labels: table.labels(key), windowMinutes: window };
          if (count === 0) return { ...unjudged("no_data", "share", "fixed"), ...rest };
          const isBreach = errors >= minErrors && wilsonLow(errors, count, confidence) > above;
          return {
            ...rest,
            status: isBreach ? "breach" : "normal",
            observed: errors / count,
            expected: null,
            low: null,
            high: above,
            unit: "share",
            baseline: "fixed",
            samples: count,
            detail: `${errors} errors of ${count} events`,
          };
        });
      },
    };
  },
});
