/** Templates of messages: what is the same in all of them, what varies, and by which values. Pure. */

export interface TemplatePart {
  readonly text: string;
  /** `redacted`: a pseudonym stands for what was there. */
  readonly kind: "same" | "varies" | "redacted";
}

const WILDCARD = "<*>";
const PARTS = /(<\*>|<[A-Z][A-Z0-9_]*_[0-9a-z]+>)/;
/** What a search finds nothing by. */
const SEARCHED_CHARS_MIN = 3;
const VALUES_MAX = 6;
const VALUE_CHARS_MAX = 60;

export function templateParts(template: string): TemplatePart[] {
  return template.split(PARTS).filter((text) => text !== "").map((text) => ({
    text,
    kind: text === WILDCARD ? "varies" : PARTS.test(text) ? "redacted" : "same",
  }));
}

/**
 * The longest text that all messages have in common, to search records by; empty where there is none of any use. A record
 * may have quotes and backslashes escaped, so that nothing beyond them is searched.
 */
export function commonText(template: string): string {
  const texts = templateParts(template).filter(({ kind }) => kind === "same").flatMap(({ text }) =>
    text.split(/["\\\p{Cc}]/u)
  ).map((text) => text.replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, ""));
  const longest = texts.reduce((best, text) => text.length > best.length ? text : best, "");
  return longest.length < SEARCHED_CHARS_MIN ? "" : longest;
}

/** What a line says: the message of a JSON record, else the line. */
export function messageIn(line: string): string {
  try {
    const record: unknown = JSON.parse(line);
    if (typeof record !== "object" || record === null) return line;
    const said = ["message", "msg", "error", "body"].map((name): unknown => Reflect.get(record, name));
    return said.find((text) => typeof text === "string") ?? line;
  } catch {
    return line; // no JSON, or cut
  }
}

/** For each wildcard of a template the values that lines have there, the first of them. */
export function variedValues(template: string, lines: readonly string[]): string[][] {
  const parts = templateParts(template);
  const values = parts.filter(({ kind }) => kind === "varies").map(() => new Set<string>());
  for (const line of lines) {
    const found = align(parts, messageIn(line).replace(/\s+/g, " "));
    found?.forEach((value, at) => {
      if (values[at].size < VALUES_MAX) values[at].add(shortened(value));
    });
  }
  return values.map((each) => [...each]);
}

/** The values at wildcards, or null where the message is not of that template. Linear: each text is looked for once. */
function align(parts: readonly TemplatePart[], message: string): string[] | null {
  const values: string[] = [];
  let at = 0;
  let isOpen = false;
  for (const { text, kind } of parts) {
    if (kind === "varies") {
      if (isOpen) values.push(""); // beside each other: the first takes it all
      isOpen = true;
      continue;
    }
    const found = message.indexOf(text, isOpen ? at + 1 : at);
    if (found < 0) return null;
    if (isOpen) values.push(message.slice(at, found));
    isOpen = false;
    at = found + text.length;
  }
  if (isOpen) values.push(message.slice(at));
  return values;
}

const shortened = (text: string): string =>
  text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX - 1)}…`;
