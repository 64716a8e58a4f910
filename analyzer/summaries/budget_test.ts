import { expect } from "expect";
import fc from "fast-check";
import { Budget, type BudgetLimits, LIMIT_NAMES, type Reservation } from "./budget.ts";
import { DAY, NOON, UNLIMITED } from "./test_budget.ts";

const admitted = (
  budget: Budget,
  nowMs: number,
  fingerprint = "f",
  tokensIn = 1000,
  tokensOut = 500,
): Reservation | null => {
  const admission = budget.admit(nowMs, fingerprint, tokensIn, tokensOut);
  return admission.kind === "admitted" ? admission.reservation : null;
};

Deno.test("calls a minute are those of the last 60 seconds", () => {
  const budget = new Budget({ ...UNLIMITED, callsPerMinute: 2 });
  expect(admitted(budget, NOON)).not.toBeNull();
  expect(admitted(budget, NOON + 30_000)).not.toBeNull();
  expect(budget.admit(NOON + 59_000, "f", 1, 1)).toEqual({
    kind: "refused",
    limit: "callsPerMinute",
    retryAfterMs: 1000,
  });
  expect(admitted(budget, NOON + 60_000)).not.toBeNull();
  expect(admitted(budget, NOON + 60_001)).toBeNull();
});

Deno.test("money is counted by the prices, and starts anew with the day in UTC", () => {
  const budget = new Budget({ ...UNLIMITED, usdPerDay: 0.0005 });
  expect(budget.usdOf(1000, 500)).toBeCloseTo(0.00045, 12);
  expect(admitted(budget, NOON)).not.toBeNull();
  expect(budget.admit(NOON + 1, "g", 1000, 500)).toEqual({
    kind: "refused",
    limit: "usdPerDay",
    retryAfterMs: DAY / 2 - 1,
  });
  expect(admitted(budget, NOON + DAY / 2)).not.toBeNull();
});

Deno.test("an estimate gives way to what was taken; a refusal costs no tokens; silence keeps the estimate", () => {
  const budget = new Budget({ ...UNLIMITED, tokensPerDay: 3000 });
  const first = admitted(budget, NOON);
  const second = admitted(budget, NOON);
  if (first === null || second === null) throw new Error("refused");
  expect(admitted(budget, NOON)).toBeNull();
  budget.settle(first, { tokensIn: 400, tokensOut: 100 });
  expect(budget.status(NOON).day).toEqual({ calls: 2, tokens: 2000, nanoUsd: 400 * 150 + 100 * 600 + 450_000 });
  budget.settle(second, null);
  expect(budget.status(NOON).day).toEqual({ calls: 2, tokens: 500, nanoUsd: 120_000 });
  expect(admitted(budget, NOON)).not.toBeNull();
  expect(budget.status(NOON).day.tokens).toBe(2000);
});

Deno.test("an answer that comes after midnight counts for the day of its question", () => {
  const budget = new Budget({ ...UNLIMITED, tokensPerDay: 3000 });
  const late = admitted(budget, NOON);
  expect(admitted(budget, NOON + DAY)).not.toBeNull();
  if (late !== null) budget.settle(late, { tokensIn: 0, tokensOut: 0 });
  expect(budget.status(NOON + DAY).day).toMatchObject({ calls: 1, tokens: 1500 });
});

Deno.test("an error rests after a call; others do not; it may be woken", () => {
  const budget = new Budget({ ...UNLIMITED, coolDownSeconds: 600 });
  expect(admitted(budget, NOON, "a")).not.toBeNull();
  expect(budget.admit(NOON + 1000, "a", 1, 1)).toEqual({ kind: "resting", retryAfterMs: 599_000 });
  expect(admitted(budget, NOON + 1000, "b")).not.toBeNull();
  expect(budget.status(NOON + 1000).resting).toBe(2);
  budget.wake("b");
  expect(admitted(budget, NOON + 1001, "b")).not.toBeNull();
  expect(admitted(budget, NOON + 600_000, "a")).not.toBeNull();
});

Deno.test("what was refused lets nothing rest and costs nothing", () => {
  const budget = new Budget({ ...UNLIMITED, callsPerDay: 1, coolDownSeconds: 600 });
  expect(admitted(budget, NOON, "a")).not.toBeNull();
  expect(admitted(budget, NOON, "b")).toBeNull();
  expect(budget.status(NOON)).toMatchObject({ resting: 1, day: { calls: 1 } });
});

Deno.test("a restart forgets nothing that still counts", () => {
  const limits = { ...UNLIMITED, callsPerMinute: 2, callsPerDay: 5, coolDownSeconds: 600 };
  const before = new Budget(limits);
  admitted(before, NOON, "a");
  admitted(before, NOON + 1000, "b");
  const after = new Budget(limits, before.state(NOON + 2000));
  expect(after.status(NOON + 2000)).toEqual(before.status(NOON + 2000));
  expect(admitted(after, NOON + 3000, "c")).toBeNull();
  expect(after.admit(NOON + 3000, "a", 1, 1).kind).toBe("resting");
});

Deno.test("a state that cannot be read counts as nothing spent", () => {
  for (
    const state of [
      "",
      "{",
      "null",
      "[]",
      '{"version":2}',
      '{"version":1,"day":-1}',
      '{"version":1,"day":1,"spent":[1,2],"seconds":[],"rests":[]}',
    ]
  ) {
    expect(new Budget(UNLIMITED, state).status(NOON)).toEqual(new Budget(UNLIMITED).status(NOON));
  }
});

Deno.test("errors at rest are bounded, however many there are", () => {
  const budget = new Budget({ ...UNLIMITED, coolDownSeconds: 600 });
  for (let i = 0; i < 12_000; i++) budget.admit(NOON, `f${i}`, 1, 1);
  expect(budget.status(NOON).resting).toBe(10_000);
  expect(budget.state(NOON).length).toBeLessThan(400_000);
});

/** What a budget should say, by adding all up again from a list of what was ever admitted. */
class Recount {
  readonly calls: { atMs: number; tokensIn: number; tokensOut: number }[] = [];
  constructor(readonly limits: BudgetLimits) {}

  totals(nowMs: number, scope: "Minute" | "Day"): { calls: number; tokens: number; usd: number } {
    const counted = this.calls.filter(({ atMs }) =>
      scope === "Day"
        ? new Date(atMs).toISOString().slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10)
        : Math.floor(nowMs / 1000) - Math.floor(atMs / 1000) < 60
    );
    const total = (value: (call: Recount["calls"][number]) => number) =>
      counted.reduce((all, call) => all + value(call), 0);
    return {
      calls: counted.length,
      tokens: total(({ tokensIn, tokensOut }) => tokensIn + tokensOut),
      usd: total(({ tokensIn, tokensOut }) => tokensIn * 0.15 / 1e6 + tokensOut * 0.6 / 1e6),
    };
  }

  takes(nowMs: number, tokensIn: number, tokensOut: number): boolean {
    const more = { calls: 1, tokens: tokensIn + tokensOut, usd: tokensIn * 0.15 / 1e6 + tokensOut * 0.6 / 1e6 };
    return (["Minute", "Day"] as const).every((scope) =>
      (["calls", "tokens", "usd"] as const).every((kind) => {
        const limit = this.limits[`${kind}Per${scope}`];
        return limit === 0 || this.totals(nowMs, scope)[kind] + more[kind] <= limit + 1e-12;
      })
    );
  }
}

Deno.test("any run of calls, answers and restarts is admitted and counted as a recount says", () => {
  const limit = (max: number, unit: number) => fc.integer({ min: 0, max }).map((n) => n * unit);
  const limits = fc.record({
    callsPerMinute: limit(6, 1),
    callsPerDay: limit(20, 1),
    tokensPerMinute: limit(10, 700),
    tokensPerDay: limit(30, 700),
    usdPerMinute: limit(10, 0.0002),
    usdPerDay: limit(30, 0.0002),
  });
  const step = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: DAY / 4 })),
    tokensIn: fc.integer({ min: 0, max: 100 }).map((n) => n * 20),
    tokensOut: fc.integer({ min: 0, max: 50 }).map((n) => n * 20),
    answer: fc.constantFrom("none", "refused", "half"),
    restarts: fc.boolean(),
  });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 40 }), (some, steps) => {
      const all: BudgetLimits = { ...UNLIMITED, ...some };
      const recount = new Recount(all);
      let budget = new Budget(all);
      let now = NOON;
      for (const { afterMs, tokensIn, tokensOut, answer, restarts } of steps) {
        now += afterMs;
        if (restarts) budget = new Budget(all, budget.state(now));
        const admission = budget.admit(now, "f", tokensIn, tokensOut);
        expect(admission.kind === "admitted").toBe(recount.takes(now, tokensIn, tokensOut));
        if (admission.kind === "refused") {
          expect(LIMIT_NAMES).toContain(admission.limit);
          expect(admission.retryAfterMs).toBeGreaterThan(0);
        }
        if (admission.kind !== "admitted") continue;
        const taken = answer === "none"
          ? { tokensIn, tokensOut }
          : answer === "refused"
          ? { tokensIn: 0, tokensOut: 0 }
          : { tokensIn: tokensIn / 2, tokensOut: tokensOut / 2 };
        if (answer !== "none") budget.settle(admission.reservation, answer === "refused" ? null : taken);
        recount.calls.push({ atMs: now, ...taken });
        for (
          const [scope, status] of [["Minute", budget.status(now).minute], ["Day", budget.status(now).day]] as const
        ) {
          const { calls, tokens, usd } = recount.totals(now, scope);
          expect([status.calls, status.tokens, Math.round(status.nanoUsd)]).toEqual([
            calls,
            tokens,
            Math.round(usd * 1e9),
          ]);
        }
      }
    }),
    { numRuns: 300 },
  );
});
