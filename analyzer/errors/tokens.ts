/**
 * A message as tokens in which whatever varies from one occurrence to the next (numbers, ids, addresses, paths, dates, sizes)
 * is a wildcard: one pass over its characters, no regular expression, so that no text can make it slow. bench/patterns times
 * it. Pure.
 */

import { Buffer } from "node:buffer";

/** Stands for what varies. */
export const WILDCARD = "<*>";

/** Whether a token is a wildcard; one may have a unit, as in `<*> ms`. */
export const isWildcard = (token: string): boolean => token.startsWith(WILDCARD);

/** Longer messages are cut: a template of more tells nobody anything. */
export const MESSAGE_CHARS_MAX = 2_000;
const TOKENS_MAX = 256;
/** Every character, and a wildcard and a line feed for each token. */
const KEPT_MAX = MESSAGE_CHARS_MAX + 4 * TOKENS_MAX;

/** What a message is made of. */
export interface TokenizedMessage {
  /** Words, punctuation that divides them, and wildcards. */
  readonly tokens: readonly string[];
  /** Whether a space stood before each token. */
  readonly spaced: readonly boolean[];
}

/** Kinds of characters; others are letters. */
const SPACE = 1;
const DIVIDER = 2;
const DIGIT = 3;

const KINDS = new Uint8Array(128);
for (const c of " \t\n\r\v\f") KINDS[c.charCodeAt(0)] = SPACE;
for (const c of "=:,;()[]{}\"'`|") KINDS[c.charCodeAt(0)] = DIVIDER;
for (const c of "0123456789") KINDS[c.charCodeAt(0)] = DIGIT;

const MONTHS = new Set("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" "));
const DAYS = new Set("Mon Tue Wed Thu Fri Sat Sun".split(" "));
const UNITS = new Set(
  "B KB MB GB TB KiB MiB GiB TiB bit bits kbps Mbps ns us µs ms s sec secs second seconds min mins minute minutes h hour hours % "
    .trim().split(" "),
);
/** Words after the name of a user, and before `user`. */
const NEXT = new Set(["from", "by", "at", "on"]);
const NEXT_CHARS_MAX = 4;
const USER_BEFORE = new Set(["for", "invalid"]);
/** Words that stand there and name nobody. */
const NO_NAMES = new Set([
  "user",
  "users",
  "name",
  "account",
  "id",
  "request",
  "authentication",
  "login",
  "input",
  "invalid",
  "unknown",
  "this",
  "the",
  "a",
  "data",
  "help",
]);
const UNIT_CHARS_MAX = Math.max(...[...UNITS].map(({ length }) => length));
const UNIT_STARTS = new Uint8Array(128);
for (const unit of UNITS) if (unit.charCodeAt(0) < 128) UNIT_STARTS[unit.charCodeAt(0)] = 1;
const mayBeUnit = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code >= 128 || UNIT_STARTS[code] === 1;
};
/** Last labels of names of hosts that have no digit; names with one are recognised by it. */
const TOP_LEVELS = new Set(
  ("com net org edu gov mil int io dev app local internal localdomain lan home corp cloud info biz cn de uk hk jp fr tw kr ru " +
    "br mx in it nl es pl se ch at be au ca us eu").split(" "),
);

/** The tokens of a message. */
export function tokenize(text: string): TokenizedMessage {
  const scanner = new Scanner();
  const form = scanner.scan(text);
  return scanner.result(form);
}

/**
 * Reads one message after the other. What is kept of one is written into a buffer, and becomes a single string: most messages
 * are of a form that is known, and then no word of them has been cut out.
 */
export class Scanner {
  #text = "";
  /** Tokens, each but the first after a line feed. */
  readonly #kept = new Uint16Array(KEPT_MAX);
  /** The same, as far as it is Latin-1: five times as fast to make a string of (bench/patterns). */
  readonly #narrow = Buffer.alloc(KEPT_MAX);
  #isWide = false;
  #size = 0;
  /** Where each token begins in that, whether it is a wildcard, and whether a space stood before it. */
  readonly #starts = new Int32Array(TOKENS_MAX + 1);
  readonly #isWild = new Uint8Array(TOKENS_MAX + 1);
  readonly #spaced = new Uint8Array(TOKENS_MAX + 1);
  #count = 0;
  /** Set where a space was passed since the last token. */
  #isSpaced = false;

  /** The form of a message: its tokens, joined by line feeds, which none of them has. */
  scan(message: string): string {
    const text = message.length > MESSAGE_CHARS_MAX ? message.slice(0, MESSAGE_CHARS_MAX) : message;
    this.#text = text;
    this.#size = 0;
    this.#count = 0;
    this.#isSpaced = false;
    this.#isWide = false;
    for (let at = 0; at < text.length && this.#count < TOKENS_MAX;) {
      const kind = kindAt(text, at);
      if (kind === SPACE) {
        this.#isSpaced = true;
        at++;
      } else if (kind === DIVIDER) at = this.#divider(at);
      else at = this.#word(at);
    }
    this.#nameBefore(null);
    return this.#isWide ? stringOf(this.#kept.subarray(0, this.#size)) : this.#narrow.toString("latin1", 0, this.#size);
  }

  #keep(code: number): void {
    this.#kept[this.#size] = code;
    this.#narrow[this.#size++] = code;
    if (code > 0xff) this.#isWide = true;
  }

  /** The tokens of the message that was scanned last, whose form is given. */
  result(form: string): TokenizedMessage {
    return {
      tokens: this.#count === 0 ? [] : form.split("\n"),
      spaced: Array.from({ length: this.#count }, (_, at) => this.#spaced[at] === 1),
    };
  }

  /** A run of letters, digits and what stands within words. */
  #word(start: number): number {
    const text = this.#text;
    let at = start;
    let hasDigit = false;
    let dots = 0;
    let slashes = 0;
    let lastDot = -1;
    let hasAt = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      const kind = code < 128 ? KINDS[code] : 0;
      if (kind === SPACE || kind === DIVIDER) {
        if (code === COLON && isSchemeAt(text, at)) return this.#address(at + 3);
        if (code === EQUALS && slashes > 0 && text.lastIndexOf("?", at) > start) return this.#address(at); // a query
        break;
      }
      if (kind === DIGIT) hasDigit = true;
      else if (code === DOT) {
        dots++;
        lastDot = at;
      } else if (code === SLASH) slashes++;
      else if (code === AT_SIGN) hasAt = true;
    }
    let end = at;
    // The point that ends a sentence is no part of its last word.
    while (end > start + 1 && isClosing(text.charCodeAt(end - 1))) end--;
    if (lastDot >= end) dots--;
    const isWild = hasDigit || (hasAt && dots > 0) || slashes >= 2 ||
      (dots > 0 && TOP_LEVELS.has(text.slice(text.lastIndexOf(".", end - 1) + 1, end)));
    if (!isWild && end - start <= NEXT_CHARS_MAX && NEXT.has(text.slice(start, end))) {
      const isSpaced = this.#isSpaced;
      this.#nameBefore(text.slice(start, end));
      this.#isSpaced = isSpaced;
    }
    if (isWild) this.#wildcard();
    else this.#push(start, end);
    if (end < at) this.#close(end, at);
    return at;
  }

  /** The points that end a sentence, a token of their own; an angle bracket closes what is a value anyway. */
  #close(start: number, end: number): void {
    let to = start;
    while (to < end && this.#text.charCodeAt(to) !== ANGLE) to++;
    if (to === start || this.#count >= TOKENS_MAX) return;
    this.#begin(0);
    for (let at = start; at < to; at++) this.#keep(this.#text.charCodeAt(at));
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
    return at;
  }

  /**
   * A name of a user is a value from the first, by what stands around it: `for user anna by`, `invalid user anna from`,
   * `password for anna from`. Asked where the word after it begins, or the text ends.
   */
  #nameBefore(next: string | null): void {
    const name = this.#count - 1;
    if (name < 1 || this.#isWild[name] === 1 || this.#endOf(name) - this.#starts[name] < 2) return;
    const before = this.#tokenAt(name - 1);
    const isUser = before === "user" && (next !== null || (name > 1 && USER_BEFORE.has(this.#tokenAt(name - 2))));
    if (!isUser && !(before === "for" && next === "from")) return;
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
    if (code === OPEN_SQUARE && this.#isSpaced) {
      this.#nameBefore("[");
      this.#isSpaced = true;
    }
    this.#push(at, at + 1);
    return at + 1;
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
    for (let at = 0; at < WILDCARD.length; at++) this.#keep(WILDCARD.charCodeAt(at));
  }

  /** Whether the last token is one of these words of three letters. */
  #isLast(words: ReadonlySet<string>): boolean {
    const last = this.#count - 1;
    if (last < 0 || this.#endOf(last) - this.#starts[last] !== 3) return false;
    const first = this.#kept[this.#starts[last]];
    return first >= 0x41 && first <= 0x5a && words.has(this.#tokenAt(last)); // few words begin with a capital
  }

  #push(start: number, end: number): void {
    const text = this.#text;
    const isAfterValue = this.#count > 0 && this.#isWild[this.#count - 1] === 1;
    if (isAfterValue && end - start <= UNIT_CHARS_MAX && mayBeUnit(text, start) && UNITS.has(text.slice(start, end))) {
      // It belongs to the number.
      if (this.#isSpaced) this.#keep(BLANK);
      this.#isSpaced = false;
      for (let at = start; at < end; at++) this.#keep(text.charCodeAt(at));
      return;
    }
    this.#begin(0);
    for (let at = start; at < end; at++) this.#keep(text.charCodeAt(at));
  }

  #begin(isWild: 0 | 1): void {
    const at = this.#count++;
    if (at > 0) this.#keep(LINE_FEED);
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
}

const stringOf = (codes: Uint16Array): string => String.fromCharCode.apply(null, codes as unknown as number[]);

const COLON = 0x3a;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const DOT = 0x2e;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const ANGLE = 0x3e;
const AT_SIGN = 0x40;
const OPEN = 0x28;
const CLOSE = 0x29;
const OPEN_SQUARE = 0x5b;
const LINE_FEED = 0x0a;
const BLANK = 0x20;

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? KINDS[code] : 0;
}

const isDigitAt = (text: string, at: number): boolean => at < text.length && kindAt(text, at) === DIGIT;

/** The beginning of what redaction puts in the place of a value. */
function isPseudonymAt(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return text.charCodeAt(at) === LESS && next >= 0x41 && next <= 0x5a;
}

const isSchemeAt = (text: string, colon: number): boolean =>
  text.charCodeAt(colon + 1) === SLASH && text.charCodeAt(colon + 2) === SLASH;

const isClosing = (code: number): boolean => code === DOT || code === 0x21 || code === 0x3f || code === 0x3e; // . ! ? >
const isClosingBracket = (code: number): boolean =>
  code === CLOSE || code === 0x5d || code === 0x7d || code === 0x22 || code === 0x27 || code === 0x3e;

/** Lower-case letters, digits, hyphens and dots: `wpad`, not `AssignedMaps`. */
function isHostName(word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === DOT)) {
      return false;
    }
  }
  return word.length > 0 && word.charCodeAt(0) >= 0x61;
}

/** Where the rest of an IPv6 address ends, which begins at this colon; `at` where it is none. */
function endOfAddress(text: string, at: number): number {
  let end = at;
  let colons = 0;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end) | 0x20;
    if (text.charCodeAt(end) === COLON) colons++;
    else if (!(code >= 0x30 && code <= 0x39) && !(code >= 0x61 && code <= 0x66)) break;
  }
  return colons >= 2 ? end : at;
}

/** Two to five digits, and the end of the word. */
function isPort(text: string, at: number): boolean {
  let end = at;
  while (isDigitAt(text, end)) end++;
  if (end - at < 2 || end - at > 5) return false;
  return end >= text.length || kindAt(text, end) !== 0;
}
