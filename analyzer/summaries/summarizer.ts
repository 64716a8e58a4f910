/** Summaries of errors by Mistral, or of the facts alone where it is not asked, or its answer does not hold up. */
import pLimit from "p-limit";
import type { Config } from "../../core/config/schema.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { ask, type Asked, type AskTools, tokensOf } from "./ask.ts";
import { Breaker, type BreakerState } from "./breaker.ts";
import type { BudgetStatus, LimitName } from "./budget.ts";
import { factsOnly } from "./facts_card.ts";
import { type FailureKind, type ModelApi, openMistral } from "./mistral.ts";
import { checkModel, modelsNamed } from "./model_check.ts";
import { type Prompt, promptFor } from "./prompt.ts";
import { loadPrompts, type Prompts } from "./prompts.ts";
import { type BudgetLedger, SharedBudget } from "./shared_budget.ts";
import type { ErrorFacts, Summarizer, SummaryOutcome } from "./summary.ts";
import { TripNotices } from "./trip_notices.ts";

export type MistralSettings = Config["mistral"];

/** Why a summary has the facts alone. */
export const FACTS_ONLY_CAUSES = [
  "no_key",
  "orders",
  "breaker",
  "budget",
  "resting",
  "busy",
  "aborted",
  "failure",
] as const;
type FactsOnlyCause = (typeof FACTS_ONLY_CAUSES)[number];

/** Counts since the start; for metrics. */
export interface SummarizerStatus {
  /** Null where no model is asked. */
  readonly model: string | null;
  readonly breaker: BreakerState;
  readonly budget: BudgetStatus;
  readonly written: number;
  readonly factsOnly: Readonly<Record<FactsOnlyCause, number>>;
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly usd: number;
  readonly repairs: number;
  readonly failures: Readonly<Partial<Record<FailureKind | "bad_answer", number>>>;
  /** Parts of answers, and lines of evidence, that were left out. */
  readonly droppedParts: number;
  readonly withheldLines: number;
  readonly underWay: number;
  readonly waiting: number;
}

export interface SummarizerEnvironment {
  readonly now: () => number;
  readonly random: () => number;
  readonly wait: AskTools["wait"];
  /** Told to the operator: once when something is out of order, once when it is over. */
  readonly notice: (text: string) => void;
  /** Where it is kept what all analyzers have spent. */
  readonly ledger: BudgetLedger;
}

const BREAKER = { failuresMax: 5, restMs: 30_000, restMsMax: 600_000 };
/** A budget of a minute comes and goes: it is over once it held for so long. */
const QUIET_MS = 600_000;
const WAITING_MAX = 100;
const MISTRAL = "https://api.mistral.ai";

/** Reads prompts and key. Throws INVALID_CONFIG where they cannot be used. */
export async function createSummarizer(
  settings: MistralSettings,
  environment: SummarizerEnvironment,
): Promise<MistralSummarizer> {
  const prompts = await loadPrompts(settings.promptsDirectory);
  const isEnabled = settings.apiKey !== "" || settings.apiKeyFile !== "" ||
    settings.serverUrl.replace(/\/+$/, "") !== MISTRAL;
  if (isEnabled) await keyOf(settings);
  return new MistralSummarizer(settings, environment, prompts, isEnabled);
}

async function keyOf({ apiKey, apiKeyFile }: MistralSettings): Promise<string> {
  if (apiKeyFile === "") return apiKey.trim();
  try {
    return (await Deno.readTextFile(apiKeyFile)).trim();
  } catch (error) {
    throw new MillraceError(
      "INVALID_CONFIG",
      `mistral.apiKeyFile: ${apiKeyFile} cannot be read (${messageOf(error)})`,
      "put the key into that file, or name another",
    );
  }
}

export class MistralSummarizer implements Summarizer {
  readonly #settings: MistralSettings;
  readonly #environment: SummarizerEnvironment;
  readonly #prompts: Prompts;
  readonly #isEnabled: boolean;
  readonly #budget: SharedBudget;
  readonly #breaker = new Breaker(BREAKER);
  readonly #notices: TripNotices<"model" | "budget" | "deprecation">;
  readonly #limit: ReturnType<typeof pLimit>;
  #api: Promise<ModelApi> | null = null;
  /** Why the breaker is open. */
  #outage = "";
  readonly #counts = {
    written: 0,
    calls: 0,
    tokensIn: 0,
    tokensOut: 0,
    usd: 0,
    repairs: 0,
    droppedParts: 0,
    withheldLines: 0,
  };
  readonly #factsOnly = Object.fromEntries(FACTS_ONLY_CAUSES.map((cause) => [cause, 0])) as Record<
    FactsOnlyCause,
    number
  >;
  readonly #failures: Partial<Record<FailureKind | "bad_answer", number>> = {};

  /** Use {@link createSummarizer}. */
  constructor(settings: MistralSettings, environment: SummarizerEnvironment, prompts: Prompts, isEnabled: boolean) {
    this.#settings = settings;
    this.#environment = environment;
    this.#prompts = prompts;
    this.#isEnabled = isEnabled;
    this.#budget = new SharedBudget(settings, environment.ledger);
    this.#notices = new TripNotices(QUIET_MS, environment.notice);
    this.#limit = pLimit(settings.concurrency);
  }

  /** Asks the server, at a start, for its models, and tells what is wrong with key or model. Never throws. */
  async check(signal: AbortSignal): Promise<void> {
    const { now, notice } = this.#environment;
    if (!this.#isEnabled) {
      return notice("summaries: no key to Mistral is set (mistral.apiKey): errors are told with the facts alone");
    }
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#settings.timeoutMs)]);
      const verdict = checkModel(this.#settings.model, await (await this.#openApi()).listModels(limit), now());
      if (signal.aborted) return;
      if (verdict.kind === "wrong") this.#out(verdict.reason, true);
      else if (verdict.kind === "told") notice(`summaries: ${verdict.reason}`);
    } catch (error) {
      notice(`summaries: the model cannot be asked: ${messageOf(error)}`);
    }
  }

  async summarize(facts: ErrorFacts, signal: AbortSignal): Promise<SummaryOutcome> {
    try {
      if (!this.#isEnabled) return this.#facts(facts, "no_key", "no key to a model is set", null);
      const prompt = promptFor(facts, this.#prompts);
      if (prompt === null) {
        return this.#facts(
          facts,
          "orders",
          "its lines read like orders to a model, which was not asked therefore",
          null,
        );
      }
      this.#counts.withheldLines += prompt.withheld.length;
      if (this.#limit.pendingCount >= WAITING_MAX) {
        return this.#facts(facts, "busy", "too many errors wait for the model", BREAKER.restMs);
      }
      return await this.#limit(() => this.#askAbout(facts, prompt, signal));
    } catch (error) {
      return this.#facts(facts, "failure", `the model could not be asked: ${messageOf(error)}`, BREAKER.restMs);
    }
  }

  status(): SummarizerStatus {
    const now = this.#environment.now();
    return {
      model: this.#isEnabled ? this.#settings.model : null,
      breaker: this.#breaker.state(now),
      budget: this.#budget.status(now),
      ...this.#counts,
      factsOnly: { ...this.#factsOnly },
      failures: { ...this.#failures },
      underWay: this.#limit.activeCount,
      waiting: this.#limit.pendingCount,
    };
  }

  /** The key, for others that ask the same server. Throws INVALID_CONFIG where its file cannot be read. */
  key(): Promise<string> {
    return keyOf(this.#settings);
  }

  async #askAbout(facts: ErrorFacts, prompt: Prompt, signal: AbortSignal): Promise<SummaryOutcome> {
    const { now } = this.#environment;
    if (signal.aborted) return this.#facts(facts, "aborted", "the model was not asked: the analyzer is stopping", null);
    const passage = this.#breaker.pass(now());
    if (!passage.passes) return this.#facts(facts, "breaker", this.#outage, passage.retryAfterMs);
    const tokensIn = tokensOf(prompt.messages);
    const admission = await this.#budget.admit(now(), facts.fingerprint, tokensIn, this.#settings.maxTokens);
    if (admission.kind !== "admitted") this.#breaker.withdrawn();
    if (admission.kind === "unavailable") return this.#noBudget(facts, admission.reason);
    if (admission.kind === "resting") {
      return this.#facts(facts, "resting", "the model was asked about it a short time ago", admission.retryAfterMs);
    }
    if (admission.kind === "refused") return this.#overBudget(facts, admission.limit, admission.retryAfterMs);
    const tools: AskTools = {
      ...this.#environment,
      api: await this.#openApi(),
      budget: this.#budget,
      prompts: this.#prompts,
    };
    const asked = await ask(facts, prompt, admission.reservation, this.#settings, tools, signal);
    return await this.#told(facts, asked, signal);
  }

  async #told(facts: ErrorFacts, asked: Asked, signal: AbortSignal): Promise<SummaryOutcome> {
    const { now } = this.#environment;
    const { effort } = asked;
    const usd = this.#budget.usdOf(effort.tokensIn, effort.tokensOut);
    for (const key of ["calls", "tokensIn", "tokensOut", "repairs"] as const) this.#counts[key] += effort[key];
    this.#counts.usd += usd;
    for (const failure of effort.failures) this.#failures[failure] = (this.#failures[failure] ?? 0) + 1;

    if (asked.kind === "over_budget") {
      this.#breaker.withdrawn();
      return this.#overBudget(facts, asked.limit, asked.retryAfterMs);
    }
    if (asked.kind === "unavailable") {
      this.#breaker.withdrawn();
      return this.#noBudget(facts, asked.reason);
    }
    if (asked.kind === "failed") return await this.#failed(facts, asked, signal);
    this.#breaker.succeeded();
    this.#notices.works("model", now(), "summaries: the model answers again", true);
    this.#notices.works("budget", now(), "summaries: the budget holds again");
    this.#counts.written++;
    this.#counts.droppedParts += asked.dropped;
    const { tokensIn, tokensOut } = effort;
    return {
      kind: "written",
      summary: asked.summary,
      author: authorOf(asked.model, this.#settings.model),
      tokensIn,
      tokensOut,
      usd,
    };
  }

  async #failed(
    facts: ErrorFacts,
    asked: Extract<Asked, { kind: "failed" }>,
    signal: AbortSignal,
  ): Promise<SummaryOutcome> {
    const { failure, reason, retryAfterMs } = asked;
    const { now } = this.#environment;
    if (failure === "aborted") {
      this.#breaker.withdrawn();
      await this.#budget.wake(now(), facts.fingerprint);
      return this.#facts(facts, "aborted", "the model was called off: the analyzer is stopping", null);
    }
    // A bad answer was paid for, and would come again.
    if (failure !== "bad_answer") await this.#budget.wake(now(), facts.fingerprint);
    const isHopeless = failure === "unauthorized" || failure === "unknown_model";
    const told = failure === "unknown_model"
      ? `${REASONS[failure]} (${this.#settings.model})${await this.#others(signal)}`
      : failure === "refused" || failure === "bad_answer" || failure === "unreachable" || failure === "server_error"
      ? `${REASONS[failure]} (${reason})`
      : REASONS[failure];
    this.#breaker.failed(now(), isHopeless);
    if (this.#breaker.state(now()) === "open") this.#out(told, false);
    return this.#facts(facts, "failure", told, Math.max(retryAfterMs ?? 0, BREAKER.restMs));
  }

  /** Nothing is asked for a while; told once. */
  #out(reason: string, opens: boolean): void {
    const now = this.#environment.now();
    if (opens) this.#breaker.failed(now, true);
    this.#outage = reason;
    this.#notices.tripped("model", now, `summaries: ${reason}; errors are told with the facts alone until it answers`);
  }

  #overBudget(facts: ErrorFacts, limit: LimitName, retryAfterMs: number): SummaryOutcome {
    const reason = `the budget of summaries is spent (mistral.${limit} is ${this.#settings[limit]})`;
    this.#notices.tripped(
      "budget",
      this.#environment.now(),
      `summaries: ${reason}; errors are told with the facts alone meanwhile`,
    );
    return this.#facts(facts, "budget", reason, retryAfterMs);
  }

  /** Whoever cannot say that a call is paid for does not make it. */
  #noBudget(facts: ErrorFacts, why: string): SummaryOutcome {
    const reason = `the budget of summaries cannot be read: ${why}`;
    return this.#facts(facts, "failure", reason, BREAKER.restMs);
  }

  #facts(facts: ErrorFacts, cause: FactsOnlyCause, reason: string, retryAfterMs: number | null): SummaryOutcome {
    this.#factsOnly[cause]++;
    return factsOnly(facts, reason, retryAfterMs);
  }

  async #others(signal: AbortSignal): Promise<string> {
    return modelsNamed(await (await this.#openApi()).listModels(AbortSignal.any([signal, AbortSignal.timeout(5000)])));
  }

  #openApi(): Promise<ModelApi> {
    return this.#api ??= openMistral({
      serverUrl: this.#settings.serverUrl,
      key: () => keyOf(this.#settings),
      onDeprecation: (date) =>
        this.#notices.tripped(
          "deprecation",
          this.#environment.now(),
          `summaries: the model ${this.#settings.model} is to be retired on ${date}: set mistral.model to another`,
        ),
    });
  }
}

/** What failed, in words that a card may show. */
const REASONS: Readonly<Record<FailureKind | "bad_answer", string>> = {
  unauthorized: "the model's server does not take the key: correct mistral.apiKey or mistral.apiKeyFile",
  unknown_model: "the model's server has no such model",
  rate_limited: "the model's server takes no more requests for now",
  server_error: "the model's server failed",
  refused: "the model's server refused the request",
  timeout: "the model did not answer in time",
  unreachable: "the model's server cannot be reached",
  garbled: "what answers is no server of a model",
  aborted: "the model was called off",
  bad_answer: "the model's answer could not be used",
};

/** What the server calls the model, unless that is no name. */
const authorOf = (named: string, asked: string): string => /^[\w./:@ -]{1,100}$/.test(named) ? named : asked;
