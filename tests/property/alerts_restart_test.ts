/** Alerts through crashes at any moment: nobody is told twice, nothing is lost. */
import { expect } from "expect";
import fc from "fast-check";
import type { AlertNotice } from "../../analyzer/alerts/alert_notice.ts";
import { AlertEvaluator } from "../../analyzer/alerts/evaluator.ts";
import { MemoryMinutes } from "../../analyzer/alerts/memory_minutes.ts";
import { LATENESS_MS, MemoryLedger, ruleSetOf, START, TOPIC } from "../../analyzer/alerts/test_rules.ts";

const RULES = ruleSetOf(`
rules:
  - {name: errors, kind: threshold, metric: errors, window: 1m, above: 10, by: [service], keepFiring: 1m, severity: critical}
  - {name: few, kind: threshold, metric: errors, window: 2m, above: 4, by: [service], for: 2m, keepFiring: 2m}
routes:
  - {groupInterval: 2m, repeatInterval: 7m}
inhibit:
  - {source: [rule=errors], target: [rule=few]}
`);

type Crash = "none" | "before_ledger" | "after_ledger" | "before_notices" | "after_notices" | "after_all";

/** Who delivers: one message an id, which shows the newest notice of that id. */
class Messages {
  readonly shown = new Map<string, string>();
  readonly order: string[] = [];

  take(notices: readonly AlertNotice[]): void {
    for (const notice of notices) {
      if (!this.shown.has(notice.id)) this.order.push(`${notice.id} at ${notice.updatedMs}`);
      this.shown.set(notice.id, JSON.stringify(notice));
    }
  }
}

class Crashed extends Error {}

/** Runs the minutes; each entry of `crashes` strikes once, at the next place of its kind in its minute. */
async function run(rows: readonly (readonly number[])[], crashes: readonly Crash[]): Promise<Messages> {
  const minutes = new MemoryMinutes(TOPIC);
  const ledger = new MemoryLedger();
  const messages = new Messages();
  let pending: Crash = "none";
  const strike = (place: Crash): void => {
    if (pending !== place) return;
    pending = "none";
    throw new Crashed();
  };
  let isDown = false;
  const crashing = async <T>(before: Crash, after: Crash, act: () => Promise<T> | T): Promise<T> => {
    if (isDown) throw new Crashed();
    try {
      strike(before);
      const result = await act();
      strike(after);
      return result;
    } catch (error) {
      // A process that is gone does nothing more.
      isDown = error instanceof Crashed;
      throw error;
    }
  };
  const start = (): AlertEvaluator =>
    new AlertEvaluator({
      source: minutes,
      ledger: {
        get: (key) => ledger.get(key),
        compareAndSet: (key, expected, value) =>
          crashing("before_ledger", "after_ledger", () => ledger.compareAndSet(key, expected, value)),
      },
      rules: () => RULES,
      onNotices: (notices) => crashing("before_notices", "after_notices", () => messages.take(notices)),
      onProblem: () => {},
    });
  let evaluator = start();
  for (const [at, row] of rows.entries()) {
    row.forEach((errors, i) => minutes.set({ service: `s${i}` }, START + at, { count: 100, errors }));
    minutes.finalUntil = START + at + 1;
    pending = crashes[at] ?? "none";
    for (let attempt = 0; attempt < 2; attempt++) {
      await evaluator.evaluate((START + at + 1) * 60_000 + LATENESS_MS);
      if (isDown || pending === "after_all") evaluator = start();
      isDown = false;
    }
  }
  return messages;
}

const crash = fc.constantFrom<Crash[]>(
  "none",
  "before_ledger",
  "after_ledger",
  "before_notices",
  "after_notices",
  "after_all",
);

Deno.test("whatever crashes when, the same messages are shown as without a crash", async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(0, 3, 20), fc.constantFrom(0, 0, 20)), { minLength: 1, maxLength: 40 }),
      fc.array(crash, { maxLength: 40 }),
      async (rows, crashes) => {
        const quiet = await run(rows, []);
        const stormy = await run(rows, crashes);
        expect(stormy.order).toEqual(quiet.order);
        expect([...stormy.shown]).toEqual([...quiet.shown]);
        told += quiet.order.length;
      },
    ),
    { numRuns: 150 },
  );
  expect(told).toBeGreaterThan(100);
});

Deno.test("a crash of every kind at every minute of a long incident", async () => {
  const rows = [0, 20, 20, 3, 3, 3, 3, 0, 0, 0, 0, 3, 3, 3, 20, 0, 0, 0, 0, 0].map((errors) => [errors, 0]);
  const quiet = await run(rows, []);
  expect(quiet.order.length).toBeGreaterThan(2);
  for (const kind of ["before_ledger", "after_ledger", "before_notices", "after_notices", "after_all"] as const) {
    for (let at = 0; at < rows.length; at++) {
      const crashes = rows.map((_, i): Crash => i === at ? kind : "none");
      const stormy = await run(rows, crashes);
      expect({ kind, at, shown: [...stormy.shown] }).toEqual({ kind, at, shown: [...quiet.shown] });
    }
  }
});
