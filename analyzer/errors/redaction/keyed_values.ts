/**
 * Values of fields with a telling name, however they are written: `password=x`, `"token": "x"`, the same in a string of JSON
 * within JSON, YAML, query strings, headers, XML, options of a command line. One expression finds names; where a value ends is
 * read by hand, each character once.
 */
import { endOfPseudonym, endOfRun, type Finder, type Finding, isAlphanumeric, NOTHING } from "./finding.ts";
import { KEY_WORDS, NO_SECRETS, PLACEHOLDER, type Policy } from "./keys.ts";

const QUOTE = String.raw`(?:\\{0,7}["'\x60])?`;
/** What divides a name from its value, and of YAML what says how the value is written. */
const DIVIDER = String
  .raw`[ \t]{0,8}(?:=>|->|:=|==?|:(?!:)|\\u003d)[ \t]{0,8}(?:![\w!]{1,16}[ \t]{1,4}|[|>][+-]?[ \t]{0,4}\n[ \t]{1,16})?`;
/** Attributes of an element. */
const ATTRIBUTES = String.raw`(?:[ \t]{1,4}[\w:.-]{1,40}=(?:"[^"<>]{0,200}"|'[^'<>]{0,200}')){1,4}[ \t]{0,4}`;
/** Whose it is, and where it comes from: `password for user anna: x`, `API key provided: x`. */
const ASIDE = String
  .raw`(?:[ \t](?:for|of)[ \t](?:user[ \t])?["']?[\w.@<>-]{1,64}["']?|[ \t](?:provided|given|supplied|used|received))?`;
/**
 * A name's end: digits, `_hash` and the like, then a quote or a bracket that closes it, then what divides it from its value;
 * or the value is in a field of its own: `{"name":"password","value":"x"}`, `<property name="password">x</property>`.
 */
const TAIL = String.raw`(?:s?\d{0,3}|[-_]?(?:hash|value|base64|b64|base))` +
  String.raw`(?:${QUOTE}[,;]?\s{0,16}${QUOTE}value${QUOTE}${DIVIDER}|${QUOTE}\]?${ASIDE}${DIVIDER}|` +
  String.raw`(["']?>|${ATTRIBUTES}>|</(?:name|key)>\s{0,16}<(?:value|string)>)|` +
  String.raw`${ASIDE}[ \t]{1,4}(?:is|was|set to|changed to)[ \t:]{1,4}|([ \t]{1,4}))`;

const NAMES = new RegExp(`(?:${KEY_WORDS.map(({ words }) => `(${words})`).join("|")})${TAIL}`, "gi");
const XML_GROUP = KEY_WORDS.length + 1;
const SPACE_GROUP = KEY_WORDS.length + 2;

export const findKeyedValues: Finder = (text) => {
  let found: Finding[] | null = null;
  NAMES.lastIndex = 0;
  for (let match = NAMES.exec(text); match !== null; match = NAMES.exec(text)) {
    const group = match.findIndex((part, at) => at > 0 && part !== undefined) - 1;
    const { kind, policy } = KEY_WORDS[group];
    const begin = NAMES.lastIndex;
    const isSpaced = match[SPACE_GROUP] !== undefined;
    const value = match[XML_GROUP] !== undefined ? readElement(text, begin) : readValue(text, begin, policy);
    if (value.end <= value.start) continue;
    // `tokens for job: 7` says whose they are, and not what.
    if (policy !== "any" && /\s(?:for|of)\s/i.test(match[0])) {
      NAMES.lastIndex = begin;
      continue;
    }
    // A space alone divides where the value can hardly be anything else.
    if (isSpaced && !isOption(text, match.index) && !isPlain(text.slice(value.start, value.end), value, policy)) {
      NAMES.lastIndex = begin;
      continue;
    }
    const isBound = value.isQuoted || /[=>]|value/i.test(match[0]);
    if (isSecret(text.slice(value.start, value.end), isProse(match[0]) ? "strict" : policy, isBound)) {
      (found ??= []).push({ start: value.start, end: value.end, kind });
      NAMES.lastIndex = value.end;
    } else NAMES.lastIndex = begin; // a name may follow within
  }
  return found ?? NOTHING;
};

/** `--password x`: a space divides. */
const isOption = (text: string, at: number): boolean =>
  /(?:^|\s)--?[\w-]{0,40}$/.test(text.slice(Math.max(0, at - 44), at));

/** Whether a value that a space divides from its name is plainly one: `token 9fK2mQ7xLp4Rt8Vw`, `password 'x'`, `otp 483920`. */
function isPlain(value: string, { isQuoted }: Value, policy: Policy): boolean {
  const bare = trim(value);
  switch (policy) {
    case "any":
      return isQuoted || (bare.length >= PASSWORD_MIN && hasBoth(bare));
    case "odd":
    case "strict":
    case "long":
      return isLong(bare);
    case "digits":
      return /^\d{4,9}$/.test(bare);
    default:
      return false;
  }
}

/** Names of secrets, as clusters have them, are words with hyphens between them. */
const isLong = (bare: string): boolean =>
  bare.length >= TOKEN_MIN && /^[\w.~+/-]+={0,2}$/.test(bare) && !isPath(bare) &&
  bare.split(/[-_.]/).some((part) => part.length >= PART_MIN && hasBoth(part));

const hasBoth = (value: string): boolean => /\d/.test(value) && /[A-Za-z]/.test(value) && !isPath(value);

const isProse = (said: string): boolean => /\s(?:is|was|to)[\s:]+$/i.test(said);

interface Value {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

function readElement(text: string, start: number): Value {
  const end = text.indexOf("<", start);
  const closes = end >= 0 && text.charCodeAt(end + 1) === SLASH;
  return { start, end: closes ? end : start, isQuoted: true };
}

function readValue(text: string, at: number, policy: Policy): Value {
  let start = at;
  while (text.charCodeAt(start) === BACKSLASH && start - at < DEPTH_MAX) start++;
  const depth = start - at;
  if (isQuote(text.charCodeAt(start))) return readQuoted(text, start, depth);
  if (text.charCodeAt(at) === OPEN_BRACKET) return readList(text, at);
  const end = policy === "cookie"
    ? endOfCookies(text, at)
    : policy === "credentials"
    ? endOfCredentials(text, at)
    : policy === "phone"
    ? endOfRun(text, at, PHONE)
    : endOfWord(text, at);
  return { start: at, end, isQuoted: false };
}

/**
 * To the quote that closes, which has as many backslashes before it as the one that opens, or as many more as escape
 * themselves; a value that was cut off ends with its line.
 */
function readQuoted(text: string, open: number, depth: number): Value {
  const quote = text.charCodeAt(open);
  const start = open + 1;
  let backslashes = 0;
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) {
      backslashes++;
      continue;
    }
    if (code === LINE_FEED) break;
    if (code === quote && backslashes % (2 * (depth + 1)) === depth) {
      // A doubled quote of SQL.
      if (quote === APOSTROPHE && depth === 0 && at > start && text.charCodeAt(at + 1) === quote) at++;
      else return { start, end: at - depth, isQuoted: true };
    }
    backslashes = 0;
  }
  return { start, end: at, isQuoted: true };
}

/** `[...]`, as Go prints headers and JSON lists; one that does not end is no list. */
function readList(text: string, at: number): Value {
  let depth = 0;
  for (let end = at; end < text.length && end - at < LIST_MAX; end++) {
    const code = text.charCodeAt(end);
    if (code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACKET && --depth === 0) return { start: at + 1, end, isQuoted: false };
  }
  return { start: at, end: endOfWord(text, at), isQuoted: false };
}

/** A name and what divides it from its value: what stands before it has ended. */
const NEXT_NAME = /[\s"'\\{([]{0,4}[A-Za-z_$@][\w.-]{0,63}["'\\]{0,4}\s?[=:]/y;

/** Where a value without quotes ends: in doubt later, for a rest that is left over would be readable. */
function endOfWord(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= SPACE || code === DOUBLE_QUOTE || code === BACKTICK || code === NO_BREAK_SPACE) break;
    if (code === APOSTROPHE && !isAlphanumeric(text.charCodeAt(at + 1))) break;
    if (code === LESS) {
      const end = endOfPseudonym(text, at);
      if (end > at) at = end - 1;
      else if (text.charCodeAt(at + 1) === SLASH) break;
    } else if (code === BACKSLASH) {
      let next = at + 1;
      while (text.charCodeAt(next) === BACKSLASH) next++;
      if (isQuote(text.charCodeAt(next))) break;
      at = next - 1;
    } else if (DIVIDES.has(code) && (endsAfter(text, at) || isNameAt(text, at + 1))) break;
    else if (CLOSES.has(code) && (endsAfter(text, at) || DIVIDES.has(text.charCodeAt(at + 1)))) break;
  }
  return at;
}

const isNameAt = (text: string, at: number): boolean => endOfRun(text, at, NEXT_NAME) > at;

/** Nothing of a word follows. */
function endsAfter(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return at + 1 >= text.length || next <= SPACE || isQuote(next) || CLOSES.has(next) || next === DOT ||
    next === BACKSLASH;
}

/** `a=b; c=d`, to the end of a word that no `;` ends. */
function endOfCookies(text: string, start: number): number {
  let end = endOfRun(text, start, COOKIE);
  for (;;) {
    const next = endOfRun(text, end, NEXT_COOKIE);
    if (next === end) return end;
    end = next;
  }
}

/** Scheme and credentials; those of some schemes are a list. */
function endOfCredentials(text: string, start: number): number {
  const scheme = endOfRun(text, start, SCHEME);
  if (/^digest/i.test(text.slice(start, scheme))) return endOfRun(text, start, DIGEST);
  if (/^aws4-/i.test(text.slice(start, scheme))) return endOfRun(text, start, REST_OF_LINE);
  if (scheme > start && isQuote(text.charCodeAt(scheme))) return readQuoted(text, scheme, 0).end;
  return endOfWord(text, scheme);
}

/** Whether a value is a secret, and no word that says that there is none. */
function isSecret(value: string, policy: Policy, isBound: boolean): boolean {
  const bare = trim(value);
  if (bare === "" || isHidden(bare)) return false;
  if (
    bare.length <= LONG && (NO_SECRETS.has(bare.toLowerCase()) || PLACEHOLDER.test(bare) || PLACEHOLDER.test(value))
  ) return false;
  switch (policy) {
    case "any":
      return isBound || !/^\d{1,4}$/.test(bare);
    case "digits":
      return /^\d{3,9}$/.test(bare);
    case "long":
      return isLong(bare);
    case "date":
      return /^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}/.test(bare);
    case "phone":
      return (bare.match(/\d/g)?.length ?? 0) >= 6;
    case "cookie":
      return bare.includes("=") || looksSecret(bare);
    case "credentials":
      return KNOWN_SCHEME.test(bare) || looksSecret(bare.slice(bare.lastIndexOf(" ") + 1));
    case "odd":
      if (bare.length <= LONG && (/^\d{1,5}$/.test(bare) || isPath(bare) || isDottedName(bare) || isObject(bare))) {
        return false;
      }
      return isBound || looksSecret(bare);
    case "strict":
      return !(bare.length <= LONG && (isPath(bare) || isDottedName(bare) || isObject(bare))) && looksSecret(bare);
  }
}

/** Without what may stand around a value and is no part of it. */
function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && AROUND.includes(value[start])) start++;
  while (end > start && (AROUND.includes(value[end - 1]) || AFTER.includes(value[end - 1]))) end--;
  return value.slice(start, end);
}

/** `Token{9f4ef63` or `Token@5f2a`: an object, as a program prints it. */
const isObject = (value: string): boolean => /^[A-Z][A-Za-z]{2,40}[{(@]/.test(value);

/** Nothing but pseudonyms, and what divides them. */
function isHidden(value: string): boolean {
  let at = 0;
  while (at < value.length) {
    const end = endOfPseudonym(value, at);
    if (end > at) at = end;
    else if (/[\s,;:."'&\\]/.test(value[at])) at++;
    else if (at === 0 && /^[A-Za-z]{2,12} </.test(value)) at = value.indexOf("<");
    else return false;
  }
  return true;
}

const looksSecret = (value: string): boolean =>
  value.length >= 6 && (/\d/.test(value) || value.length >= 20) && !/\s/.test(value);

const isPath = (value: string): boolean => /^(?:\.{0,2}\/|[A-Za-z]:\\|file:|https?:)/.test(value);

const isDottedName = (value: string): boolean => /^[a-z]\w*(?:\.[A-Za-z_$][\w$]*){2,12}(?:[@\/]\w+)?$/.test(value);

const AROUND = " \t\n\"'([{)]}\\";
const AFTER = ".,;:!";
const KNOWN_SCHEME =
  /^(?:bearer|basic|digest|token|apikey|negotiate|ntlm|aws4-|hawk|oauth|key|mac|gnap|dpop)\S*[ :=]\s*\S/i;

const isQuote = (code: number): boolean => code === DOUBLE_QUOTE || code === APOSTROPHE || code === BACKTICK;

const PHONE = /[+(]?\d[\d ().\/-]{4,24}\d/y;
const COOKIE = /[^\s,"'`]+/y;
const NEXT_COOKIE = /(?<=;) {0,4}[^\s,"'`]+/y;
const SCHEME = /[A-Za-z][\w-]{1,24}[ \t]{1,4}(?=\S)/y;
const DIGEST =
  /[A-Za-z]{1,16}[ \t]{1,4}(?:[\w*-]{1,40}=(?:\\{0,7}"[^"\n]{0,512}"|[^\s,"]{0,512})(?:,[ \t]{0,4})?){1,16}/y;
const REST_OF_LINE = /[^\n"'`]+/y;

const LIST_MAX = 512;
/** Characters of a password and of a token that nothing but a space divides from its name. */
const PASSWORD_MIN = 8;
const TOKEN_MIN = 16;
const PART_MIN = 12;
/** Quotes within quotes within quotes: a string of JSON in one in one. */
const DEPTH_MAX = 15;
/** A word longer than this is no path and no name. */
const LONG = 512;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const APOSTROPHE = 0x27;
const DOT = 0x2e;
const SLASH = 0x2f;
const LESS = 0x3c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const BACKTICK = 0x60;
const NO_BREAK_SPACE = 0xa0;
const LINE_FEED = 0x0a;
const DIVIDES = new Set([...",;&|"].map((char) => char.charCodeAt(0)));
const CLOSES = new Set([...")]}>"].map((char) => char.charCodeAt(0)));
