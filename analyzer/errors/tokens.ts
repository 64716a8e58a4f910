/**
 * A message as tokens in which whatever varies from one occurrence to the next (numbers, ids, addresses, paths, dates, sizes)
 * is a wildcard: one pass over its characters, no regular expression, so that no text can make it slow. bench/patterns times
 * it. Pure.
 */

import { Buffer } from "node:buffer";
import {
  ANGLE,
  AT_SIGN,
  BLANK,
  CLOSE,
  COLON,
  COMMA,
  DIGIT,
  DIVIDER,
  DOT,
  endOfAddress,
  EQUALS,
  isAfterName,
  isBetween,
  isClosing,
  isClosingBracket,
  isDigitAt,
  isEllipsisAt,
  isHostName,
  isPort,
  isPseudonymAt,
  isQuote,
  isSchemeAt,
  JOINER,
  kindAt,
  KINDS,
  LESS,
  LINE_FEED,
  OPEN,
  OPEN_SQUARE,
  SEMICOLON,
  SLASH,
  SPACE,
  STAR,
} from "./characters.ts";
import {
  DAYS,
  isDottedName,
  mayBeUnit,
  MONTHS,
  NO_NAMES,
  TOP_LEVELS,
  UNIT_CHARS_MAX,
  UNITS,
  USER_BEFORE,
} from "./words.ts";

/** Stands for what varies. */
export const WILDCARD = "<*>";

/** Whether a token is a wildcard; one may have a unit, as in `<*> ms`. */
export const isWildcard = (token: string): boolean => token.startsWith(WILDCARD);

/** Longer messages are cut: a template of more tells nobody anything. */
export const MESSAGE_CHARS_MAX = 2_000;
const TOKENS_MAX = 256;
/** A quotation mark whose other is further away is a mark and no more. */
const QUOTED_MAX = 200;
/** Every character, and a wildcard and a line feed for each token. */
const KEPT_MAX = MESSAGE_CHARS_MAX + 4 * TOKENS_MAX;

/** What a message is made of. */
export interface TokenizedMessage {
  /** Words, punctuation that divides them, and wildcards. */
  readonly tokens: readonly string[];
  /** Whether a space stood before each token. */
  readonly spaced: readonly boolean[];
}

/** What comes after a word: only this is asked. */
type Next = "nothing" | "from" | "else";

/** The tokens of a message. */
export function tokenize(text: string): TokenizedMessage {
  const scanner = new Scanner();
  scanner.scan(text);
  return scanner.result(scanner.form());
}

/**
 * Reads one message after the other. What is kept of one is written into a buffer: most messages are of a form that is
 * known, and are found by those numbers (recent_forms.ts) before a word of them has been cut out.
 */
export class Scanner {
  #text = "";
  /** Tokens, each but the first after a line feed. */
  readonly #kept = new Uint16Array(KEPT_MAX);
  readonly #pairs = new Uint32Array(this.#kept.buffer);
  #size = 0;
  /** A form in Latin-1: five times as fast to make a string of (bench/patterns). */
  readonly #narrow = Buffer.alloc(KEPT_MAX);
  /** Where each token begins in that, whether it is a wildcard, and whether a space stood before it. */
  readonly #starts = new Int32Array(TOKENS_MAX + 1);
  readonly #isWild = new Uint8Array(TOKENS_MAX + 1);
  readonly #spaced = new Uint8Array(TOKENS_MAX + 1);
  #count = 0;
  /** Set where a space was passed since the last token. */
  #isSpaced = false;

  /** Reads a message; the rest of what is asked here is about the one that was read last. */
  scan(message: string): void {
    const text = message.length > MESSAGE_CHARS_MAX ? message.slice(0, MESSAGE_CHARS_MAX) : message;
    const length = text.length;
    this.#text = text;
    this.#size = 0;
    this.#count = 0;
    this.#isSpaced = false;
    for (let at = 0; at < length && this.#count < TOKENS_MAX;) {
      const kind = kindAt(text, at);
      if (kind === SPACE) {
        this.#isSpaced = true;
        at++;
      } else if (kind === DIVIDER) at = this.#divider(at);
      else if (kind === JOINER && isEllipsisAt(text, at)) at = this.#ellipsis(at);
      else at = this.#word(at);
    }
    this.#nameBefore("nothing");
  }

  /** Characters of the form. */
  get size(): number {
    return this.#size;
  }

  /** The characters of the form, two to a number; an odd one has a zero beside it. Good until the next message. */
  get pairs(): Uint32Array {
    if ((this.#size & 1) === 1) this.#kept[this.#size] = 0;
    return this.#pairs;
  }

  /** The form: the tokens, joined by line feeds, which none of them has. */
  form(): string {
    const size = this.#size;
    let all = 0;
    for (let at = 0; at < size; at++) {
      const code = this.#kept[at];
      this.#narrow[at] = code;
      all |= code;
    }
    return all <= 0xff ? this.#narrow.toString("latin1", 0, size) : stringOf(this.#kept.subarray(0, size));
  }

  /** The tokens, of the form that {@link form} told. */
  result(form: string): TokenizedMessage {
    return {
      tokens: this.#count === 0 ? [] : form.split("\n"),
      spaced: Array.from({ length: this.#count }, (_, at) => this.#spaced[at] === 1),
    };
  }

  /** A run of letters, digits and what stands within words. */
  #word(start: number): number {
    const text = this.#text;
    const length = text.length;
    const kept = this.#kept;
    // Written as a token as it is read, which counts only where it turns out to be one.
    let size = this.#size;
    if (this.#count > 0) kept[size++] = LINE_FEED;
    const first = size;
    let at = start;
    let hasDigit = false;
    let dots = 0;
    let slashes = 0;
    let lastDot = -1;
    let hasAt = false;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      const kind = code < 128 ? KINDS[code] : 0;
      if (kind !== 0) {
        if (kind === DIGIT) hasDigit = true;
        else if (isBetween(kind)) {
          if (code === COLON && isSchemeAt(text, at)) return this.#address(at + 3);
          if (code === EQUALS && slashes > 0 && text.lastIndexOf("?", at) > start) return this.#address(at); // a query
          break;
        } else if (code === DOT) {
          if (isEllipsisAt(text, at)) break;
          dots++;
          lastDot = at;
        } else if (code === SLASH) slashes++;
        else if (code === AT_SIGN) hasAt = true;
      }
      kept[size++] = code;
    }
    let end = at;
    // The point that ends a sentence is no part of its last word.
    while (end > start + 1 && isClosing(text.charCodeAt(end - 1))) end--;
    if (lastDot >= end) dots--;
    const isWild = hasDigit || (hasAt && dots > 0) || slashes >= 2 || (dots >= 2 && isDottedName(text, start, end)) ||
      (dots > 0 && TOP_LEVELS.has(text.slice(text.lastIndexOf(".", end - 1) + 1, end)));
    if (isWild) this.#wildcard();
    else if (isAfterName(text, start, end)) {
      const isSpaced = this.#isSpaced;
      this.#nameBefore(end - start === 4 ? "from" : "else");
      this.#isSpaced = isSpaced;
      this.#push(start, end);
    } else if (this.#isUnit(start, end)) this.#push(start, end);
    else this.#accept(first, first + end - start);
    if (end < at) this.#close(end, at);
    return at;
  }

  /** Takes for a token what has been written already. */
  #accept(first: number, end: number): void {
    const at = this.#count++;
    this.#starts[at] = first;
    this.#isWild[at] = 0;
    this.#spaced[at] = this.#isSpaced ? 1 : 0;
    this.#isSpaced = false;
    this.#size = end;
  }

  /** The points that end a sentence, a token of their own; an angle bracket closes what is a value anyway. */
  #close(start: number, end: number): void {
    let to = start;
    while (to < end && this.#text.charCodeAt(to) !== ANGLE) to++;
    if (to === start || this.#count >= TOKENS_MAX) return;
    this.#begin(0);
    this.#keep(start, to);
  }

  /** The rest of an address with a scheme or a query: everything up to a space or what closes it. */
  #address(start: number): number {
    const text = this.#text;
    let at = start;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < 128 && (KINDS[code] === SPACE || code === COMMA || code === SEMICOLON || isClosingBracket(code))) {
        break;
      }
    }
    this.#wildcard();
    while (at > start && text.charCodeAt(at - 1) === COLON) at--; // what the address has said comes after it
    return at;
  }

  /**
   * A name of a user is a value from the first, by what stands around it: `for user anna by`, `invalid user anna from`,
   * `password for anna from`. Asked where the word after it begins, or the text ends.
   */
  #nameBefore(next: Next): void {
    const name = this.#count - 1;
    if (name < 1 || this.#isWild[name] === 1 || this.#endOf(name) - this.#starts[name] < 2) return;
    const isUser = this.#says(name - 1, "user") &&
      (next !== "nothing" || (name > 1 && USER_BEFORE.some((word) => this.#says(name - 2, word))));
    if (!isUser && !(next === "from" && this.#says(name - 1, "for"))) return;
    if (NO_NAMES.has(this.#tokenAt(name))) return;
    this.#pop();
    this.#wildcard();
  }

  #divider(at: number): number {
    const text = this.#text;
    const code = text.charCodeAt(at);
    const last = this.#count - 1;
    const isGlued = !this.#isSpaced && last >= 0;
    // Times, addresses with ports and numbers with commas are one value; so is a host that a port follows.
    if (isGlued && (code === COLON || code === COMMA) && (isDigitAt(text, at + 1) || isPseudonymAt(text, at + 1))) {
      if (this.#isWild[last] === 1) return at + 1;
      const isFirst = last === 0 || this.#spaced[last] === 1;
      if (code === COLON && isFirst && isHostName(this.#tokenAt(last)) && isPort(text, at + 1)) {
        this.#pop();
        this.#wildcard();
        return at + 1;
      }
    }
    if (isGlued && code === COLON && this.#isWild[last] === 1) {
      const end = endOfAddress(text, at);
      if (end > at) return end;
    }
    if (code === CLOSE && this.#dropAside()) return at + 1;
    // Who it was, as PAM writes it: `by anna(uid=0)`.
    if (code === OPEN && isGlued && this.#isWild[last] === 0 && text.startsWith("uid=", at + 1)) {
      this.#pop();
      this.#wildcard();
    }
    if (code === OPEN_SQUARE && this.#isSpaced) {
      this.#nameBefore("else");
      this.#isSpaced = true;
    }
    this.#push(at, at + 1);
    return isQuote(code) && isGlued && this.#count <= TOKENS_MAX - 2 && this.#says(last, "=")
      ? this.#quoted(at)
      : at + 1;
  }

  /** Points that lead from one word to the next, as in `depth......7`. */
  #ellipsis(at: number): number {
    let end = at;
    while (this.#text.charCodeAt(end) === DOT) end++;
    this.#push(at, end);
    return end;
  }

  /** What is quoted after an equals sign is one value, of however many words; answers where it ends. */
  #quoted(at: number): number {
    const end = this.#text.indexOf(this.#text[at], at + 1);
    if (end <= at + 1 || end - at > QUOTED_MAX) return at + 1;
    this.#wildcard();
    return end;
  }

  /** A parenthesis of nothing but values, as in `1024 bytes (1.0 KB)`, says no more than what it stands beside. */
  #dropAside(): boolean {
    let open = this.#count - 1;
    if (open > 0 && this.#isWild[open] === 0 && this.#isWild[open - 1] === 0) return false; // `init()`
    while (open > 0 && this.#isWild[open] === 1) open--;
    if (open <= 0 || this.#kept[this.#starts[open]] !== OPEN || this.#endOf(open) - this.#starts[open] !== 1) {
      return false;
    }
    while (this.#count > open) this.#pop();
    this.#isSpaced = false;
    return true;
  }

  #wildcard(): void {
    // The month, and the day of the week, before a date's numbers.
    if (this.#isLast(MONTHS)) {
      this.#pop();
      if (this.#isLast(DAYS)) this.#pop();
    }
    if (this.#count > 0 && this.#isWild[this.#count - 1] === 1) {
      this.#isSpaced = false; // several values side by side are one
      return;
    }
    this.#begin(1);
    this.#kept[this.#size++] = LESS;
    this.#kept[this.#size++] = STAR;
    this.#kept[this.#size++] = ANGLE;
  }

  /** Whether the last token is one of these words of three letters. */
  #isLast(words: ReadonlySet<string>): boolean {
    const last = this.#count - 1;
    if (last < 0 || this.#endOf(last) - this.#starts[last] !== 3) return false;
    const first = this.#kept[this.#starts[last]];
    return first >= 0x41 && first <= 0x5a && words.has(this.#tokenAt(last)); // few words begin with a capital
  }

  /** Whether what stands there is the unit of the value before. */
  #isUnit(start: number, end: number): boolean {
    const isAfterValue = this.#count > 0 && this.#isWild[this.#count - 1] === 1;
    const text = this.#text;
    return isAfterValue && end - start <= UNIT_CHARS_MAX && mayBeUnit(text, start) && UNITS.has(text.slice(start, end));
  }

  #push(start: number, end: number): void {
    if (this.#isUnit(start, end)) {
      // It belongs to the number.
      if (this.#isSpaced) this.#kept[this.#size++] = BLANK;
      this.#isSpaced = false;
    } else this.#begin(0);
    this.#keep(start, end);
  }

  #keep(start: number, end: number): void {
    const text = this.#text;
    for (let at = start; at < end; at++) this.#kept[this.#size++] = text.charCodeAt(at);
  }

  #begin(isWild: 0 | 1): void {
    const at = this.#count++;
    if (at > 0) this.#kept[this.#size++] = LINE_FEED;
    this.#starts[at] = this.#size;
    this.#isWild[at] = isWild;
    this.#spaced[at] = this.#isSpaced ? 1 : 0;
    this.#isSpaced = false;
  }

  #pop(): void {
    const last = --this.#count;
    this.#isSpaced = this.#spaced[last] === 1;
    this.#size = last === 0 ? 0 : this.#starts[last] - 1;
  }

  #endOf(token: number): number {
    return token === this.#count - 1 ? this.#size : this.#starts[token + 1] - 1;
  }

  #tokenAt(token: number): string {
    return stringOf(this.#kept.subarray(this.#starts[token], this.#endOf(token)));
  }

  /** Whether a token is that word. */
  #says(token: number, word: string): boolean {
    const start = this.#starts[token];
    if (this.#endOf(token) - start !== word.length) return false;
    for (let at = 0; at < word.length; at++) if (this.#kept[start + at] !== word.charCodeAt(at)) return false;
    return true;
  }
}

const stringOf = (codes: Uint16Array): string => String.fromCharCode.apply(null, codes as unknown as number[]);
