import { expect } from "expect";
import fc from "fast-check";
import { Budget, type BudgetLimits } from "./budget.ts";
import { BUDGET_KEY, type BudgetLedger, ownLedger, SharedBudget } from "./shared_budget.ts";
import { DAY, NOON, UNLIMITED } from "./test_budget.ts";

Deno.test("what one analyzer was admitted another has to do without, and what it gives back another may take", async () => {
  const ledger = ownLedger();
  const limits = { ...UNLIMITED, tokensPerDay: 3_000, coolDownSeconds: 600 };
  const [a, b] = [new SharedBudget(limits, ledger), new SharedBudget(limits, ledger)];
  const first = await a.admit(NOON, "f", 1_000, 1_000);
  if (first.kind !== "admitted") throw new Error("refused");
  expect(await b.admit(NOON, "f", 1, 1)).toMatchObject({ kind: "resting" });
  expect(await b.admit(NOON, "g", 1_000, 1_000)).toMatchObject({ kind: "refused", limit: "tokensPerDay" });
  expect(b.status(NOON).day).toMatchObject({ calls: 1, tokens: 2_000 });
  await a.settle(NOON, first.reservation, { tokensIn: 500, tokensOut: 100 });
  await a.wake(NOON, "f");
  expect((await b.admit(NOON, "f", 1_000, 1_000)).kind).toBe("admitted");
  expect((await b.reserve(NOON, 1_000, 1_000)).kind).toBe("refused");
});

Deno.test("where the store fails nothing is admitted, and nobody throws", async () => {
  const failing: BudgetLedger = {
    get: () => Promise.resolve(null),
    compareAndSet: () => Promise.reject(new Error("the store is away")),
  };
  const budget = new SharedBudget(UNLIMITED, failing);
  expect(await budget.admit(NOON, "f", 1, 1)).toEqual({ kind: "unavailable", reason: "the store is away" });
  expect(await budget.reserve(NOON, 1, 1)).toEqual({ kind: "unavailable", reason: "the store is away" });
  const reservation = { second: 0, day: 0, spending: { calls: 1, tokens: 2, nanoUsd: 3 } };
  await budget.settle(NOON, reservation, null);
  await budget.wake(NOON, "f");
});

Deno.test("where others are always faster it ends, with nothing admitted", async () => {
  const budget = new SharedBudget(UNLIMITED, {
    get: () => Promise.resolve(null),
    compareAndSet: () => Promise.resolve(false),
  });
  expect(await budget.admit(NOON, "f", 1, 1)).toMatchObject({ kind: "unavailable" });
});

Deno.test("one whose clock is behind at midnight spends of the day that the others are in", async () => {
  const ledger = ownLedger();
  const limits = { ...UNLIMITED, callsPerDay: 2 };
  const [ahead, behind] = [new SharedBudget(limits, ledger), new SharedBudget(limits, ledger)];
  const midnight = NOON + DAY / 2;
  expect((await ahead.admit(midnight + 10, "a", 1, 1)).kind).toBe("admitted");
  expect((await behind.admit(midnight - 10, "b", 1, 1)).kind).toBe("admitted");
  expect((await ahead.admit(midnight + 20, "c", 1, 1)).kind).toBe("refused");
  expect((await behind.admit(midnight - 5, "d", 1, 1)).kind).toBe("refused");
});

Deno.test("an answer that comes when its minute is over leaves a budget that can be read", async () => {
  const ledger = ownLedger();
  const budget = new SharedBudget({ ...UNLIMITED, callsPerDay: 1 }, ledger);
  const admission = await budget.admit(NOON, "f", 1_000, 1_000);
  if (admission.kind !== "admitted") throw new Error("refused");
  await budget.wake(NOON + 120_000, "g");
  await budget.settle(NOON + 120_000, admission.reservation, { tokensIn: 10, tokensOut: 10 });
  expect((await budget.admit(NOON + 120_000, "h", 1, 1)).kind).toBe("refused");
  expect(budget.status(NOON + 120_000)).toMatchObject({
    minute: { calls: 0, tokens: 0 },
    day: { calls: 1, tokens: 20 },
  });
});

/** What one analyzer does with one error. */
const callOf = fc.record({
  tokensIn: fc.integer({ min: 1, max: 400 }),
  tokensOut: fc.integer({ min: 1, max: 400 }),
  /** Of what was reserved. */
  taken: fc.double({ min: 0, max: 1, noNaN: true }),
  end: fc.constantFrom("settles", "settles", "settles", "dies before the call", "dies after the call"),
});

Deno.test("analyzers that race, die and lose answers of the store never spend more than the budget together", async () => {
  const analyzers = fc.array(fc.array(callOf, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 4 });
  const faults = fc.infiniteStream(fc.constantFrom("none", "none", "none", "none", "before", "after"));
  const limits: BudgetLimits = { ...UNLIMITED, tokensPerDay: 3_000, callsPerDay: 12 };
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), analyzers, faults, async (scheduler, all, failing) => {
      const kept = ownLedger();
      const faultOf = failing[Symbol.iterator]();
      const ledger: BudgetLedger = {
        get: (key) => scheduler.schedule(Promise.resolve()).then(() => kept.get(key)),
        async compareAndSet(key, expected, value) {
          await scheduler.schedule(Promise.resolve());
          const fault = faultOf.next().value;
          if (fault === "before") throw new Error("lost");
          const isSet = await kept.compareAndSet(key, expected, value);
          await scheduler.schedule(Promise.resolve());
          if (fault === "after") throw new Error("lost");
          return isSet;
        },
      };
      const server = { calls: 0, tokens: 0 };
      /** One process: it dies with the first call that it dies of. */
      const run = async (calls: typeof all[number]): Promise<void> => {
        const budget = new SharedBudget(limits, ledger);
        for (const { tokensIn, tokensOut, taken, end } of calls) {
          const admission = await budget.reserve(NOON, tokensIn, tokensOut);
          if (admission.kind !== "admitted") continue;
          if (end === "dies before the call") return;
          const took = { tokensIn: Math.floor(tokensIn * taken), tokensOut: Math.floor(tokensOut * taken) };
          await scheduler.schedule(Promise.resolve());
          server.calls++;
          server.tokens += took.tokensIn + took.tokensOut;
          if (end === "dies after the call") return;
          await budget.settle(NOON, admission.reservation, took);
        }
      };
      await scheduler.waitFor(Promise.all(all.map(run)));
      expect(server.calls).toBeLessThanOrEqual(12);
      expect(server.tokens).toBeLessThanOrEqual(3_000);
      // What is kept is never less than what was spent.
      const { day } = new Budget(limits, await kept.get(BUDGET_KEY)).status(NOON);
      expect(day.calls).toBeGreaterThanOrEqual(server.calls);
      expect(day.tokens).toBeGreaterThanOrEqual(server.tokens);
    }),
    { numRuns: 150 },
  );
});
