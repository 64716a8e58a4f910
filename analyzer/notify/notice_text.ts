/** A notice as plain text, for mail, terminals and short messages. */
import type { Evidence, Notice, ThreadEntry } from "./notice.ts";
import { durationText, utcMinute } from "./times.ts";
import { cutText, inert, inertLine } from "../shown_text.ts";

const LINE_MAX = 500;
const TEXT_MAX = 4_000;

const line = (text: string, max = LINE_MAX): string => cutText(inertLine(text), max);

/** As in "error: Card processor refuses connections (payments)". */
export function noticeLine({ state, severity, title, service, topic }: Notice, max = 200): string {
  const word = state === "resolved" ? "resolved" : severity;
  return line(`${word}: ${title} (${service === "" ? topic : service})`, max);
}

/** All of it, top to bottom. */
export function noticeText(notice: Notice): string {
  const { state, severity, service, topic, openedMs, updatedMs, summary, facts, causes, nextSteps, author } = notice;
  const end = state === "resolved" ? `, over after ${durationText(updatedMs - openedMs)}` : "";
  const where = [severity, ...(service === "" ? [] : [line(service)]), `topic ${line(topic)}`].join(", ");
  return [
    `${line(notice.title)}\n${state}: ${where}, since ${utcMinute(openedMs)}${end}`,
    cutText(inert(summary).trim(), TEXT_MAX),
    facts.map(({ label, value }) => `${line(label, 60)}: ${line(value)}`).join("\n"),
    list(
      "Possible causes",
      causes.map(({ text, confidence, evidence }) =>
        `${line(text)} (confidence ${confidence}${evidence.length === 0 ? "" : `; ${line(evidence.join(", "), 100)}`})`
      ),
    ),
    list("Next steps", nextSteps.map((step) => line(step))),
    evidenceText(notice.evidence),
    author === "" ? "" : `Summary: ${line(author)}`,
    notice.links.map(({ label, url }) => `${line(label, 100)}: ${url}`).join("\n"),
  ].filter((part) => part !== "").join("\n\n");
}

/** What came up later. */
export function entryText({ text, evidence }: ThreadEntry): string {
  return [cutText(inert(text).trim(), TEXT_MAX), evidenceText(evidence)].filter((part) => part !== "").join("\n\n");
}

function list(heading: string, items: readonly string[]): string {
  return items.length === 0 ? "" : [`${heading}:`, ...items.map((item) => `- ${item}`)].join("\n");
}

function evidenceText(evidence: readonly Evidence[]): string {
  return evidence.map(({ id, text }) => `${line(id, 20)} ${line(text)}`).join("\n");
}
