/**
 * What is wrong with a message for Slack: its limits, as Slack's reference of blocks has them, and that no text of a log or a
 * model mentions anybody, links anywhere, hides anything or gets out of its code block. Knows nothing of how cards are made.
 */
import type { KnownBlock } from "@slack/types";

interface Message {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

const LIMITS = {
  text: 4_000,
  blocks: 50,
  header: 150,
  section: 3_000,
  fields: 10,
  field: 2_000,
  contextElements: 10,
  actionElements: 25,
  buttonText: 75,
  buttonValue: 2_000,
  actionId: 255,
  /** Undocumented: about 13 200 are refused. */
  json: 12_000,
} as const;
/** First and last of what hides or reorders text, but for the line feed and the tab. */
const HIDDEN = [[0, 8], [11, 31], [127, 159], [0x200b, 0x200f], [0x202a, 0x202e], [0x2060, 0x2069], [0xfeff, 0xfeff]];
const isHidden = (code: number): boolean => HIDDEN.some(([first, last]) => code >= first && code <= last);

/** What is wrong, a line each; none: all is well. @param ownLinks Addresses, escaped, that the program itself links to. */
export function faultsOf({ text, blocks }: Message, ownLinks: readonly string[]): string[] {
  const faults: string[] = [];
  const most = (what: keyof typeof LIMITS, found: number, least = 0) => {
    if (found > LIMITS[what]) faults.push(`${what}: ${found}, at most ${LIMITS[what]}`);
    if (found < least) faults.push(`${what}: ${found}, at least ${least}`);
  };
  most("text", text.length, 1);
  most("blocks", blocks.length);
  most("json", JSON.stringify(blocks).length);
  for (const block of blocks) {
    if (block.type === "header") most("header", block.text.text.length, 1);
    if (block.type === "section") {
      if (block.text === undefined && block.fields === undefined) faults.push("a section of nothing");
      if (block.text !== undefined) most("section", block.text.text.length, 1);
      if (block.fields !== undefined) most("fields", block.fields.length, 1);
      for (const field of block.fields ?? []) most("field", field.text.length, 1);
    }
    if (block.type === "context") most("contextElements", block.elements.length, 1);
    if (block.type !== "actions") continue;
    most("actionElements", block.elements.length, 1);
    for (const element of block.elements) {
      if (element.type !== "button") continue;
      most("buttonText", element.text.text.length, 1);
      most("buttonValue", element.value?.length ?? 0, 1);
      most("actionId", element.action_id?.length ?? 0, 1);
    }
    const ids = block.elements.map(({ action_id: id }) => id);
    if (new Set(ids).size < ids.length) faults.push("two buttons of one action_id");
  }
  const texts = [{ type: "mrkdwn", text, verbatim: true }, ...textsOf(blocks)];
  return [...faults, ...texts.flatMap((each) => faultsOfText(each, ownLinks))];
}

interface TextObject {
  readonly type: string;
  readonly text: string;
  readonly verbatim?: boolean;
}

/** Every text of a message, with its type. */
function textsOf(value: unknown): TextObject[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== "object" || value === null) return [];
  const { type, text, verbatim } = value as { type?: unknown; text?: unknown; verbatim?: unknown };
  const own = typeof type === "string" && typeof text === "string"
    ? [{ type, text, ...(typeof verbatim === "boolean" ? { verbatim } : {}) }]
    : [];
  return [...own, ...Object.values(value).flatMap(textsOf)];
}

function faultsOfText({ type, text, verbatim }: TextObject, ownLinks: readonly string[]): string[] {
  const shown = JSON.stringify(text.slice(0, 200));
  const faults: string[] = [];
  if ([...text].some((sign) => isHidden(sign.codePointAt(0) ?? 0))) faults.push(`hidden characters: ${shown}`);
  if (!text.isWellFormed()) faults.push(`half a character: ${shown}`);
  if (type === "plain_text") return faults;
  if (verbatim !== true) faults.push(`not verbatim: ${shown}`);
  // What Slack would make of it: sequences in angle brackets are links and mentions, entities are signs.
  for (const [, inner] of text.matchAll(/<([^<>]*)>/g)) {
    if (!ownLinks.includes(inner.split("|")[0])) faults.push(`a link or mention: ${JSON.stringify(inner)}`);
  }
  const rest = text.replace(/<[^<>]*>/g, "");
  if (/[<>]/.test(rest)) faults.push(`a bracket that is not escaped: ${shown}`);
  if (rest.replace(/&(amp|lt|gt);/g, "").includes("&")) faults.push(`an entity that was cut: ${shown}`);
  if (rest.includes("://")) faults.push(`an address: ${shown}`);
  if (text.split("```").length % 2 === 0) faults.push(`a code block that is not closed: ${shown}`);
  return faults;
}
