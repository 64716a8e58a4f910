/** What tells who somebody is by its form: mail addresses, account numbers, user names in paths. */
import { type Finder, type Finding, isAlphanumeric, isStart, NOTHING } from "./finding.ts";
import { IBAN_LENGTHS } from "./iban.ts";

const LOCAL = /[\p{L}\p{N}\p{M}._%+'!#$&*\/?^{|}~-]/u;
const DOMAIN = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,62})\.){1,8}\p{L}(?:[\p{L}\p{N}-]{1,62})/uy;
const LOCAL_MAX = 128;

/** From the sign `@` both ways. */
export const findEmails: Finder = (text) => {
  let at = text.indexOf("@");
  if (at < 0) return NOTHING;
  const found: Finding[] = [];
  for (; at >= 0; at = text.indexOf("@", at + 1)) {
    DOMAIN.lastIndex = at + 1;
    if (!DOMAIN.test(text)) continue;
    let end = DOMAIN.lastIndex;
    while (text.charCodeAt(end - 1) === HYPHEN) end--;
    const floor = Math.max(found.at(-1)?.end ?? 0, at - LOCAL_MAX);
    let start = at;
    while (start > floor && LOCAL.test(text[start - 1])) start--;
    start = trimLocal(text, start, at);
    const local = text.slice(start, at);
    if (local === "" || local === "git" || local === "noreply") continue;
    found.push({ start, end, kind: "EMAIL", value: text.slice(start, end).toLowerCase() });
  }
  return found;
};

/** What may stand in a mailbox's name, but rather divides it from something before it. */
function trimLocal(text: string, start: number, at: number): number {
  let begin = start;
  for (let i = at - 1; i >= start; i--) {
    if ("/?&!#$*^{|}~'".includes(text[i])) {
      begin = i + 1;
      break;
    }
  }
  const escape = text.slice(begin, at).search(/%[0-9A-Fa-f]{2}(?!.*%[0-9A-Fa-f]{2})/);
  if (escape >= 0) begin += escape + 3;
  while (begin < at && ".%+-'".includes(text[begin])) begin++;
  return begin;
}

const IBAN_START = /[A-Z]{2}\d{2}[ -]?[A-Z0-9]{2}/g;

export const findIbans: Finder = (text) => {
  let found: Finding[] | null = null;
  IBAN_START.lastIndex = 0;
  for (let match = IBAN_START.exec(text); match !== null; match = IBAN_START.exec(text)) {
    const start = match.index;
    const length = IBAN_LENGTHS.get(text.slice(start, start + 2));
    const end = length === undefined ? -1 : endOfIban(text, start, length);
    if (end < 0 || !isStart(text, start)) {
      IBAN_START.lastIndex = start + 1;
      continue;
    }
    (found ??= []).push({ start, end, kind: "IBAN", value: text.slice(start, end).replace(/[ -]/g, "") });
    IBAN_START.lastIndex = end;
  }
  return found ?? NOTHING;
};

/** Where an account number of so many characters ends; -1 where its checksum is wrong (ISO 13616, modulo 97). */
function endOfIban(text: string, start: number, length: number): number {
  let said = "";
  let at = start;
  for (; said.length < length; at++) {
    const char = text[at];
    if (char === undefined) return -1;
    if (/[A-Z0-9]/.test(char)) said += char;
    else if (!(char === " " || char === "-") || text[at - 1] === char) return -1;
  }
  if (isAlphanumeric(text.charCodeAt(at))) return -1;
  let rest = 0;
  for (const char of said.slice(4) + said.slice(0, 4)) rest = Number(`${rest}${parseInt(char, 36)}`) % 97;
  return rest === 1 ? at : -1;
}

/** A user's own directory, unless it is a path of a site. */
const HOMES =
  /(?:(?:\/var)?\/home\/|\/Users\/|\\{1,4}Users\\{1,4}|\\{1,4}Documents and Settings\\{1,4}|\/export\/home\/)([^\s\/\\"'`:;,<>()\[\]{}|=&?#]{1,64})/gi;
const NO_USERS = new Set(["shared", "public", "default", "all", "runner", "root", "app", "user", "users", "node"]);

export const findHomes: Finder = (text) => {
  if (!/home|users|settings/i.test(text)) return NOTHING;
  const found: Finding[] = [];
  for (const match of text.matchAll(HOMES)) {
    const end = match.index + match[0].length;
    const start = end - match[1].length;
    if (NO_USERS.has(match[1].toLowerCase()) || /\.(?:html?|php|aspx?|jsp|js|css)$/.test(match[1])) continue;
    if (
      /(?:\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) |[\w.-])$/.test(
        text.slice(Math.max(0, match.index - 10), match.index),
      )
    ) {
      const isOption = /(?:^|[\s"'])-[A-Za-z]$/.test(text.slice(Math.max(0, match.index - 3), match.index)); // -I/home/anna
      if (!match[0].startsWith("\\") && !isOption) continue;
    }
    found.push({ start, end, kind: "USER" });
  }
  return found;
};

const HYPHEN = 0x2d;
