/** Two analyzers of one store, each with a budget of its own opening: together they spend what one may. */
import { expect } from "expect";
import { createSummarizer } from "../../analyzer/summaries/summarizer.ts";
import { ModelServer } from "../../analyzer/evaluation/model_server.ts";
import { errorFacts } from "../../analyzer/summaries/test_facts.ts";
import { SharedBudget } from "../../analyzer/summaries/shared_budget.ts";
import { configSchema } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import { promise } from "./store_fixtures.ts";
import { good, never } from "./summaries_for_tests.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
const CALLS = 7;
const LIMITS = { ...configSchema.parse({}).mistral, callsPerMinute: 0, callsPerDay: CALLS, coolDownSeconds: 0 };

/** The same store as another process would have it; DuckDB's files are one process's, which has two analyzers then. */
async function openTwice(store: Store, name: string, reopen: () => Promise<Store>): Promise<readonly Store[]> {
  return name === "duckdb" ? [store, store] : [store, await reopen()];
}

promise("reservations of two analyzers that race are never more than the budget", async (store, { name, reopen }) => {
  const budgets = (await openTwice(store, name, reopen)).map((each) => new SharedBudget(LIMITS, each));
  const admissions = await Promise.all(
    Array.from({ length: 20 }, (_, i) => budgets[i % 2].admit(NOON, `f${i}`, 100, 100)),
  );
  const admitted = admissions.flatMap((admission) => admission.kind === "admitted" ? [admission.reservation] : []);
  expect(admitted.length).toBe(CALLS);
  expect(admissions.filter(({ kind }) => kind === "refused").length).toBe(20 - CALLS);
  await Promise.all(admitted.map((each, i) => budgets[i % 2].settle(NOON, each, { tokensIn: 10, tokensOut: i })));
  // A third one, which begins now, knows all of it.
  const later = new SharedBudget(LIMITS, store);
  expect((await later.reserve(NOON, 1, 1)).kind).toBe("refused");
  expect(later.status(NOON).day).toMatchObject({ calls: CALLS, tokens: CALLS * 10 + 21 });
});

promise("two analyzers ask the model as often as one may, and one that comes after both asks no more", async (
  store,
  { name, reopen },
) => {
  await using server = new ModelServer({ act: () => good });
  const settings = { ...LIMITS, serverUrl: server.url };
  const start = (ledger: Store) =>
    createSummarizer(settings, {
      now: () => NOON,
      random: Math.random,
      wait: () => Promise.resolve(),
      notice: () => {},
      ledger,
    });
  const both = await Promise.all((await openTwice(store, name, reopen)).map(start));
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => both[i % 2].summarize(errorFacts({ fingerprint: `f${i}` }), never)),
  );
  expect(outcomes.filter(({ kind }) => kind === "written").length).toBe(CALLS);
  expect(server.questions.length).toBe(CALLS);
  expect((await (await start(store)).summarize(errorFacts({ fingerprint: "late" }), never)).kind).toBe("facts_only");
  expect(server.questions.length).toBe(CALLS);
});
