/** Values that begin with digits: cards, telephone and social security numbers, IPv4. One walk over the numbers of a text. */
import { endOfRun, type Finder, type Finding, isAlphanumeric, isDigit, isStart, NOTHING } from "./finding.ts";
import { ipv4At } from "./network.ts";

export const findNumbers: Finder = (text) => {
  let found: Finding[] | null = null;
  for (let at = 0; at < text.length; at++) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let end = at + 1;
    while (isDigit(text.charCodeAt(end))) end++;
    const finding = numberAt(text, at, end);
    if (finding !== null) (found ??= []).push(finding);
    at = Math.max(end, finding?.end ?? 0) - 1;
  }
  return found ?? NOTHING;
};

/** What begins with these digits. */
function numberAt(text: string, start: number, end: number): Finding | null {
  const digits = end - start;
  const next = text.charCodeAt(end);
  if (text.charCodeAt(start - 1) === PLUS) {
    const phone = phoneAt(text, start - 1, INTERNATIONAL);
    if (phone !== null) return phone;
  }
  if (digits >= CARD_MIN || (digits === 4 && (next === SPACE || next === DOT || next === HYPHEN))) {
    return cardAt(text, start);
  }
  if (digits > 3) return null;
  if (next === DOT) {
    const address = ipv4At(text, start);
    if (address !== null) return address;
  }
  if (digits === 3 && next === HYPHEN) {
    const social = endOfRun(text, start, SOCIAL);
    if (social > start) return { start, end: social, kind: "SSN" };
  }
  if (digits === 3 || (digits === 1 && text.charCodeAt(start) === ONE)) {
    return phoneAt(text, text.charCodeAt(start - 1) === OPEN ? start - 1 : start, NORTH_AMERICAN);
  }
  return null;
}

/** Groups as they are printed on cards, or all digits in a row. */
const CARD = /\d{4}([ .-])\d{4}\1\d{4}\1\d{4}(?:\1\d{3}(?!\d))?|\d{4}([ .-])\d{6}\2\d{4,5}|\d{13,19}(?!\d)/y;
const CARD_MIN = 13;
/** The beginnings of Visa, Mastercard, Maestro, American Express, Diners, JCB, Discover, UnionPay. */
const ISSUERS = /^(?:4|5[0-8]|2(?:2[2-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[68])|35|6(?:011|2|4[4-9]|5|3|7|9))/;
/** Digits of four groups of four, and what divides them. */
const FOUR_GROUPS = 19;

function cardAt(text: string, start: number): Finding | null {
  const longest = endOfRun(text, start, CARD);
  for (const end of [longest, Math.min(longest, start + FOUR_GROUPS)]) {
    const digits = text.slice(start, end).replace(/\D/g, "");
    if (digits.length < CARD_MIN || isPartOfMore(text, start, end, digits.length)) continue;
    if (ISSUERS.test(digits) && hasLuhn(digits)) return { start, end, kind: "CARD", value: digits };
  }
  return null;
}

/** Of an id or a longer number. */
function isPartOfMore(text: string, start: number, end: number, digits: number): boolean {
  const before = text.charCodeAt(start - 1);
  const isLong = digits > 16; // rarely a card, often an id
  if (!isStart(text, start) || (before === UNDERSCORE && isLong)) return true;
  if (start > 1 && (before === HYPHEN || before === DOT)) {
    const further = text.charCodeAt(start - 2);
    if (isDigit(further) || further === UNDERSCORE || (isLong && isAlphanumeric(further))) return true;
  }
  const after = text.charCodeAt(end);
  return isAlphanumeric(after) || ((after === HYPHEN || after === DOT) && isDigit(text.charCodeAt(end + 1)));
}

/** The check digit of cards (ISO/IEC 7812-1). */
function hasLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    if (i % 2 === 1 && (digit *= 2) > 9) digit -= 9;
    sum += digit;
  }
  return sum % 10 === 0 && /[1-9]/.test(digits.slice(1));
}

/** United States: areas and groups that are given out. */
const SOCIAL = /(?<![A-Za-z0-9.-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![A-Za-z0-9-]|\.\d)/y;

const INTERNATIONAL = /(?<![A-Za-z0-9+.]|\d-)\+[1-9]\d{0,3}(?:[ .\/-]?\(?\d{1,5}\)?){2,6}(?![A-Za-z0-9]|\.\d)/y;
/** An area in parentheses, or groups with hyphens or dots. */
const NORTH_AMERICAN =
  /(?<![A-Za-z0-9.+]|\d-)(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])[2-9]\d{2}[.-]\d{4}(?![\w-]|\.\d)/y;
const PHONE_DIGITS_MIN = 8;
const PHONE_DIGITS_MAX = 15;

function phoneAt(text: string, start: number, pattern: RegExp): Finding | null {
  let number = text.slice(start, endOfRun(text, start, pattern));
  let value = number.replace(/\D/g, "");
  // What follows a number may be one, too: "+44 20 7946 0000 404".
  while (value.length > PHONE_DIGITS_MAX) {
    number = number.replace(/[ .\/-]?\(?\d+\)?$/, "");
    value = number.replace(/\D/g, "");
  }
  if (value.length < PHONE_DIGITS_MIN) return null;
  return { start, end: start + number.length, kind: "PHONE", value };
}

const SPACE = 0x20;
const OPEN = 0x28;
const PLUS = 0x2b;
const HYPHEN = 0x2d;
const DOT = 0x2e;
const ONE = 0x31;
const UNDERSCORE = 0x5f;
