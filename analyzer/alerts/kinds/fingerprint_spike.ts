/** A known pattern of errors that comes much more often than in the hours before. */
import { z } from "zod";
import type { Verdict } from "../alert.ts";
import { formatMinutes, minutes } from "../durations.ts";
import type { FingerprintMinutes } from "../ports.ts";
import { defineKind } from "../rule.ts";
import { anscombe, fromAnscombe } from "../statistics.ts";

export const fingerprintSpike = defineKind({
  name: "fingerprint_spike",
  summary: "a known pattern of errors that comes much more often than before",
  shape: {
    window: minutes(1, 60).prefault("2m").describe("Minutes that are judged together."),
    lookback: minutes(10, 1440).prefault("3h").describe("Minutes before that are what is usual."),
    above: z.number().gt(1).default(5).describe("Times as many that are a breach."),
    deviations: z.number().min(1).max(100).default(6).describe("Deviations that they have to be beyond chance."),
    minEvents: z.int().min(1).default(20).describe("Fewer in the window are no breach."),
  },
  compile({ window, lookback, above, deviations, minEvents }) {
    const baseline = `the ${formatMinutes(lookback)} before`;

    function judgePattern(at: number, watchedSince: number, pattern: FingerprintMinutes): Verdict {
      const start = at - window;
      const from = Math.max(start - lookback, watchedSince);
      let observed = 0;
      let before = 0;
      for (const [minute, count] of pattern.points) {
        if (minute >= start && minute < at) observed += count;
        else if (minute >= from && minute < start) before += count;
      }
      const span = start - from;
      const expected = span <= 0 ? 0 : before / span * window;
      const high = Math.max(above * expected, fromAnscombe(anscombe(expected) + deviations), minEvents - 1);
      return {
        status: span < lookback / 4 ? "learning" : observed > high ? "breach" : "normal",
        labels: { ...pattern.labels, fingerprint: pattern.id },
        observed,
        expected,
        low: null,
        high,
        unit: "errors",
        baseline,
        samples: before,
        windowMinutes: window,
        detail: pattern.template.slice(0, 300),
      };
    }
    return {
      clock: "minutes",
      rises: true,
      window,
      needs: [],
      fingerprintMinutes: window + lookback,
      judge: ({ at, fingerprints }) =>
        (fingerprints?.patterns ?? []).map((pattern) => judgePattern(at, fingerprints?.watchedSince ?? at, pattern)),
    };
  },
});
