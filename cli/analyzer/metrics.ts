/** The analyzer's figures for Prometheus. */
import { Gauge, Registry } from "prom-client";
import type { RunningAnalyzer } from "./start.ts";

/** What is measured of an analyzer. */
export interface MeasuredAnalyzer {
  readonly outbox: Pick<RunningAnalyzer["outbox"], "status" | "unreadable">;
  readonly summarizer: Pick<RunningAnalyzer["summarizer"], "status">;
  readonly status: RunningAnalyzer["status"];
}

/** Fills a registry when it is read. */
export function analyzerMetrics(analyzer: MeasuredAnalyzer): { readonly registry: Registry; collect(): Promise<void> } {
  const registry = new Registry();
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `millrace_analyzer_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const byTopic = {
    records: gauge("records_total", "Records read", ["topic"]),
    errors: gauge("errors_total", "Errors among them", ["topic"]),
    fingerprints: gauge("fingerprints", "Kinds of errors known", ["topic"]),
    openIncidents: gauge("open_incidents", "Incidents that are open", ["topic"]),
    lag: gauge("lag_records", "Records that wait to be read", ["topic"]),
    conflicts: gauge("conflicts_total", "Commits that another analyzer was ahead of", ["topic"]),
    failures: gauge("failures_total", "Failures after which a topic was taken up again", ["topic"]),
  };
  const byChannel = {
    posted: gauge("posted_total", "Messages and replies that are there", ["channel"]),
    updated: gauge("updated_total", "Changes of messages", ["channel"]),
    unknown: gauge("unknown_total", "Attempts of which nobody knew whether they arrived", ["channel"]),
    repeats: gauge("repeats_total", "Messages sent again though they may have arrived", ["channel"]),
    duplicates: gauge("duplicates_total", "Messages found to be there twice", ["channel"]),
    failed: gauge("refused_total", "Messages that were refused for good", ["channel"]),
    pending: gauge("pending", "Matters of which something is still to be told", ["channel"]),
  };
  const isDown = gauge("channel_down", "1 where a channel takes no messages", ["channel"]);
  const unreadable = gauge("outbox_unreadable", "Entries of messages that are kept and cannot be read", []);
  const calls = gauge("model_calls_total", "Calls of the model", []);
  const tokens = gauge("model_tokens_total", "Tokens of the model", ["direction"]);
  const usd = gauge("model_usd_total", "Cost of the model by the configured prices, US dollars", []);
  const used = gauge("model_budget_used", "Of the budget, by all analyzers of the store, as far as this one knows", [
    "window",
    "unit",
  ]);
  const summaries = gauge("summaries_total", "Summaries by who wrote them, or why no model did", ["author"]);
  const breaker = gauge("model_breaker_open", "1 where the model is not asked for a while", []);

  const collect = async (): Promise<void> => {
    const { topics } = await analyzer.status();
    for (const each of Object.values(byTopic)) each.reset();
    for (const figures of topics) {
      const labels = { topic: figures.topic };
      byTopic.records.set(labels, figures.records);
      byTopic.errors.set(labels, figures.errors);
      byTopic.fingerprints.set(labels, figures.fingerprints);
      byTopic.openIncidents.set(labels, figures.openIncidents);
      byTopic.conflicts.set(labels, figures.conflicts);
      byTopic.failures.set(labels, figures.failures);
      if (figures.lag !== null) byTopic.lag.set(labels, figures.lag);
    }
    for (const { channel, ...figures } of analyzer.outbox.status()) {
      for (const [name, of] of Object.entries(byChannel)) of.set({ channel }, figures[name as keyof typeof byChannel]);
      isDown.set({ channel }, figures.isDown ? 1 : 0);
    }
    unreadable.set(analyzer.outbox.unreadable);
    const status = analyzer.summarizer.status();
    calls.set(status.calls);
    tokens.set({ direction: "in" }, status.tokensIn);
    tokens.set({ direction: "out" }, status.tokensOut);
    usd.set(status.usd);
    for (const window of ["minute", "day"] as const) {
      const { calls, tokens, nanoUsd } = status.budget[window];
      for (const [unit, value] of Object.entries({ calls, tokens, usd: nanoUsd / 1e9 })) {
        used.set({ window, unit }, value);
      }
    }
    summaries.set({ author: "model" }, status.written);
    for (const [cause, count] of Object.entries(status.factsOnly)) summaries.set({ author: cause }, count);
    breaker.set(status.breaker === "open" ? 1 : 0);
  };
  return { registry, collect };
}
