import { expect } from "expect";
import fc from "fast-check";
import type { Instance, Verdict } from "./alert.ts";
import { FORGET_MINUTES, reconcile, step, type Timing } from "./state_machine.ts";
import { verdictOf } from "./test_rules.ts";

const timing = (changes: Partial<Timing> = {}): Timing => ({
  name: "rule",
  severity: "warning",
  forMinutes: 0,
  keepFiringMinutes: 0,
  noData: "keep",
  ...changes,
});
const VERDICTS = { b: "breach", n: "normal", d: "no_data", l: "learning" } as const;
const toVerdict = (letter: string): Verdict | null =>
  letter === "b" || letter === "n" || letter === "d" || letter === "l" ? verdictOf(VERDICTS[letter]) : null;

/** States after each verdict: b reach, n ormal, d (no data), l earning, - (nobody spoke); i pending... in capitals. */
function run(letters: string, rule: Timing): string {
  let instance: Instance | null = null;
  return [...letters].map((letter, minute) => {
    instance = step(instance, toVerdict(letter), minute, rule, "logs");
    return ({ pending: "P", firing: "F", recovering: "R", resolved: "." } as const)[instance?.state ?? "resolved"];
  }).join("");
}

Deno.test("a breach fires at once, or once it has lasted", () => {
  expect(run("nbbn", timing())).toBe(".FF.");
  expect(run("nbbbbn", timing({ forMinutes: 2 }))).toBe(".PPFF.");
  expect(run("nbbnbbbn", timing({ forMinutes: 2 }))).toBe(".PP.PPF.");
});

Deno.test("what recovers fires again without a new beginning, and is resolved once it has been well", () => {
  expect(run("bnnbnnnn", timing({ keepFiringMinutes: 2 }))).toBe("FRRFRR..");
});

Deno.test("no data is not zero: kept, taken for well or for a breach, as the rule says", () => {
  expect(run("bddn", timing())).toBe("FFF.");
  expect(run("dd", timing())).toBe("..");
  expect(run("bdn", timing({ noData: "ok" }))).toBe("F..");
  expect(run("nddn", timing({ noData: "alert" }))).toBe(".FF.");
});

Deno.test("who only learns never fires", () => {
  expect(run("llll", timing({ noData: "alert" }))).toBe("....");
});

Deno.test("a group that nobody speaks of any more is resolved in the end", () => {
  const states = run(`b${"-".repeat(FORGET_MINUTES + 1)}`, timing());
  expect(states.slice(0, FORGET_MINUTES)).toBe("F".repeat(FORGET_MINUTES));
  expect(states.at(-1)).toBe(".");
});

/** The states as the words of the docs put them, by looking at the whole past each time. */
function naive(letters: string, { forMinutes, keepFiringMinutes }: Timing): string[] {
  return [...letters].map((_, now) => {
    let isFiring = false;
    let breachSince: number | null = null;
    let wellSince: number | null = null;
    for (let minute = 0; minute <= now; minute++) {
      if (letters[minute] === "b") {
        breachSince ??= minute;
        wellSince = null;
        if (minute - breachSince >= forMinutes) isFiring = true;
      } else {
        breachSince = null;
        if (isFiring) wellSince ??= minute;
        if (wellSince !== null && minute - wellSince >= keepFiringMinutes) {
          isFiring = false;
          wellSince = null;
        }
      }
    }
    if (isFiring) return wellSince === null ? "F" : "R";
    return breachSince === null ? "." : "P";
  });
}

Deno.test("any row of verdicts has the states that a naive reading gives", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("b", "n"), maxLength: 60 }),
      fc.nat(4),
      fc.nat(4),
      (letters, forMinutes, keepFiringMinutes) => {
        const rule = timing({ forMinutes, keepFiringMinutes });
        // A recovering alert that breaches again fires at once; the naive reading agrees only without a wait there.
        fc.pre(forMinutes === 0 || keepFiringMinutes === 0);
        expect(run(letters, rule)).toBe(naive(letters, rule).join(""));
      },
    ),
    { numRuns: 500 },
  );
});

const states = (letters: string, from: number, rule: Timing, before: Instance | null = null): Instance | null =>
  [...letters].reduce<Instance | null>(
    (instance, letter, i) => step(instance, toVerdict(letter), from + i, rule, "logs"),
    before,
  );

Deno.test("late events that make a breach of a minute fire the alert now, and say so", () => {
  const rule = timing({ keepFiringMinutes: 3 });
  const actual = states("nnnnnn", 10, rule);
  const ongoing = reconcile(actual, { from: 12, verdicts: [..."nbbb"].map(toVerdict), now: 15 }, rule, "logs");
  expect(ongoing).toMatchObject({ state: "firing", isLate: true, startedAt: 13, firedAt: 15 });
  const over = reconcile(actual, { from: 12, verdicts: [..."bnnnnn"].map(toVerdict), now: 17 }, rule, "logs");
  expect(over).toMatchObject({ state: "recovering", isLate: true, startedAt: 12 });
});

Deno.test("late events never un-page: what fired stays, with a remark", () => {
  const rule = timing({ keepFiringMinutes: 3 });
  const actual = states("nbn", 10, rule);
  expect(actual?.state).toBe("recovering");
  const after = reconcile(actual, { from: 10, verdicts: [..."nnn"].map(toVerdict), now: 12 }, rule, "logs");
  expect(after).toMatchObject({ state: "recovering", firedAt: 11, corrected: { status: "normal" } });
});

Deno.test("late events do not tell again of what is over", () => {
  const rule = timing();
  const actual = states("nbbnnn", 10, rule);
  expect(actual).toMatchObject({ state: "resolved", since: 13 });
  const after = reconcile(actual, { from: 10, verdicts: [..."bbbnnn"].map(toVerdict), now: 15 }, rule, "logs");
  expect(after).toEqual(actual);
  const another = reconcile(actual, { from: 10, verdicts: [..."nbbnnb"].map(toVerdict), now: 15 }, rule, "logs");
  expect(another).toMatchObject({ state: "firing", isLate: true, startedAt: 15 });
});
