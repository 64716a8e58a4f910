import { expect } from "expect";
import { factsOnly, factsSummary } from "./facts_card.ts";
import { errorFacts } from "./test_facts.ts";

Deno.test("the card of the facts says what is known, and claims nothing", () => {
  expect(factsSummary(errorFacts())).toEqual({
    title: "payments: could not connect to <*>: connection refused",
    severity: "error",
    category: "unknown",
    whatHappened: "120 events of level ERROR in payments from 2026-11-23 09:00:00 UTC to 2026-11-23 09:10:00 UTC. " +
      'It is 24 times as frequent as usual: 12 a minute, usually 0.5. At the same time: "request <*> failed after <*>" (80).',
    causes: [],
    nextSteps: [],
  });
});

Deno.test("each reason to ask has its sentence, and one event is not a span of time", () => {
  const said = (more: Parameters<typeof errorFacts>[0]) =>
    factsSummary(errorFacts({ neighbours: [], ...more })).whatHappened;
  const one = { count: 1, lastMs: errorFacts().firstMs };
  expect(said({ ...one, reason: "new" })).toBe(
    "1 event of level ERROR in payments at 2026-11-23 09:00:00 UTC. It has not been seen before.",
  );
  expect(said({ reason: "regressed" })).toContain("It is back after a time without it.");
  expect(said({ reason: "stale" })).toContain("It is going on.");
  expect(said({ reason: "spike", usualPerMinute: null })).toContain("far more frequent than usual: 12 a minute");
  expect(said({ reason: "spike", usualPerMinute: 0 })).not.toContain("Infinity");
  expect(said({ service: "" })).toContain("in the topic apps");
});

Deno.test("the severity is that of the level, and a title is short", () => {
  expect(factsSummary(errorFacts({ level: "FATAL" })).severity).toBe("critical");
  expect(factsSummary(errorFacts({ level: "warn" })).severity).toBe("warning");
  expect(factsSummary(errorFacts({ level: "odd" })).severity).toBe("error");
  expect(factsSummary(errorFacts({ template: "x\u202e ".repeat(900) })).title).toMatch(/^payments: [x ]+\.\.\.$/);
});

Deno.test("it says why no model wrote it", () => {
  expect(factsOnly(errorFacts(), "no key to a model is set", 5)).toMatchObject({
    kind: "facts_only",
    reason: "no key to a model is set",
    retryAfterMs: 5,
    summary: { title: "payments: could not connect to <*>: connection refused" },
  });
});
