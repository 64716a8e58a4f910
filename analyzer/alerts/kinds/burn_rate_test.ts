/**
 * Against the formulas of Google's Site Reliability Workbook, chapter 5: time to detect = (1 − SLO) ÷ error ratio × long window
 * × burn rate; and once the errors end, the short window lets the alert go.
 */
import { expect } from "expect";
import fc from "fast-check";
import { isActive } from "../alert.ts";
import { Bench, START } from "../test_rules.ts";

const EVENTS = 10_000;
/** Minutes of good traffic before the errors begin. */
const QUIET = 4320;

async function detect(pairs: string, errorShare: number, minutes: number, ends = Infinity): Promise<number[]> {
  const bench = new Bench(
    `rules: [{name: slo, kind: burn_rate, objective: 99.9, keepFiring: 0m, minErrors: 1, pairs: ${pairs}}]`,
  );
  for (let minute = -QUIET; minute < minutes; minute++) {
    const isBad = minute >= 0 && minute < ends;
    bench.minutes.set({ service: "checkout" }, START + minute, {
      count: EVENTS,
      errors: isBad ? Math.round(EVENTS * errorShare) : 0,
    });
  }
  await bench.evaluateAt(0);
  const firing: number[] = [];
  for (let at = 1; at <= minutes; at++) {
    await bench.evaluateAt(at);
    if (bench.evaluator.alerts.some(isActive)) firing.push(at);
  }
  return firing;
}

const FAST = "[{factor: 14.4, long: 1h, short: 5m, severity: critical}]";
const SIX_HOURS = "[{factor: 6, long: 6h, short: 30m, severity: critical}]";

/** Whole minutes until the long window is over the rate: more than the formula's, as "at" is not "over". */
const timeToDetect = (share: number, window: number, factor: number): number => {
  const minutes = 0.001 / share * window * factor;
  return Math.floor(minutes + 1e-9) + 1;
};

for (
  const [share, window, factor, pairs] of [
    [1, 60, 14.4, FAST],
    [0.1, 60, 14.4, FAST],
    [0.05, 60, 14.4, FAST],
    [0.02, 60, 14.4, FAST],
    [0.1, 360, 6, SIX_HOURS],
    [0.01, 360, 6, SIX_HOURS],
  ] as const
) {
  Deno.test(`${share * 100} % errors reach ${factor} times the budget of ${window} minutes when the workbook says`, async () => {
    const expected = timeToDetect(share, window, factor);
    const firing = await detect(pairs, share, expected + 3);
    expect(firing[0]).toBe(expected);
  });
}

Deno.test("an outage of a minute is told, and the short window ends the alert within five minutes", async () => {
  const firing = await detect(FAST, 1, 20, 2);
  // Two minutes of nothing but errors: the hour's rate is 33 times the budget; the last errors leave five minutes later.
  expect(firing).toEqual([1, 2, 3, 4, 5, 6]);
});

Deno.test("errors below the rate never fire, however long", async () => {
  expect(await detect(FAST, 0.0143, 90)).toEqual([]);
  expect((await detect(FAST, 0.0145, 90))[0]).toBe(60);
});

Deno.test("any row of minutes fires exactly where naive sums over both windows say so", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.nat(50), bad: fc.integer({ min: 0, max: 4 }) }), { minLength: 40, maxLength: 90 }),
      async (row) => {
        const bench = new Bench(
          "rules: [{name: slo, kind: burn_rate, objective: 99, keepFiring: 0m, minErrors: 3, " +
            "pairs: [{factor: 4, long: 24m, short: 2m, severity: critical}]}]",
        );
        // A heartbeat of another service, so that an empty minute is zero and not a gap.
        const cells = row.map(({ count, bad }) => ({ count, errors: Math.min(count, bad) }));
        cells.forEach((cell, i) => {
          bench.minutes.set({ service: "a" }, START + i, cell);
          bench.minutes.set({ service: "b" }, START + i, { count: 1, errors: 0 });
        });
        const sum = (from: number, to: number, field: "count" | "errors"): number =>
          cells.slice(Math.max(0, from), to).reduce((total, cell) => total + cell[field], 0);
        let was = false;
        for (let at = 1; at <= cells.length; at++) {
          await bench.evaluateAt(at);
          const burns = [24, 2].map((window) => ({
            errors: sum(at - window, at, "errors"),
            count: sum(at - window, at, "count"),
          }));
          // Without an event in the long window there are no data, and the state stays.
          if (burns[0].count > 0) {
            was = burns[0].errors >= 3 && burns.every(({ errors, count }) => errors * 100 > 4 * count);
          }
          expect(bench.evaluator.alerts.some((alert) => isActive(alert) && alert.labels.service === "a")).toBe(was);
        }
      },
    ),
    { numRuns: 60 },
  );
});
