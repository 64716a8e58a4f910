/** A pattern of errors that was never seen before. */
import { z } from "zod";
import { minutes } from "../durations.ts";
import { defineKind } from "../rule.ts";

export const newFingerprint = defineKind({
  name: "new_fingerprint",
  summary: "a pattern of errors that was never seen before",
  shape: {
    window: minutes(1, 1440).prefault("10m").describe("How long a pattern counts as new."),
    minEvents: z.int().min(1).default(3).describe("Fewer events of it are no breach."),
    learn: minutes(0, 20_160).prefault("1h").describe(
      "How long a topic's patterns are watched before any counts as new.",
    ),
  },
  compile({ window, minEvents, learn }) {
    return {
      clock: "minutes",
      rises: true,
      window,
      needs: [],
      fingerprintMinutes: window + 60,
      judge(view) {
        const known = view.fingerprints;
        if (known === null) return [];
        const isLearning = view.at - known.watchedSince < learn;
        return known.patterns.map(({ id, template, labels, firstSeen, points }) => {
          const isNew = firstSeen >= known.watchedSince + learn && firstSeen >= view.at - window;
          const observed = points.filter(([minute]) => minute >= view.at - window && minute < view.at)
            .reduce((sum, [, count]) => sum + count, 0);
          return {
            status: isLearning ? "learning" : isNew && observed >= minEvents ? "breach" : "normal",
            labels: { ...labels, fingerprint: id },
            observed,
            expected: 0,
            low: null,
            high: minEvents - 1,
            unit: "errors",
            baseline: "never seen before",
            samples: observed,
            windowMinutes: window,
            detail: template.slice(0, 300),
          };
        });
      },
    };
  },
});
