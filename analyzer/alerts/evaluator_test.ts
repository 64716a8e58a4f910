import { expect } from "expect";
import { AlertEvaluator } from "./evaluator.ts";
import { Bench, LATENESS_MS, START, TOPIC } from "./test_rules.ts";

const RATE = `
rules:
  - name: error rate
    kind: error_rate
    above: 0.05
    window: 1m
    minErrors: 5
    keepFiring: 2m
    severity: critical
    summary: Too many errors.
    runbook: https://example.org/runbook
`;

function traffic(bench: Bench, at: number, errors: number, service = "checkout"): void {
  bench.minutes.set({ service, level: "INFO" }, START + at, { count: 200, errors });
}

async function minutesOf(bench: Bench, errors: readonly number[], from = 0): Promise<void> {
  for (const [i, count] of errors.entries()) {
    traffic(bench, from + i, count);
    await bench.evaluateAt(from + i + 1);
  }
}

Deno.test("an alert says what was observed, expected and from what, and links to the frozen range", async () => {
  const bench = new Bench(RATE, { dashboardUrl: "http://127.0.0.1:8080/" });
  await minutesOf(bench, [0, 0, 50]);
  expect(bench.problems).toEqual([]);
  const [notice, ...others] = bench.notices;
  expect(others).toEqual([]);
  expect(notice).toMatchObject({
    kind: "alert",
    state: "open",
    severity: "critical",
    topic: "logs",
    service: "checkout",
    title: "error rate on checkout: 25 % (normal up to 5 %)",
    summary: "Too many errors.",
    nextSteps: ["Runbook: https://example.org/runbook"],
  });
  expect(notice.id).toMatch(/^alert\//);
  const facts = new Map(notice.facts.map(({ label, value }) => [label, value]));
  expect(facts.get("Observed")).toBe("25 % in 1m");
  expect(facts.get("Normal")).toBe("up to 5 %");
  expect(facts.get("Baseline")).toBe("fixed");
  expect(facts.get("Samples")).toBe("200");
  expect(facts.get("Since")).toBe("2026-03-02T10:03:00Z");
  const url = new URL(notice.links[0].url);
  expect(url.pathname).toBe("/dashboard");
  expect(Object.fromEntries(url.searchParams)).toEqual({
    topic: "logs",
    from: "2026-03-02T09:03:00Z",
    to: "2026-03-02T10:04:00Z",
    where: "service=checkout",
  });
});

Deno.test("one message from the first breach to the end", async () => {
  const bench = new Bench(RATE);
  await minutesOf(bench, [0, 50, 60, 0, 0, 0, 0, 0]);
  expect(bench.notices.map(({ state }) => state)).toEqual(["open", "open", "resolved"]);
  expect(new Set(bench.notices.map(({ id }) => id)).size).toBe(1);
  await minutesOf(bench, [0, 50], 8);
  expect(new Set(bench.notices.map(({ id }) => id)).size).toBe(2);
});

Deno.test("minutes that are not final are not judged", async () => {
  const bench = new Bench(RATE);
  await minutesOf(bench, [0, 0]);
  traffic(bench, 2, 200);
  await bench.evaluator.evaluate((START + 3) * 60_000 + LATENESS_MS);
  expect(bench.notices).toEqual([]);
  await bench.evaluateAt(3);
  expect(bench.notices).toHaveLength(1);
});

Deno.test("errors that come late are told of late, and corrections do not un-page", async () => {
  const bench = new Bench(RATE);
  await minutesOf(bench, [0, 0, 0, 0]);
  traffic(bench, 2, 90);
  await bench.evaluateAt(5);
  await bench.evaluateAt(6);
  expect(bench.notices).toHaveLength(1);
  expect(bench.notices[0].facts).toContainEqual({ label: "Late", value: "seen when events came late" });

  const other = new Bench(RATE);
  await minutesOf(other, [0, 0, 60]);
  expect(other.notices).toHaveLength(1);
  other.minutes.set({ service: "checkout", level: "INFO" }, START + 2, { count: 20_000, errors: 60 });
  traffic(other, 3, 60);
  await other.evaluateAt(4);
  await other.evaluateAt(5);
  expect(other.active).toEqual(["error rate checkout"]);
  expect(other.notices.at(-1)?.facts.find(({ label }) => label === "Corrected")?.value)
    .toBe("with events that came late it would have been 0.30 %: normal");
});

Deno.test("after a stop of hours the minutes in between are judged", async () => {
  const bench = new Bench(RATE);
  await minutesOf(bench, [0]);
  for (let at = 1; at < 400; at++) traffic(bench, at, at === 30 ? 60 : 0);
  bench.restart();
  await bench.evaluateAt(400);
  await bench.evaluateAt(400);
  // It began and ended while nobody looked: nobody is told of what is over.
  expect(bench.notices).toEqual([]);
  for (let at = 400; at < 800; at++) traffic(bench, at, at > 700 ? 60 : 0);
  bench.restart();
  await bench.evaluateAt(800);
  await bench.evaluateAt(800);
  expect(bench.notices).toHaveLength(1);
});

Deno.test("of two evaluators on one ledger one tells", async () => {
  const bench = new Bench(RATE);
  const told: string[] = [];
  const another = new AlertEvaluator({
    source: bench.minutes,
    ledger: bench.ledger,
    rules: () => bench.ruleSet,
    onNotices: (notices) => void told.push(...notices.map(({ state }) => state)),
    onProblem: () => {},
  });
  for (const [at, errors] of [0, 50, 50, 0, 0, 0, 0].entries()) {
    traffic(bench, at, errors);
    bench.minutes.finalUntil = START + at + 1;
    const nowMs = (START + at + 1) * 60_000 + LATENESS_MS;
    await Promise.all([bench.evaluator.evaluate(nowMs), another.evaluate(nowMs)]);
    // Who lost the race sees what the other did the next time.
    await Promise.all([bench.evaluator.evaluate(nowMs), another.evaluate(nowMs)]);
  }
  const all = [...told, ...bench.notices.map(({ state }) => state)];
  expect(all.filter((state) => state === "resolved")).toHaveLength(1);
  expect(all.filter((state) => state === "open")).toHaveLength(2);
});

Deno.test("a rule that is gone resolves its alerts, and a broken topic stops no other", async () => {
  const bench = new Bench(RATE);
  await minutesOf(bench, [0, 50]);
  bench.ruleSet = { ...bench.ruleSet, rules: [] };
  await bench.evaluateAt(3);
  expect(bench.notices.map(({ state }) => state)).toEqual(["open", "resolved"]);

  const broken = new Bench(RATE);
  broken.minutes.topics = () => Promise.resolve([{ id: "x", name: "broken" }, TOPIC]);
  const progress = broken.minutes.progress.bind(broken.minutes);
  broken.evaluator = new AlertEvaluator({
    source: Object.assign(broken.minutes, {
      progress: (topic: { name: string }) =>
        topic.name === "broken" ? Promise.reject(new Error("no route")) : progress(),
    }),
    ledger: broken.ledger,
    rules: () => broken.ruleSet,
    onNotices: (notices) => void broken.notices.push(...notices),
    onProblem: (message) => void broken.problems.push(message),
  });
  await minutesOf(broken, [0, 50]);
  expect(broken.notices).toHaveLength(1);
  expect(broken.problems).toEqual(["alerts of topic broken: no route; tried again"]);
});

Deno.test("the clock's rules fire on lag, also where no minute becomes final", async () => {
  const bench = new Bench("rules: [{name: behind, kind: lag, seconds: 60, for: 2m}]");
  bench.minutes.standing = { lagRecords: 5, lagSeconds: 90 };
  for (let minute = 0; minute < 4; minute++) await bench.evaluator.evaluate((START + minute) * 60_000);
  expect(bench.notices).toHaveLength(1);
  expect(bench.notices[0].title).toBe("behind on seconds: 90 seconds (normal up to 60 seconds)");
});

Deno.test("a topic that begins is no jump over its late events", async () => {
  const jumps = async (begun: number | null): Promise<number> => {
    const bench = new Bench("rules: [{name: jump, kind: ewma, metric: count}]");
    for (let minute = 0; minute < 40; minute++) {
      bench.minutes.set({ service: "checkout", level: "INFO" }, START + minute, { count: 1, errors: 0 });
    }
    bench.minutes.begun = begun === null ? null : START + begun;
    await minutesOf(bench, [0, 0, 0], 40);
    expect(bench.problems).toEqual([]);
    return bench.notices.length;
  };
  expect([await jumps(40), await jumps(null), await jumps(0)]).toEqual([0, 1, 1]);
});

const DROP_AND_ERRORS = `
rules:
  - {name: few, kind: threshold, metric: count, by: [service], window: 1m, below: 100}
  - {name: slow, kind: threshold, metric: p95, by: [service], window: 1m, above: 100}
  - {name: errors, kind: threshold, metric: errors, by: [service], window: 1m, above: 20, keepFiring: 0m}
`;

/** Minutes before START + `final` are final; those before START + `ended` have ended. */
async function evaluateBetween(bench: Bench, final: number, ended: number): Promise<void> {
  bench.minutes.finalUntil = START + final;
  bench.minutes.endedUntil = START + ended;
  await bench.evaluator.evaluate((START + ended) * 60_000);
}

Deno.test("what late events would only make worse fires once its minute has ended; a drop or a quantile when it is final", async () => {
  const bench = new Bench(DROP_AND_ERRORS);
  traffic(bench, 0, 0);
  await evaluateBetween(bench, 0, 1);
  bench.minutes.set({ service: "checkout", level: "INFO" }, START + 1, { count: 50, errors: 30, values: { p95: 500 } });
  await evaluateBetween(bench, 1, 2);
  expect(bench.active).toEqual(["errors checkout"]);
  // A minute before it, which is final now and was normal, does not end it; nor does the same minute tell of it again.
  await evaluateBetween(bench, 1, 2);
  traffic(bench, 2, 30);
  await evaluateBetween(bench, 2, 3);
  expect(bench.active.toSorted()).toEqual(["errors checkout", "few checkout", "slow checkout"]);
  expect(bench.notices.filter(({ title }) => title.startsWith("errors"))).toHaveLength(1);
  traffic(bench, 3, 0);
  await evaluateBetween(bench, 4, 4);
  expect(bench.active).not.toContain("errors checkout");
});

Deno.test("a breach has to last as long as `for` also in minutes that are not final, and leaves no trace where it does not", async () => {
  const bench = new Bench(
    "rules: [{name: errors, kind: threshold, metric: errors, window: 1m, above: 20, for: 2m, keepFiring: 0m}]",
  );
  traffic(bench, 0, 0);
  await evaluateBetween(bench, 1, 1);
  traffic(bench, 1, 50);
  traffic(bench, 2, 50);
  await evaluateBetween(bench, 1, 3);
  expect(bench.evaluator.alerts).toEqual([]);
  traffic(bench, 3, 0);
  traffic(bench, 4, 50);
  traffic(bench, 5, 50);
  await evaluateBetween(bench, 1, 6);
  expect(bench.evaluator.alerts).toEqual([]);
  traffic(bench, 6, 50);
  await evaluateBetween(bench, 1, 7);
  expect(bench.evaluator.alerts).toMatchObject([{ state: "firing", startedAt: START + 5, firedAt: START + 7 }]);
  bench.restart();
  for (let final = 2; final <= 7; final++) await evaluateBetween(bench, final, 7);
  expect(bench.evaluator.alerts).toMatchObject([{ state: "firing", startedAt: START + 5, firedAt: START + 7 }]);
  expect(bench.notices).toHaveLength(1);
});
