/** The port of summaries: what is known of an error goes in, what may be behind it comes out. */
import type { Evidence, PossibleCause, Severity } from "../notify/notice.ts";

/** All that a summary may rest on; everything in it is redacted. */
export interface ErrorFacts {
  readonly fingerprint: string;
  readonly topic: string;
  readonly service: string;
  readonly level: string;
  /** With wildcards. */
  readonly template: string;
  /** Why it is asked now. */
  readonly reason: "new" | "spike" | "regressed" | "stale";
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Occurrences a minute: over the last minutes, and as usual; null where there is no history to compare with. */
  readonly ratePerMinute: number;
  readonly usualPerMinute: number | null;
  /** Lines that differ from each other, at most ten, E1 to E10. */
  readonly evidence: readonly Evidence[];
  /** Other errors of the service at the time, by count. */
  readonly neighbours: readonly { readonly template: string; readonly level: string; readonly count: number }[];
  /** Values that vary most, as in "endpoint /pay: 120 of 130". */
  readonly parameters: readonly string[];
}

export interface Summary {
  readonly title: string;
  readonly severity: Severity;
  readonly category: "app" | "infrastructure" | "dependency" | "configuration" | "data" | "unknown";
  readonly whatHappened: string;
  /** None where the evidence does not bear any. */
  readonly causes: readonly PossibleCause[];
  readonly nextSteps: readonly string[];
}

/** A summary, and what it took. */
export type SummaryOutcome =
  | {
    readonly kind: "written";
    readonly summary: Summary;
    /** The model, as it names itself. */
    readonly author: string;
    readonly tokensIn: number;
    readonly tokensOut: number;
    readonly usd: number;
  }
  /** No model wrote it: `summary` has the facts alone, and `reason` says why (no key, budget, failures, a bad answer). */
  | {
    readonly kind: "facts_only";
    readonly summary: Summary;
    readonly reason: string;
    readonly retryAfterMs: number | null;
  };

export interface Summarizer {
  /** Never throws. */
  summarize(facts: ErrorFacts, signal: AbortSignal): Promise<SummaryOutcome>;
}
