/** One question to a model, with all its attempts: retries, one repair, within a deadline and the budget. */
import { ANSWER_JSON_SCHEMA, parseAnswer } from "./answer.ts";
import type { LimitName, Reservation } from "./budget.ts";
import { checkAnswer } from "./evidence_check.ts";
import type { FailureKind, ModelApi, ModelFailure, ModelReply, ModelRequest } from "./mistral.ts";
import { type Prompt, type PromptMessage, repairOf } from "./prompt.ts";
import type { Prompts } from "./prompts.ts";
import type { SharedBudget } from "./shared_budget.ts";
import type { ErrorFacts, Summary } from "./summary.ts";

export interface AskSettings {
  readonly model: string;
  readonly maxTokens: number;
  /** For everything, milliseconds. */
  readonly timeoutMs: number;
}

export interface AskTools {
  readonly api: ModelApi;
  readonly budget: SharedBudget;
  readonly prompts: Prompts;
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Ends once the signal is aborted, by a rejection or not. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What it took, whatever came of it. */
export interface Effort {
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly repairs: number;
  readonly failures: readonly (FailureKind | "bad_answer")[];
}

export type Asked =
  | {
    readonly kind: "answered";
    readonly summary: Summary;
    readonly model: string;
    readonly dropped: number;
    readonly effort: Effort;
  }
  | {
    readonly kind: "failed";
    readonly failure: FailureKind | "bad_answer";
    readonly reason: string;
    readonly retryAfterMs: number | null;
    readonly effort: Effort;
  }
  | { readonly kind: "over_budget"; readonly limit: LimitName; readonly retryAfterMs: number; readonly effort: Effort }
  /** The store of the budget fails: nothing is asked that was not paid for. */
  | { readonly kind: "unavailable"; readonly reason: string; readonly effort: Effort };

const ATTEMPTS_MAX = 3;
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 8000;
const RETRIED: ReadonlySet<FailureKind> = new Set(["rate_limited", "server_error", "unreachable", "garbled"]);
/** The same question with the same words would be answered the same. */
const TEMPERATURES = [0, 0.4] as const;

/** Tokens that a question takes, from above: no tokenizer makes more than one of two bytes of such texts. */
export function tokensOf(messages: readonly PromptMessage[]): number {
  const bytes = messages.reduce((total, { content }) => total + new TextEncoder().encode(content).length, 0);
  return Math.ceil(bytes / 2) + 16 * messages.length;
}

/**
 * Asks until there is an answer that holds up, and says what it took. Never throws.
 * @param paid For the first attempt.
 */
export function ask(
  facts: ErrorFacts,
  prompt: Prompt,
  paid: Reservation,
  settings: AskSettings,
  tools: AskTools,
  signal: AbortSignal,
): Promise<Asked> {
  return new Question(facts, prompt, settings, tools, signal).run(paid);
}

class Question {
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal;
  #effort: Effort = { calls: 0, tokensIn: 0, tokensOut: 0, repairs: 0, failures: [] };

  constructor(
    readonly facts: ErrorFacts,
    readonly prompt: Prompt,
    readonly settings: AskSettings,
    readonly tools: AskTools,
    signal: AbortSignal,
  ) {
    this.#deadlineMs = tools.now() + settings.timeoutMs;
    this.#signal = AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]);
  }

  async run(paid: Reservation): Promise<Asked> {
    let messages = this.prompt.messages;
    let reservation: Reservation | null = paid;
    for (let round = 0;; round++) {
      const reply = await this.#replyTo(messages, round, reservation);
      if (reply.kind !== "replied") return reply;
      const judged = this.#judge(reply);
      if (judged.ok) {
        return {
          kind: "answered",
          summary: judged.summary,
          model: reply.model,
          dropped: judged.dropped,
          effort: this.#effort,
        };
      }
      this.#note({ failures: [...this.#effort.failures, "bad_answer"] });
      if (round === TEMPERATURES.length - 1) return this.#failed("bad_answer", judged.problem, null);
      messages = repairOf(this.prompt.messages, this.tools.prompts, judged.problem);
      reservation = null;
      this.#note({ repairs: this.#effort.repairs + 1 });
    }
  }

  /** A reply, whatever it says, after as many attempts as it takes. */
  async #replyTo(
    messages: readonly PromptMessage[],
    round: number,
    paid: Reservation | null,
  ): Promise<ModelReply | Exclude<Asked, { kind: "answered" }>> {
    const { api, budget, now } = this.tools;
    const { model, maxTokens } = this.settings;
    const request: ModelRequest = {
      model,
      messages,
      maxTokens,
      temperature: TEMPERATURES[round] ?? 0,
      seed: 1 + round,
      schema: ANSWER_JSON_SCHEMA,
    };
    let reservation = paid;
    for (let attempt = 1;; attempt++) {
      if (reservation === null) {
        const admission = await budget.reserve(now(), tokensOf(messages), maxTokens);
        if (admission.kind === "refused") return { ...admission, kind: "over_budget", effort: this.#effort };
        if (admission.kind === "unavailable") return { ...admission, effort: this.#effort };
        reservation = admission.reservation;
      }
      const outcome = await api.complete(request, this.#signal);
      await this.#pay(reservation, outcome, messages);
      if (outcome.kind === "replied") return outcome;
      this.#note({ failures: [...this.#effort.failures, outcome.failure] });
      const pause = outcome.retryAfterMs ?? this.#pauseBefore(attempt);
      const isLast = attempt === ATTEMPTS_MAX || !RETRIED.has(outcome.failure) || now() + pause >= this.#deadlineMs;
      if (isLast || !await this.#waited(pause)) {
        return this.#failed(outcome.failure, outcome.reason, outcome.retryAfterMs);
      }
      reservation = null;
    }
  }

  #judge(reply: ModelReply): ReturnType<typeof checkAnswer> {
    if (!reply.isComplete) return { ok: false, problem: "the answer was cut off before its end" };
    const parsed = parseAnswer(reply.text);
    return parsed.ok ? checkAnswer(parsed.answer, this.facts, this.prompt.shown) : parsed;
  }

  /** What cannot have cost anything is given back; what nobody knows stays paid for. */
  async #pay(
    reservation: Reservation,
    outcome: ModelReply | ModelFailure,
    messages: readonly PromptMessage[],
  ): Promise<void> {
    const { calls, tokensIn, tokensOut } = this.#effort;
    const { budget, now } = this.tools;
    if (outcome.kind === "failed") {
      if (!outcome.mayCost) await budget.settle(now(), reservation, null);
      this.#note({ calls: calls + 1 });
      return;
    }
    const taken = outcome.tokens ??
      { tokensIn: tokensOf(messages), tokensOut: tokensOf([{ role: "user", content: outcome.text }]) };
    await budget.settle(now(), reservation, taken);
    this.#note({ calls: calls + 1, tokensIn: tokensIn + taken.tokensIn, tokensOut: tokensOut + taken.tokensOut });
  }

  /** Exponential, with full jitter. */
  #pauseBefore(attempt: number): number {
    return Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** (attempt - 1)) * this.tools.random();
  }

  async #waited(ms: number): Promise<boolean> {
    try {
      await this.tools.wait(ms, this.#signal);
      return !this.#signal.aborted;
    } catch {
      return false;
    }
  }

  #note(more: Partial<Effort>): void {
    this.#effort = { ...this.#effort, ...more };
  }

  #failed(
    failure: FailureKind | "bad_answer",
    reason: string,
    retryAfterMs: number | null,
  ): Extract<Asked, { kind: "failed" }> {
    return { kind: "failed", failure, reason, retryAfterMs, effort: this.#effort };
  }
}
