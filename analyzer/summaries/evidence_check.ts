/**
 * What of a model's answer is believed: nothing but enumerations, ids of evidence that it was given, and plain words. Pure.
 * The rules are in docs/adr/034-summaries.md.
 */
import type { PossibleCause, Severity } from "../notify/notice.ts";
import { SEVERITIES } from "../notify/notice.ts";
import type { ModelAnswer } from "./answer.ts";
import { factsSummary } from "./facts_card.ts";
import { plainText } from "./plain_text.ts";
import type { ErrorFacts, Summary } from "./summary.ts";
import { asPossible, isUnwelcome } from "./wording.ts";

export const TITLE_CHARS_MAX = 120;
export const TEXT_CHARS_MAX = 600;
export const ITEM_CHARS_MAX = 300;
export const CAUSES_MAX = 3;
export const STEPS_MAX = 5;
/** How far a model may differ from the severity that the level has. */
const SEVERITY_STEPS = 1;

export type CheckedAnswer =
  | { readonly ok: true; readonly summary: Summary; /** Parts that were left out. */ readonly dropped: number }
  | { readonly ok: false; readonly problem: string };

/**
 * @param shown Ids of the lines that the model was given: those alone are evidence.
 * @returns `ok: false` where neither what happened nor a cause is left.
 */
export function checkAnswer(answer: ModelAnswer, facts: ErrorFacts, shown: ReadonlySet<string>): CheckedAnswer {
  const known = factsSummary(facts);
  const suspicious = new Set(answer.suspicious_lines.map(idOf));
  const believed = new Set([...shown].filter((id) => !suspicious.has(id)));
  if (believed.size === 0) return { ok: false, problem: "every line was named as suspicious" };
  const title = sentence(answer.title, TITLE_CHARS_MAX);
  const whatHappened = sentence(answer.what_happened, TEXT_CHARS_MAX);
  const causes = distinct(answer.possible_causes.flatMap((cause) => causeOf(cause, believed)));
  const nextSteps = [...new Set(answer.next_steps.map((step) => sentence(step, ITEM_CHARS_MAX)))]
    .filter((step) => step !== "");
  if (whatHappened === "" && causes.length === 0) {
    return {
      ok: false,
      problem:
        "no part of the answer could be used: it needs what_happened in plain words, and causes that cite the ids of lines",
    };
  }
  const summary: Summary = {
    title: title === "" ? known.title : title,
    severity: nearTo(known.severity, answer.severity),
    category: answer.category,
    whatHappened: whatHappened === "" ? known.whatHappened : whatHappened,
    causes: causes.slice(0, CAUSES_MAX),
    nextSteps: nextSteps.slice(0, STEPS_MAX),
  };
  const given = 2 + answer.possible_causes.length + answer.next_steps.length;
  const kept = Number(title !== "") + Number(whatHappened !== "") + summary.causes.length + summary.nextSteps.length;
  return { ok: true, summary, dropped: given - kept };
}

/** Empty where the words are not to be passed on. */
function sentence(text: string, max: number): string {
  const plain = plainText(text, max);
  if (isUnwelcome(plain)) return "";
  return plainText(asPossible(plain), max);
}

function causeOf(
  { text, confidence, evidence }: ModelAnswer["possible_causes"][number],
  believed: ReadonlySet<string>,
): PossibleCause[] {
  const ids = [...new Set(evidence.map(idOf))].filter((id) => believed.has(id));
  const words = sentence(text, ITEM_CHARS_MAX);
  return ids.length === 0 || words === "" ? [] : [{ text: words, confidence, evidence: ids }];
}

/** E3 of "E3", "e3" and "[E3]". */
function idOf(text: string): string {
  const number = /^\W{0,3}e(\d{1,2})\W{0,3}$/i.exec(text)?.[1];
  return number === undefined ? "" : `E${Number(number)}`;
}

function distinct(causes: readonly PossibleCause[]): PossibleCause[] {
  return [...new Map(causes.map((cause) => [cause.text.toLowerCase(), cause])).values()];
}

/** A model neither plays an error down nor up: it moves the severity by a step at most. */
function nearTo(known: Severity, said: Severity): Severity {
  const middle = SEVERITIES.indexOf(known);
  const at = Math.min(middle + SEVERITY_STEPS, Math.max(middle - SEVERITY_STEPS, SEVERITIES.indexOf(said)));
  return SEVERITIES[at] ?? known;
}
