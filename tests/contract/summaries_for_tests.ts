/** A summarizer with a local server in place of Mistral's, for tests. */
import { expect } from "expect";
import { type ModelAct, ModelServer, type ModelServerOptions } from "../../analyzer/evaluation/model_server.ts";
import { type BudgetLedger, ownLedger } from "../../analyzer/summaries/shared_budget.ts";
import { createSummarizer, type MistralSettings, type MistralSummarizer } from "../../analyzer/summaries/summarizer.ts";
import type { SummaryOutcome } from "../../analyzer/summaries/summary.ts";
import { errorFacts, modelAnswer } from "../../analyzer/summaries/test_facts.ts";
import { configSchema } from "../../core/config/schema.ts";

export const KEY = "sk-a-key-that-nobody-may-see";
const BEGIN = Date.UTC(2026, 10, 23, 12);
export const good: ModelAct = { kind: "says", content: modelAnswer() };

/** A summarizer, the server that it asks, and what it told and waited for. */
export class Bench implements AsyncDisposable {
  nowMs = BEGIN;
  readonly notices: string[] = [];
  readonly pauses: number[] = [];

  private constructor(readonly server: ModelServer, readonly settings: MistralSettings) {}

  /** @param server What it does, in turn; the last act is repeated. */
  static async with(
    server: Partial<ModelServerOptions> & { acts?: readonly ModelAct[] },
    settings: Partial<MistralSettings> = {},
    ledger: BudgetLedger = ownLedger(),
  ): Promise<Bench & { summarizer: MistralSummarizer }> {
    const { acts = [good] } = server;
    const running = new ModelServer({
      key: KEY,
      act: (_question, index) => acts[Math.min(index, acts.length - 1)],
      ...server,
    });
    const bench = new Bench(running, {
      ...configSchema.parse({}).mistral,
      apiKey: KEY,
      serverUrl: running.url,
      coolDownSeconds: 0,
      ...settings,
    });
    const summarizer = await createSummarizer(bench.settings, {
      now: () => bench.nowMs,
      random: () => 0.5,
      wait: (ms, signal) => {
        bench.pauses.push(ms);
        return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve();
      },
      notice: (text) => bench.notices.push(text),
      ledger,
    });
    return Object.assign(bench, { summarizer });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    expect(this.server.refusals).toEqual([]);
    for (const text of this.notices) expect(text).not.toContain(KEY);
  }
}

export const never = new AbortController().signal;
export const ask = (
  bench: { summarizer: MistralSummarizer },
  more: Parameters<typeof errorFacts>[0] = {},
): Promise<SummaryOutcome> => bench.summarizer.summarize(errorFacts(more), never);

/** Of an outcome that has the facts alone. */
export function reasonOf(outcome: SummaryOutcome): string {
  expect(outcome.kind).toBe("facts_only");
  expect(outcome.summary).toMatchObject({
    title: "payments: could not connect to <*>: connection refused",
    causes: [],
    category: "unknown",
  });
  return outcome.kind === "facts_only" ? outcome.reason : "";
}
