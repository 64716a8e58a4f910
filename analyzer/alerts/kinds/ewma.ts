/** Beyond what the last hours lead to expect, the newest weighing most: finds steps within a minute or two, without history. */
import { z } from "zod";
import { formatMinutes, minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import { weighted } from "../statistics.ts";
import { bandShape, judgeBand, metricOf, metricShape, RECENT, recentGroups, unjudged } from "./metric.ts";

/** Deviations beyond which a minute of the past moves the baseline no further. */
const CLIP = 3;

export const ewma = defineKind({
  name: "ewma",
  summary: "a step away from what the last hours lead to expect",
  shape: {
    ...byShape(["service"]),
    ...metricShape,
    ...bandShape({ deviations: 6, margin: 0.5, minChange: 10 }),
    window: minutes(1, 60).prefault("1m").describe("Minutes that are judged, each of which has to be beyond the band."),
    halfLife: minutes(5, 1440).prefault("30m").describe("Age at which a minute weighs half."),
    minSamples: z.int().min(10).default(30).describe("With fewer minutes of data nothing is judged."),
  },
  compile(settings, where) {
    const { window, halfLife, minSamples } = settings;
    const metric = metricOf(settings, where);
    const { signal } = metric;
    const lookback = 6 * halfLife;
    const baseline = `the last ${formatMinutes(lookback)}, half-life ${formatMinutes(halfLife)}`;
    const field = signal.value !== null ? "value" : settings.metric === "errors" ? "errors" : "count";
    return {
      clock: "minutes",
      rises: metric.rises,
      window,
      needs: [{ signal, from: Math.max(lookback, RECENT) + window, to: 0 }],
      judge(view) {
        const table = view.table(signal);
        return [...recentGroups(view, signal, window)].map((key) => {
          const start = view.at - window;
          const rest = { labels: table.labels(key), windowMinutes: window };
          const judged = table.values(key, field, start, view.at);
          if (judged.some(Number.isNaN) || !view.hasData(start, view.at)) {
            return { ...unjudged("no_data", metric.unit, baseline), ...rest };
          }
          // Before the topic's first record there are late events alone: next to them all that follows is a jump.
          const from = Math.min(start, Math.max(start - lookback, view.begun));
          const past = table.values(key, field, from, start);
          // What came before the first event is no zero: the group was not there yet.
          const begins = past.findIndex((value) => value > 0);
          const { mean, deviation, samples } = weighted(
            (begins < 0 ? [] : past.slice(begins)).map(metric.scale),
            halfLife,
            CLIP,
            metric.floor,
          );
          if (samples < minSamples) {
            return { ...unjudged("learning", metric.unit, baseline, samples), ...rest, observed: judged[window - 1] };
          }
          const band = { centre: mean, deviation, samples, baseline };
          const verdicts = judged.map((value) => judgeBand(metric, settings, value, band));
          const within = verdicts.find(({ status }) => status === "normal");
          return { ...(within ?? verdicts[window - 1]), ...rest };
        });
      },
    };
  },
});
