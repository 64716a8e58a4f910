/**
 * A message as tokens in which whatever varies from one occurrence to the next (numbers, ids, addresses, paths, dates, sizes)
 * is a wildcard: one pass over its characters, no regular expression, so that no text can make it slow. bench/patterns times
 * it. Pure.
 */

/** Stands for what varies. */
export const WILDCARD = "<*>";

/** Longer messages are cut: a template of more tells nobody anything. */
export const MESSAGE_CHARS_MAX = 2_000;
const TOKENS_MAX = 256;

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
/** Last labels of names of hosts that have no digit; names with one are recognised by it. */
const TOP_LEVELS = new Set(
  ("com net org edu gov mil int io dev app local internal localdomain lan home corp cloud info biz cn de uk hk jp fr tw kr ru " +
    "br mx in it nl es pl se ch at be au ca us eu").split(" "),
);

/** The tokens of a message. */
export function tokenize(text: string): TokenizedMessage {
  const scan = new Scan(text.length > MESSAGE_CHARS_MAX ? text.slice(0, MESSAGE_CHARS_MAX) : text);
  scan.run();
  return scan;
}

class Scan implements TokenizedMessage {
  readonly tokens: string[] = [];
  readonly spaced: boolean[] = [];
  /** Set where a space was passed since the last token. */
  #isSpaced = false;

  constructor(readonly text: string) {}

  run(): void {
    const { text } = this;
    const { length } = text;
    let at = 0;
    while (at < length && this.tokens.length < TOKENS_MAX) {
      const kind = kindAt(text, at);
      if (kind === SPACE) {
        this.#isSpaced = true;
        at++;
      } else if (kind === DIVIDER) at = this.#divider(at);
      else at = this.#word(at);
    }
  }

  /** A run of letters, digits and what stands within words. */
  #word(start: number): number {
    const { text } = this;
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
        if (code === COLON && isSchemeAt(text, at)) return this.#address(at);
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
    if (isWild) this.#wildcard();
    else this.#push(text.slice(start, end));
    return at;
  }

  /** An address with its scheme: everything up to a space or what closes it. */
  #address(colon: number): number {
    const { text } = this;
    let at = colon + 3;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < 128 && (KINDS[code] === SPACE || code === COMMA || code === SEMICOLON || isClosingBracket(code))) {
        break;
      }
    }
    this.#wildcard();
    return at;
  }

  #divider(at: number): number {
    const { text, tokens } = this;
    const code = text.charCodeAt(at);
    const last = tokens.length - 1;
    // Times, addresses with ports and numbers with commas are one value; so is a host that a port follows.
    if ((code === COLON || code === COMMA) && !this.#isSpaced && last >= 0 && isDigitAt(text, at + 1)) {
      if (tokens[last] === WILDCARD) return at + 1;
      if (code === COLON && (last === 0 || this.spaced[last]) && isHostName(tokens[last]) && isPort(text, at + 1)) {
        tokens[last] = WILDCARD;
        return at + 1;
      }
    }
    if (code === COLON && !this.#isSpaced && tokens[last] === WILDCARD) {
      const end = endOfAddress(text, at);
      if (end > at) return end;
    }
    if (code === CLOSE && this.#dropAside()) return at + 1;
    this.#push(text[at]);
    return at + 1;
  }

  /** A parenthesis of nothing but values, as in `1024 bytes (1.0 KB)`, says no more than what it stands beside. */
  #dropAside(): boolean {
    const { tokens, spaced } = this;
    let open = tokens.length - 1;
    while (open > 0 && tokens[open] === WILDCARD) open--;
    if (open <= 0 || tokens[open] !== "(") return false;
    tokens.length = open;
    spaced.length = open;
    return true;
  }

  #wildcard(): void {
    // The month, and the day of the week, before a date's numbers.
    if (this.#isLast(MONTHS) && this.#pop()) { if (this.#isLast(DAYS)) this.#pop(); }
    if (this.tokens.at(-1) === WILDCARD) this.#isSpaced = false; // several values side by side are one
    else this.#push(WILDCARD);
  }

  #isLast(words: ReadonlySet<string>): boolean {
    return words.has(this.tokens.at(-1) ?? "");
  }

  #pop(): boolean {
    this.#isSpaced = this.spaced.pop() ?? false;
    return this.tokens.pop() !== undefined;
  }

  #push(token: string): void {
    const last = this.tokens.length - 1;
    if (last >= 0 && this.tokens[last] === WILDCARD && UNITS.has(token)) {
      this.#isSpaced = false;
      return; // belongs to the number
    }
    this.tokens.push(token);
    this.spaced.push(this.#isSpaced);
    this.#isSpaced = false;
  }
}

const COLON = 0x3a;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const DOT = 0x2e;
const SLASH = 0x2f;
const AT_SIGN = 0x40;
const CLOSE = 0x29;

function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? KINDS[code] : 0;
}

const isDigitAt = (text: string, at: number): boolean => at < text.length && kindAt(text, at) === DIGIT;

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
