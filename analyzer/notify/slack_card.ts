/**
 * What a matter looks like in Slack. This is the file to edit for another look: `blocksOf` is the message from top to
 * bottom. Text of logs and models goes through `line`, `prose` or `code` of slack_text.ts, never straight into a block;
 * `deno test -P analyzer/notify` says whether a card keeps within Slack's limits.
 */
import type { ActionsBlock, Button, KnownBlock } from "@slack/types";
import { cutText } from "../shown_text.ts";
import type { Evidence, Notice, Severity, ThreadEntry } from "./notice.ts";
import {
  BUTTON_VALUE_MAX,
  code,
  FIELD_MAX,
  FIELDS_MAX,
  fits,
  HEADER_MAX,
  line,
  link,
  mrkdwn,
  plain,
  prose,
  SECTION_MAX,
  type SlackMessage,
} from "./slack_text.ts";
import { durationText, utcMinute } from "./times.ts";

/** Shape and word differ, not colour alone. */
const SIGNS: Readonly<Record<Severity, string>> = { critical: "🛑", error: "🔴", warning: "⚠️", info: "ℹ️" };
const STATES = { open: "Open", acknowledged: "Acknowledged", resolved: "Resolved" } as const;
const signOf = ({ state, severity }: Notice): string => state === "resolved" ? "✅" : SIGNS[severity];

/** The buttons below a card; their names are those of slack_actions.ts. */
export const ACTION_PREFIX = "millrace_";
const BUTTONS = [
  { kind: "acknowledge", label: "Acknowledge", isShown: ({ state }: Notice) => state === "open" },
  { kind: "silence", label: "Silence 1 h", isShown: ({ state }: Notice) => state !== "resolved" },
  { kind: "useful", label: "Useful", isShown: ({ kind }: Notice) => kind === "error" },
  { kind: "not_useful", label: "Not useful", isShown: ({ kind }: Notice) => kind === "error" },
  { kind: "wrong_grouping", label: "Wrong grouping", isShown: ({ kind }: Notice) => kind === "error" },
] as const;

export interface CardOptions {
  /** False where nobody would hear of a click. */
  readonly hasButtons: boolean;
}

/** The message of a matter as it stands. */
export function slackCard(notice: Notice, options: CardOptions): SlackMessage {
  return { text: summaryLine(notice), blocks: fitted((share) => blocksOf(notice, options, share)) };
}

/** What came up later, as a reply in the thread. */
export function slackReply(entry: ThreadEntry): SlackMessage {
  const blocks = fitted((share) => [
    { type: "section", text: mrkdwn(prose(entry.text, SECTION_MAX * share) || "-") },
    ...evidenceBlocks(entry.evidence, share),
  ]);
  return { text: line(entry.text, 300) || "-", blocks };
}

/** For notifications and screen readers. */
function summaryLine(notice: Notice): string {
  const where = notice.service === "" ? notice.topic : notice.service;
  return line(`${STATES[notice.state]}: ${notice.severity}: ${notice.title} (${where})`, 300);
}

/** @param share Of the room that texts may take: less where everything would be too long. */
function blocksOf(notice: Notice, { hasButtons }: CardOptions, share: number): KnownBlock[] {
  const { title, summary, facts, causes, nextSteps, evidence } = notice;
  const fields = facts.slice(0, FIELDS_MAX).map(({ label, value }) =>
    mrkdwn(`*${line(label, 60)}*\n${line(value, Math.min(FIELD_MAX - 70, 300 * share)) || "-"}`)
  );
  return [
    { type: "header", text: plain(`${signOf(notice)} ${title}`, HEADER_MAX) },
    { type: "context", elements: [mrkdwn(whereAndWhen(notice))] },
    ...(summary === "" ? [] : [section(prose(summary, 2_000 * share))]),
    ...(fields.length === 0 ? [] : [{ type: "section", fields } as const]),
    ...list("Possible causes", causes.slice(0, 5).map((cause) => causeLine(cause, share))),
    ...list("Next steps", nextSteps.slice(0, 5).map((step) => line(step, 300 * share))),
    ...evidenceBlocks(evidence, share),
    { type: "context", elements: [mrkdwn(footer(notice))] },
    ...(hasButtons ? buttons(notice) : []),
  ];
}

const section = (text: string): KnownBlock => ({ type: "section", text: mrkdwn(text || "-") });

function whereAndWhen({ state, severity, service, topic, openedMs, updatedMs }: Notice): string {
  const parts = [
    `*${STATES[state]}*`,
    severity,
    ...(service === "" ? [] : [line(service, 100)]),
    `topic ${line(topic, 100)}`,
    `since ${utcMinute(openedMs)}`,
    ...(state === "resolved" ? [`over after ${durationText(updatedMs - openedMs)}`] : []),
  ];
  return parts.join(" · ");
}

function causeLine({ text, confidence, evidence }: Notice["causes"][number], share: number): string {
  const ids = evidence.slice(0, 10).map((id) => line(id, 10)).join(", ");
  return `${line(text, 350 * share)} (confidence ${confidence}${ids === "" ? "" : `; ${ids}`})`;
}

function list(heading: string, items: readonly string[]): KnownBlock[] {
  return items.length === 0 ? [] : [section([`*${heading}*`, ...items.map((item) => `• ${item}`)].join("\n"))];
}

function evidenceBlocks(evidence: readonly Evidence[], share: number): KnownBlock[] {
  if (evidence.length === 0) return [];
  const lines = evidence.slice(0, 10).map(({ id, text }) => `${id} ${cutText(text, 400 * share)}`);
  return [section(code(lines.join("\n"), SECTION_MAX * share))];
}

function footer({ author, links }: Notice): string {
  const own = links.slice(0, 3).map(link);
  const parts = [...own, author === "" ? "" : `summary: ${line(author, 150)}`];
  return parts.filter((part) => part !== "").join(" · ") || "Millrace";
}

function buttons(notice: Notice): ActionsBlock[] {
  // What is worse than what was seen at the click is told all the same.
  const value = notice.kind === "alert" ? `${notice.id} ${notice.severity}` : notice.id;
  if (value.length > BUTTON_VALUE_MAX) return [];
  const elements = BUTTONS.filter(({ isShown }) => isShown(notice)).map(({ kind, label }): Button => ({
    type: "button",
    action_id: `${ACTION_PREFIX}${kind}`,
    text: plain(label, 75),
    value,
  }));
  return elements.length === 0 ? [] : [{ type: "actions", elements }];
}

/** With as much of the texts as there is room for. */
function fitted(blocks: (share: number) => KnownBlock[]): KnownBlock[] {
  for (const share of [1, 0.7, 0.5, 0.3, 0.15]) {
    const made = blocks(share);
    if (fits(made)) return made;
  }
  return blocks(0.05);
}
