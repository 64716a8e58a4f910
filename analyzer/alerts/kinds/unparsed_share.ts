/** Records that could not be parsed, as a share of all: a format that changed, a sender that broke. */
import { z } from "zod";
import { UNPARSED } from "../../../core/minutes/fields.ts";
import { minutes } from "../durations.ts";
import { defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";
import { HEARTBEAT } from "../signal_table.ts";
import { wilsonLow } from "../statistics.ts";
import { RECENT, unjudged } from "./metric.ts";

export const unparsedShare = defineKind({
  name: "unparsed_share",
  summary: "records that could not be parsed, as a share of all",
  shape: {
    above: z.number().min(0).lt(1).default(0.01).describe("Share of records that may be unparsed: 0.01 is 1 %."),
    window: minutes(1, 1440).prefault("5m").describe("Minutes that are judged together."),
    minUnparsed: z.int().min(1).default(10).describe("Fewer unparsed records are no breach."),
  },
  compile({ above, window, minUnparsed }) {
    const signal: SignalSpec = {
      by: [],
      where: [{ field: "level", op: "in", values: [UNPARSED] }],
      value: null,
    };
    return {
      clock: "minutes",
      rises: true,
      window,
      needs: [{ signal, from: window + RECENT, to: 0 }, { signal: HEARTBEAT, from: window + RECENT, to: 0 }],
      judge(view) {
        const [from, to] = [view.at - window, view.at];
        const records = view.table(HEARTBEAT).sum("[]", "count", from, to);
        const unparsed = view.table(signal).sum("[]", "count", from, to);
        const rest = { labels: {}, windowMinutes: window };
        if (records === 0) return [{ ...unjudged("no_data", "share", "fixed"), ...rest }];
        const isBreach = unparsed >= minUnparsed && wilsonLow(unparsed, records, 3) > above;
        return [{
          ...rest,
          status: isBreach ? "breach" : "normal",
          observed: unparsed / records,
          expected: null,
          low: null,
          high: above,
          unit: "share",
          baseline: "fixed",
          samples: records,
          detail: `${unparsed} of ${records} records are in quarantine`,
        }];
      },
    };
  },
});
