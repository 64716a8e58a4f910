/** Nothing at all of something that there was before: an event that has to come, a topic that must not be silent. */
import { minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";

export const absence = defineKind({
  name: "absence",
  summary: "nothing for a time of what there was before",
  shape: {
    ...byShape([]),
    window: minutes(1, 1440).prefault("10m").describe("How long there has to be nothing."),
    within: minutes(1, 20_160).prefault("1d").describe("How long before something must have been there."),
  },
  compile({ by, window, within }, where) {
    const signal: SignalSpec = { by, where, value: null };
    return {
      clock: "minutes",
      window,
      needs: [{ signal, from: window + within, to: 0 }],
      judge(view) {
        const table = view.table(signal);
        const start = view.at - window;
        return [...table.groups(start - within, view.at)].flatMap((key) => {
          const before = table.sum(key, "count", start - within, start);
          const observed = table.sum(key, "count", start, view.at);
          if (before + observed === 0) return [];
          return [{
            status: observed === 0 ? "breach" : "normal",
            labels: table.labels(key),
            observed,
            expected: null,
            low: 1,
            high: null,
            unit: "events",
            baseline: "something has to come",
            samples: before,
            windowMinutes: window,
          }];
        });
      },
    };
  },
});
