/** The part of the evaluation that asks a live model: only where it is wanted, and a key is set. */
import { LIVE_CASES } from "../../analyzer/evaluation/live_cases.ts";
import { type Estimate, type LiveReport, runLive } from "../../analyzer/evaluation/live_run.ts";
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { configure } from "../configuration.ts";

export interface LiveOptions {
  readonly config?: string;
  /** The model that judges; absent: nobody is asked. */
  readonly live?: string;
  readonly times: string;
}

export interface LivePlan {
  readonly settings: Config["mistral"];
  readonly judge: string;
  readonly times: number;
}

/** What is to be asked, checked before anything is; null where nothing is. Throws INVALID_CONFIG or INVALID_INPUT. */
export function livePlan({ config, live, times }: LiveOptions): LivePlan | null {
  if (live === undefined) return null;
  const { mistral } = configure(config).config;
  if (mistral.apiKey === "" && mistral.apiKeyFile === "") {
    throw new MillraceError(
      "INVALID_CONFIG",
      "--live: no key to a model is set (mistral.apiKey)",
      "set MISTRAL_API_KEY",
    );
  }
  if (live === mistral.model) {
    throw new MillraceError(
      "INVALID_INPUT",
      `--live ${live}: no model judges itself`,
      "name another than mistral.model",
    );
  }
  if (!/^[1-9]\d{0,2}$/.test(times)) {
    throw new MillraceError(
      "INVALID_INPUT",
      `--times ${times}: not a whole number from 1 to 999`,
      "give one: --times 5",
    );
  }
  return { settings: mistral, judge: live, times: Number(times) };
}

/** Asks the model of the settings about each case, and another about each answer. */
export async function evaluateLive(plan: LivePlan): Promise<{ readonly figures: LiveReport; readonly text: string }> {
  const figures = await runLive(LIVE_CASES, { ...plan, now: Date.now });
  return { figures, text: textOf(figures, LIVE_CASES.length * plan.times) };
}

function textOf(report: LiveReport, asked: number): string {
  const lines = [
    `${report.model}, judged by ${report.judge}: ${report.written} of ${asked} written, ${report.judged} judged`,
    `grounded      ${percent(report.grounded)}`,
    `right cause   ${percent(report.rightCause)}`,
    `tokens        ${estimate(report.tokens, 0)}`,
    `US dollars    ${estimate(report.usd, 6)}`,
    `milliseconds  ${estimate(report.latencyMs, 0)}`,
    ...report.factsOnly.map((why) => `not written: ${why}`),
  ];
  return lines.map((line) => `  ${line}\n`).join("");
}

const percent = ({ mean, low, high }: Estimate): string =>
  `${(100 * mean).toFixed(1)} % (95 %: ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
const estimate = ({ mean, low, high }: Estimate, digits: number): string =>
  `${mean.toFixed(digits)} (95 %: ${low.toFixed(digits)} to ${high.toFixed(digits)})`;
