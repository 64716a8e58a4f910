/** The summary that needs no model: what is known of an error, in sentences of our own. Pure. */
import type { Severity } from "../notify/notice.ts";
import { cutText, plainLine } from "../shown_text.ts";
import type { ErrorFacts, Summary, SummaryOutcome } from "./summary.ts";

const TITLE_CHARS_MAX = 120;
const TEMPLATE_CHARS_MAX = 300;
const NEIGHBOURS_MAX = 2;

const SEVERITY_OF_LEVEL: Readonly<Record<string, Severity>> = {
  FATAL: "critical",
  ERROR: "error",
  WARN: "warning",
  WARNING: "warning",
};

/** The same facts give the same summary; it names neither causes nor steps, since nothing is known of them. */
export function factsSummary(facts: ErrorFacts): Summary {
  const { service, topic, template, level } = facts;
  return {
    title: cutText(`${service === "" ? topic : service}: ${plainLine(template)}`, TITLE_CHARS_MAX, "..."),
    severity: SEVERITY_OF_LEVEL[level.toUpperCase()] ?? "error",
    category: "unknown",
    whatHappened: [occurrences(facts), WHY[facts.reason](facts), neighbours(facts)].filter((text) => text !== "").join(
      " ",
    ),
    causes: [],
    nextSteps: [],
  };
}

/** A summary of the facts alone, with why no model wrote one. `retryAfterMs`: not before so long, null where it is not known. */
export function factsOnly(facts: ErrorFacts, reason: string, retryAfterMs: number | null): SummaryOutcome {
  return { kind: "facts_only", summary: factsSummary(facts), reason, retryAfterMs };
}

const WHY: Readonly<Record<ErrorFacts["reason"], (facts: ErrorFacts) => string>> = {
  new: () => "It has not been seen before.",
  spike: ({ ratePerMinute, usualPerMinute }) =>
    usualPerMinute === null || usualPerMinute <= 0
      ? `It is far more frequent than usual: ${rate(ratePerMinute)} a minute.`
      : `It is ${rate(ratePerMinute / usualPerMinute)} times as frequent as usual: ${
        rate(ratePerMinute)
      } a minute, usually ${rate(usualPerMinute)}.`,
  regressed: () => "It is back after a time without it.",
  stale: () => "It is going on.",
};

function occurrences({ count, level, service, topic, firstMs, lastMs }: ErrorFacts): string {
  const where = service === "" ? `the topic ${topic}` : service;
  const times = count === 1 ? "1 event" : `${count} events`;
  const when = firstMs === lastMs ? `at ${time(firstMs)}` : `from ${time(firstMs)} to ${time(lastMs)}`;
  return `${times} of level ${level} in ${where} ${when}.`;
}

function neighbours(facts: ErrorFacts): string {
  const told = facts.neighbours.slice(0, NEIGHBOURS_MAX).map(({ template, count }) =>
    `"${cutText(plainLine(template), TEMPLATE_CHARS_MAX, "...")}" (${count})`
  );
  return told.length === 0 ? "" : `At the same time: ${told.join(", ")}.`;
}

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Three digits, no exponent. */
const rate = (value: number): string => value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));
