/** What a model is sent: prompts of files, and the facts as JSON in which nothing of a log can be taken for a prompt. Pure. */
import { readsLikeInstructions } from "./instructions.ts";
import { logText } from "./log_text.ts";
import type { Prompts } from "./prompts.ts";
import type { ErrorFacts } from "./summary.ts";

const LINE_CHARS_MAX = 1500;
const SHORT_CHARS_MAX = 300;
const EVIDENCE_MAX = 10;
const NEIGHBOURS_MAX = 10;
const VALUES_MAX = 20;

export interface PromptMessage {
  readonly role: "system" | "user";
  readonly content: string;
}

export interface Prompt {
  readonly messages: readonly PromptMessage[];
  /** Ids of the lines that the model sees. */
  readonly shown: ReadonlySet<string>;
  /** Ids of those that it does not, since they read like orders. */
  readonly withheld: readonly string[];
}

/** `null` where no line is left to show: all read like orders to a model. */
export function promptFor(facts: ErrorFacts, prompts: Prompts): Prompt | null {
  const shownText = (text: string, max: number): string | null => {
    const shown = logText(text, max);
    return readsLikeInstructions(text) || readsLikeInstructions(shown) ? null : shown;
  };
  const evidence = facts.evidence.slice(0, EVIDENCE_MAX).map(({ id, text }) => ({
    id,
    text: shownText(text, LINE_CHARS_MAX),
  }));
  const lines = evidence.flatMap(({ id, text }) => text === null || text === "" ? [] : [{ id, text }]);
  if (lines.length === 0) return null;
  const data = {
    service: shownText(facts.service, SHORT_CHARS_MAX),
    level: shownText(facts.level, SHORT_CHARS_MAX),
    template: shownText(facts.template, LINE_CHARS_MAX),
    why_asked: WHY[facts.reason],
    occurrences: facts.count,
    first_seen: new Date(facts.firstMs).toISOString(),
    last_seen: new Date(facts.lastMs).toISOString(),
    rate_per_minute: rounded(facts.ratePerMinute),
    usual_per_minute: facts.usualPerMinute === null ? null : rounded(facts.usualPerMinute),
    varying_values: facts.parameters.slice(0, VALUES_MAX).map((text) => shownText(text, SHORT_CHARS_MAX)).filter((
      text,
    ) => text !== null),
    other_errors: facts.neighbours.slice(0, NEIGHBOURS_MAX).flatMap(({ template, level, count }) => {
      const text = shownText(template, SHORT_CHARS_MAX);
      return text === null ? [] : [{ template: text, level: shownText(level, SHORT_CHARS_MAX), count }];
    }),
    lines,
  };
  const notes = prompts.services.get(facts.service);
  return {
    messages: [
      {
        role: "system",
        content: filled(
          prompts.system,
          "service_notes",
          notes === undefined ? "" : `On ${facts.service}:\n\n${notes.trim()}`,
        ),
      },
      { role: "user", content: filled(prompts.user, "facts", dataJson(data)) },
    ],
    shown: new Set(lines.map(({ id }) => id)),
    withheld: evidence.flatMap(({ id, text }) => text === null ? [id] : []),
  };
}

/** The same question, after an answer that could not be used; of that answer nothing is repeated. */
export function repairOf(messages: readonly PromptMessage[], prompts: Prompts, problem: string): PromptMessage[] {
  const note = filled(prompts.repair, "problem", problem);
  return messages.map((message) =>
    message.role === "system" ? { ...message, content: `${message.content}\n\n${note}` } : message
  );
}

const WHY: Readonly<Record<ErrorFacts["reason"], string>> = {
  new: "never seen before",
  spike: "far more frequent than usual",
  regressed: "back after a time without it",
  stale: "still going on, and not explained for long",
};

/** JSON that ends no block, tag or line of the text around it; wildcards and pseudonyms stay as they are. */
const dataJson = (data: unknown): string =>
  JSON.stringify(data, null, 1).replace(
    /[<>&\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
    .replace(/\\u003c(\*|[A-Z][A-Z_]{0,20}_[0-9A-F]{1,16})\\u003e/g, "<$1>");

/** Once, and not through `replace`, whose `$` would be read. */
const filled = (text: string, name: string, value: string): string => text.split(`{{${name}}}`).join(value).trim();

const rounded = (value: number): number => Number(value.toPrecision(3));
