/**
 * What is usual at this hour of the week: median and median absolute deviation of the same time in the weeks before, so
 * that three in the morning is not judged by noon, and half of the weeks may have had incidents.
 */
import { z } from "zod";
import { minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import { median, robustDeviation } from "../statistics.ts";
import type { View } from "../view.ts";
import { bandShape, judgeBand, metricOf, metricShape, RECENT, recentGroups, unjudged } from "./metric.ts";

const WEEK = 10_080;
/** Windows of a week before are taken from so many minutes on either side of the same time. */
const REACH = 30;

export const hourOfWeek = defineKind({
  name: "hour_of_week",
  summary: "beyond what is usual at this hour of the week (median and deviation of the weeks before)",
  shape: {
    ...byShape(["service"]),
    ...metricShape,
    ...bandShape({ deviations: 5, margin: 0.5, minChange: 10 }),
    window: minutes(1, 60).prefault("5m").describe("Minutes that are judged together."),
    weeks: z.int().min(1).max(8).default(4).describe("Weeks before that are looked at."),
    minWeeks: z.int().min(1).max(8).default(2).describe("With fewer weeks of data nothing is judged."),
  },
  check: ({ weeks, minWeeks }) =>
    minWeeks > weeks ? { key: "minWeeks", message: `more than weeks (${weeks}): nothing would ever be judged` } : null,
  compile(settings, where) {
    const { window, weeks, minWeeks } = settings;
    const metric = metricOf(settings, where);
    const { signal } = metric;
    const baseline = `this hour of the week, ${weeks} weeks`;

    /** The windows of the weeks before, and how many weeks had data. */
    function samplesOf(view: View, key: string): { readonly samples: number[]; readonly known: number } {
      const table = view.table(signal);
      const samples: number[] = [];
      let known = 0;
      for (let week = 1; week <= weeks; week++) {
        const centre = view.at - week * WEEK;
        if (!view.hasData(centre - REACH - window, centre + REACH)) continue;
        known++;
        for (let shift = -REACH; shift <= REACH; shift += window) {
          const value = metric.read(table, key, centre + shift - window, centre + shift);
          if (!Number.isNaN(value)) samples.push(metric.scale(value));
        }
      }
      return { samples, known };
    }

    return {
      clock: "minutes",
      rises: metric.rises,
      window,
      needs: [
        { signal, from: window + RECENT, to: 0 },
        ...Array.from({ length: weeks }, (_, i) => (i + 1) * WEEK).map((back) => ({
          signal,
          from: back + REACH + window,
          to: back - REACH,
        })),
      ],
      judge(view) {
        const table = view.table(signal);
        return [...recentGroups(view, signal, window)].map((key) => {
          const rest = { labels: table.labels(key), windowMinutes: window };
          const observed = metric.read(table, key, view.at - window, view.at);
          if (Number.isNaN(observed) || !view.hasData(view.at - window, view.at)) {
            return { ...unjudged("no_data", metric.unit, baseline), ...rest };
          }
          const { samples, known } = samplesOf(view, key);
          if (known < minWeeks || samples.length < 2) {
            return { ...unjudged("learning", metric.unit, baseline, samples.length), ...rest, observed };
          }
          const centre = median(samples);
          const deviation = robustDeviation(samples, centre);
          const band = { centre, deviation, samples: samples.length, baseline };
          return { ...judgeBand(metric, settings, observed, band), ...rest };
        });
      },
    };
  },
});
