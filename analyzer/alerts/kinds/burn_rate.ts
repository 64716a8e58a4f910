/**
 * Several windows, several burn rates, after chapter 5 of Google's Site Reliability Workbook ("Alerting on SLOs", method
 * 6): a burn rate of 1 spends the whole error budget of the period. The long window tells that enough of it was spent, the
 * short one (a twelfth) that it still is being spent.
 */
import { z } from "zod";
import { SEVERITIES } from "../../notify/notice.ts";
import type { Verdict } from "../alert.ts";
import { formatMinutes, minutes } from "../durations.ts";
import { byShape, defineKind } from "../rule.ts";
import type { SignalSpec } from "../signal_table.ts";
import { wilsonLow } from "../statistics.ts";
import type { View } from "../view.ts";
import { RECENT, unjudged } from "./metric.ts";

const pair = z.strictObject({
  factor: z.number().gt(0).describe("Burn rate that is a breach."),
  long: minutes(5, 20_160).describe("The long window."),
  short: minutes(1, 20_160).describe("The short window."),
  severity: z.enum(SEVERITIES),
});
type Pair = z.output<typeof pair>;

/** 2 % of 30 days' budget in an hour, 5 % in 6 hours: page; 10 % in a day, 10 % in 3 days: a ticket. */
const WORKBOOK: z.input<typeof pair>[] = [
  { factor: 14.4, long: "1h", short: "5m", severity: "critical" },
  { factor: 6, long: "6h", short: "30m", severity: "critical" },
  { factor: 3, long: "1d", short: "2h", severity: "warning" },
  { factor: 1, long: "3d", short: "6h", severity: "warning" },
];

export const burnRate = defineKind({
  name: "burn_rate",
  summary: "an error budget that is spent too fast (pairs of windows of the SRE workbook)",
  shape: {
    ...byShape(["service"]),
    objective: z.number().gt(0).lt(100).describe("Share of events, in per cent, that have to be no errors: 99.9."),
    pairs: z.array(pair).min(1).max(8).prefault(WORKBOOK).describe("Windows with their burn rates and severities."),
    minErrors: z.int().min(1).default(10).describe(
      "Fewer errors in the long window are no breach: for little traffic.",
    ),
    confidence: z.number().min(0).max(10).default(0).describe(
      "Deviations that the short window's share has to be above the limit by: few events of a small service do not fire.",
    ),
  },
  check: ({ pairs, objective }) => {
    const wrong = pairs.findIndex(({ long, short }) => short >= long);
    if (wrong >= 0) return { key: "pairs", message: "a short window is not shorter than the long one" };
    // A burn rate that would need more than every event to be an error never fires.
    const budget = 1 - objective / 100;
    const never = pairs.find(({ factor }) => factor * budget >= 1);
    return never === undefined ? null : {
      key: "pairs",
      message:
        `no share of errors burns ${never.factor} times the budget of an objective of ${objective} %: it never fires`,
    };
  },
  compile({ by, objective, pairs, minErrors, confidence }, where) {
    const signal: SignalSpec = { by, where, value: null };
    const budget = 1 - objective / 100;
    const longest = Math.max(...pairs.map(({ long }) => long));

    function judgePair(view: View, key: string, { factor, long, short, severity }: Pair): Verdict {
      const table = view.table(signal);
      const burnOver = (window: number): number => {
        const count = table.sum(key, "count", view.at - window, view.at);
        return count === 0 ? 0 : table.sum(key, "errors", view.at - window, view.at) / count / budget;
      };
      const rest = {
        labels: { ...table.labels(key), burn_rate: `${factor}x` },
        windowMinutes: long,
        severity,
      };
      const count = table.sum(key, "count", view.at - long, view.at);
      const baseline = `${objective} % of events without error; windows ${formatMinutes(long)} and ${
        formatMinutes(short)
      }`;
      if (count === 0) return { ...unjudged("no_data", "times the budget", baseline), ...rest };
      const errors = table.sum(key, "errors", view.at - long, view.at);
      const [burnLong, burnShort] = [burnOver(long), burnOver(short)];
      const recent = table.sum(key, "count", view.at - short, view.at);
      const recentErrors = table.sum(key, "errors", view.at - short, view.at);
      const surely = recent === 0 ? 0 : wilsonLow(recentErrors, recent, confidence) / budget;
      return {
        ...rest,
        // A rounding of the budget (1 - 0.999) must not decide at the very limit.
        status: errors >= minErrors && Math.min(burnLong, surely) > factor * (1 + 1e-9) ? "breach" : "normal",
        observed: burnLong,
        expected: 1,
        low: null,
        high: factor,
        unit: "times the budget",
        baseline,
        samples: count,
        detail: `${errors} errors of ${count} events in ${formatMinutes(long)}; ${burnShort.toFixed(1)} times in the ` +
          `last ${formatMinutes(short)}`,
      };
    }
    return {
      clock: "minutes",
      rises: true,
      // The short windows decide when; of long ones, late events move little.
      window: Math.min(...pairs.map(({ short }) => short)),
      needs: [{ signal, from: longest, to: 0 }],
      judge: (view) =>
        [...view.table(signal).groups(view.at - Math.max(longest, RECENT), view.at)].flatMap((key) =>
          pairs.map((one) => judgePair(view, key, one))
        ),
    };
  },
});
