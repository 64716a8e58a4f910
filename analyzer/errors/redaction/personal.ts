/** What tells who somebody is: mail addresses, telephone, card and account numbers, social security numbers, user names in paths. */
import { type Finder, type Finding, isAlphanumeric, isDigit, NOTHING } from "./finding.ts";
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

/** Groups as they are printed on cards, or all digits in a row. */
const CARDS = /\d{4}([ .-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3}(?!\d))?|\d{4}([ .-])\d{6}\2\d{4,5}|\d{13,19}/g;
/** Beginnings that issuers have: Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay, Maestro. */
const ISSUERS = /^(?:4|5[0-8]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|35|6(?:011|2|4[4-9]|5|3|7|9))/;

export const findCards: Finder = (text) => {
  let found: Finding[] | null = null;
  CARDS.lastIndex = 0;
  for (let match = CARDS.exec(text); match !== null; match = CARDS.exec(text)) {
    const start = match.index;
    const end = CARDS.lastIndex;
    if (isDigit(text.charCodeAt(end))) {
      // Longer than any card: pass by the rest, as the end of another would be found in it.
      let rest = end;
      while (isDigit(text.charCodeAt(rest))) rest++;
      CARDS.lastIndex = rest;
      continue;
    }
    for (const said of [match[0], match[0].slice(0, 19)]) {
      const digits = said.replace(/\D/g, "");
      if (digits.length < 13 || isPartOfMore(text, start, start + said.length, digits.length)) continue;
      if (!ISSUERS.test(digits) || !hasLuhn(digits)) continue;
      (found ??= []).push({ start, end: start + said.length, kind: "CARD", value: digits });
      break;
    }
  }
  return found ?? NOTHING;
};

function isPartOfMore(text: string, start: number, end: number, digits: number): boolean {
  const before = text.charCodeAt(start - 1);
  if (start > 0 && (isAlphanumeric(before) && !isEscaped(text, start) || (before === UNDERSCORE && digits > 16))) {
    return true;
  }
  if (start > 1 && (before === HYPHEN || before === DOT) && isAlphanumeric(text.charCodeAt(start - 2))) {
    if (digits > 16 || isDigit(text.charCodeAt(start - 2))) return true;
  }
  if (start > 1 && before === HYPHEN && text.charCodeAt(start - 2) === UNDERSCORE) return true; // blk_-1
  const after = text.charCodeAt(end);
  return isAlphanumeric(after) || ((after === HYPHEN || after === DOT) && isDigit(text.charCodeAt(end + 1)));
}

const isEscaped = (text: string, at: number): boolean =>
  /(?:%[0-9A-Fa-f]{2}|\\[nrtbf]|\\u[0-9A-Fa-f]{4})$/.test(text.slice(Math.max(0, at - 6), at));

function hasLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    if (i % 2 === 1 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return sum % 10 === 0 && /[1-9]/.test(digits.slice(1));
}

const IBAN_START = /[A-Z]{2}\d{2}[ -]?[A-Z0-9]{2}/g;

export const findIbans: Finder = (text) => {
  let found: Finding[] | null = null;
  IBAN_START.lastIndex = 0;
  for (let match = IBAN_START.exec(text); match !== null; match = IBAN_START.exec(text)) {
    const start = match.index;
    const length = IBAN_LENGTHS.get(text.slice(start, start + 2));
    const end = length === undefined ? -1 : endOfIban(text, start, length);
    if (end < 0 || (start > 0 && isAlphanumeric(text.charCodeAt(start - 1)) && !isEscaped(text, start))) {
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

/** United States: areas and groups that are given out. */
const SOCIAL = /(?<![\w.-]|\d[ -])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)/g;

/** With a country's code, or as North America writes them. */
const PHONES =
  /(?<![\w+.]|\d[ -])\+[1-9]\d{0,3}(?:[ .\/-]?\(?\d{1,5}\)?){2,6}(?![\w]|\.\d)|(?<![\w.+]|\d-)(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[.-]\d{4}(?![\w-]|\.\d)/g;
const PHONE_DIGITS_MIN = 8;
const PHONE_DIGITS_MAX = 15;

export const findNumbersOfPeople: Finder = (text) => {
  let found: Finding[] | null = null;
  for (const match of text.matchAll(SOCIAL)) {
    (found ??= []).push({ start: match.index, end: match.index + match[0].length, kind: "SSN" });
  }
  for (const match of text.matchAll(PHONES)) {
    const digits = match[0].replace(/\D/g, "");
    if (digits.length < PHONE_DIGITS_MIN || digits.length > PHONE_DIGITS_MAX) continue;
    (found ??= []).push({ start: match.index, end: match.index + match[0].length, kind: "PHONE", value: digits });
  }
  return found ?? NOTHING;
};

/** A user's own directory, unless it is a path of a site. */
const HOMES =
  /(?:\/home\/|\/Users\/|\\{1,4}Users\\{1,4}|\\{1,4}Documents and Settings\\{1,4}|\/export\/home\/)([^\s\/\\"'`:;,<>()\[\]{}|=&?#]{1,64})/gi;
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
      if (!match[0].startsWith("\\")) continue;
    }
    found.push({ start, end, kind: "USER" });
  }
  return found;
};

const HYPHEN = 0x2d;
const DOT = 0x2e;
const UNDERSCORE = 0x5f;
