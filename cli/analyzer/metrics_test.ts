import { expect } from "expect";
import { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { ownLedger } from "../../analyzer/summaries/shared_budget.ts";
import { createSummarizer } from "../../analyzer/summaries/summarizer.ts";
import { errorFacts, modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { ModelServer } from "../../analyzer/evaluation/model_server.ts";
import { configSchema } from "../../core/config/schema.ts";
import { analyzerMetrics } from "./metrics.ts";

const membership = { state: "joined", group: "g", partitions: 0, changes: 0 } as const;

Deno.test("what is kept of messages and cannot be read, and what was spent by all, are exported", async () => {
  const outbox = new Outbox({
    documents: {
      readDocuments: () => Promise.resolve({ version: 3, entries: new Map([["console error/1", "{}"], ["x", ""]]) }),
      documentsVersion: () => Promise.resolve(3),
      commitDocuments: () => Promise.resolve(true),
      dropDocuments: () => Promise.resolve(),
    },
    collection: "outbox",
    notifiers: [],
    routes: () => [],
    now: Date.now,
    random: Math.random,
    onNotice: () => {},
  });
  await outbox.run();
  await using server = new ModelServer({ act: () => ({ kind: "says", content: modelAnswer() }) });
  const ledger = ownLedger();
  const summarizerOf = () =>
    createSummarizer({ ...configSchema.parse({}).mistral, serverUrl: server.url }, {
      now: () => Date.UTC(2026, 10, 23, 12),
      random: Math.random,
      wait: () => Promise.resolve(),
      notice: () => {},
      ledger,
    });
  const [summarizer, other] = [await summarizerOf(), await summarizerOf()];
  const { signal } = new AbortController();
  await other.summarize(errorFacts({ fingerprint: "a" }), signal);
  await summarizer.summarize(errorFacts({ fingerprint: "b" }), signal);
  const status = () => Promise.resolve({ topics: [], membership });
  const { registry, collect } = analyzerMetrics({ outbox, summarizer, status });
  await collect();
  const text = await registry.metrics();
  expect(text).toContain("millrace_analyzer_outbox_unreadable 2\n");
  expect(text).toContain("millrace_analyzer_model_calls_total 1\n");
  expect(text).toContain('millrace_analyzer_model_budget_used{window="day",unit="calls"} 2\n');
});
