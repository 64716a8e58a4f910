/** Text for Slack: escaped, cut, and without the means to mention anybody or to link anywhere. */
import type { KnownBlock, MrkdwnElement, PlainTextElement } from "@slack/types";
import type { Link } from "./notice.ts";
import { cutText, inert, inertLine } from "../shown_text.ts";

/** A message: blocks for the screen, and the same in a line for notifications and screen readers. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

export const HEADER_MAX = 150;
export const SECTION_MAX = 3_000;
export const FIELD_MAX = 2_000;
export const FIELDS_MAX = 10;
export const BLOCKS_MAX = 50;
/** Three of them fit into a block. */
const LINK_MAX = 800;
/** Slack takes 2 000; five of those would leave no room for anything else. */
export const BUTTON_VALUE_MAX = 400;
/** Slack refuses messages from about 13 200 characters on, which it does not document; counted here as JSON. */
export const TOTAL_MAX = 12_000;

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => ENTITIES[sign]);

/** Escaped text of at most `max` units, which neither begins nor ends a code block; no entity is cut in two. */
function escapedUpTo(text: string, max: number): string {
  const whole = escaped(text.replaceAll("```", "'''"));
  return whole.length <= max ? whole : cutText(whole, max).replace(/&[a-z]*…$/, "…");
}

/** Any text on one line, as mrkdwn. */
export const line = (text: string, max: number): string => escapedUpTo(inertLine(text), max);

/** Any text with its line breaks, as mrkdwn. */
export const prose = (text: string, max: number): string => escapedUpTo(inert(text).trim(), max);

/** Lines of a log, set as code. */
export function code(text: string, max: number): string {
  const fences = "```\n\n```".length;
  return `\`\`\`\n${escapedUpTo(inert(text), max - fences)}\n\`\`\``;
}

/** Verbatim: Slack turns nothing in it into links or mentions by itself. */
export const mrkdwn = (text: string): MrkdwnElement => ({ type: "mrkdwn", text, verbatim: true });

export const plain = (text: string, max: number): PlainTextElement => ({
  type: "plain_text",
  text: cutText(inertLine(text), max) || "-",
  emoji: true,
});

/** A link that the program made; empty where it is none of http. Log text and models never get here. */
export function link({ label, url }: Link): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return "";
  const href = escaped(parsed.href.replace(/[<>|]/g, encodeURIComponent));
  return href.length > LINK_MAX ? "" : `<${href}|${line(label, 100).replaceAll("|", "/") || "link"}>`;
}

export function fits(blocks: readonly KnownBlock[]): boolean {
  return blocks.length <= BLOCKS_MAX && JSON.stringify(blocks).length <= TOTAL_MAX;
}
