/** A dimension at its cap: values beyond it are counted together as `__other__`, and cannot be told apart any more. */
import { z } from "zod";
import { type Dimension, DIMENSIONS, OTHER } from "../../../core/minutes/fields.ts";
import { minutes } from "../durations.ts";
import { defineKind } from "../rule.ts";
import { HEARTBEAT, type SignalSpec } from "../signal_table.ts";
import { RECENT, unjudged } from "./metric.ts";

export const cappedDimension = defineKind({
  name: "capped_dimension",
  summary: "a dimension at its cap: further values are counted together",
  shape: {
    dimensions: z.array(z.enum(DIMENSIONS)).min(1).default(["service", "endpoint", "host", "event_type"])
      .describe("Dimensions to look at."),
    above: z.number().min(0).lt(1).default(0).describe("Share of events that may be counted together."),
    window: minutes(1, 1440).prefault("5m").describe("Minutes that are judged together."),
  },
  compile({ dimensions, above, window }) {
    const signalOf = (dimension: Dimension): SignalSpec => ({
      by: [],
      where: [{ field: dimension, op: "in", values: [OTHER] }],
      value: null,
    });
    return {
      clock: "minutes",
      window,
      needs: [...dimensions.map(signalOf), HEARTBEAT].map((signal) => ({ signal, from: window + RECENT, to: 0 })),
      judge(view) {
        const [from, to] = [view.at - window, view.at];
        const records = view.table(HEARTBEAT).sum("[]", "count", from, to);
        return dimensions.map((dimension) => {
          const rest = { labels: { dimension }, windowMinutes: window };
          if (records === 0) return { ...unjudged("no_data", "share", "fixed"), ...rest };
          const other = view.table(signalOf(dimension)).sum("[]", "count", from, to);
          return {
            ...rest,
            status: other / records > above ? "breach" : "normal",
            observed: other / records,
            expected: 0,
            low: null,
            high: above,
            unit: "share",
            baseline: "fixed",
            samples: records,
            detail: `${other} of ${records} events have a value beyond the cap of ${dimension}`,
          };
        });
      },
    };
  },
});
