/**
 * A service that fell silent: nothing for so long that, at the rate of before, so many events should have come that chance
 * is no explanation. A busy service is missed after a minute, a rare one later.
 */
import { z } from "zod";
import { formatMinutes, minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec, SignalTable } from "../signal_table.ts";
import type { View } from "../view.ts";

/** The rate before the silence is taken from so many minutes. */
const RATE_MINUTES = 60;
/** What stops every day may stop so much earlier or later than the day before. */
const SHIFT = 15;

export const silentService = defineKind({
  name: "silent_service",
  summary: "a service without events, given how many there usually are",
  shape: {
    ...byShape(["service"]),
    minExpected: z.number().min(3).max(10_000).default(15)
      .describe("Events that should have come in the silence; by chance none of 15 come once in three million times."),
    longest: minutes(5, 1440).prefault("4h").describe("How far back the last event is looked for."),
  },
  compile({ by, minExpected, longest }, where) {
    const signal: SignalSpec = { by, where, value: null };

    /** First minute of the silence that reaches to now. */
    function silentSince(table: SignalTable, key: string, at: number): number {
      const counts = table.values(key, "count", at - longest, at);
      const last = counts.findLastIndex((count) => count > 0);
      return last < 0 ? at - longest : at - longest + last + 1;
    }

    /** Events a minute that there should be: the least of what was usual before, a day ago and a week ago. */
    function usualRate(view: View, table: SignalTable, key: string, since: number, until: number) {
      const rates = [table.sum(key, "count", since - RATE_MINUTES, since) / RATE_MINUTES];
      for (const back of [1440, 10_080]) {
        for (const shift of [-SHIFT, 0, SHIFT]) {
          const [from, to] = [since - back + shift, until - back + shift];
          if (view.hasData(from, to)) rates.push(table.sum(key, "count", from, to) / (to - from));
        }
      }
      return Math.min(...rates);
    }

    return {
      clock: "minutes",
      window: 1,
      needs: [
        { signal, from: longest + RATE_MINUTES, to: 0 },
        ...[1440, 10_080].map((back) => ({ signal, from: back + longest + SHIFT, to: back - SHIFT })),
      ],
      judge(view) {
        const table = view.table(signal);
        return [...table.groups(view.at - longest - RATE_MINUTES, view.at)].map((key) => {
          const since = silentSince(table, key, view.at);
          const silence = view.at - since;
          const rate = silence === 0 ? 0 : usualRate(view, table, key, since, view.at);
          const expected = rate * silence;
          return {
            status: expected >= minExpected ? "breach" : "normal",
            labels: table.labels(key),
            observed: silence === 0 ? table.sum(key, "count", view.at - 1, view.at) : 0,
            expected: silence === 0 ? null : expected,
            low: 1,
            high: null,
            unit: "events",
            baseline: "the least of the hour before, the same time yesterday and last week",
            samples: Math.round(rate * RATE_MINUTES),
            windowMinutes: Math.max(1, silence),
            detail: silence === 0 ? undefined : `silent for ${formatMinutes(silence)}`,
          };
        });
      },
    };
  },
});
