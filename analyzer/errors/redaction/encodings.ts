/** Secrets that are wrapped: percent-encoded, escaped as `\u0040`, or Base64 of a text that has them. */
import { endOfRun, type Finder, type Finding, NOTHING } from "./finding.ts";

const PERCENT_WORD = /[^\s"'<>`]+/y;
const ROUNDS_MAX = 3;

/** @param redact What redacts a text that has been unwrapped. */
export function findEncoded(redact: (text: string) => string): Finder {
  return (text) => {
    const isEscaped = /%[2-7][0-9A-Fa-f]|\\u00[2-7]/.test(text);
    if (!isEscaped) return NOTHING;
    const found: Finding[] = [];
    for (let at = 0; at < text.length; at++) {
      const end = endOfRun(text, at, PERCENT_WORD);
      if (end > at) {
        const instead = unwrapped(text.slice(at, end), redact);
        if (instead !== null) found.push({ start: at, end, kind: "", instead });
      }
      at = end;
    }
    return found;
  };
}

/**
 * A word without its escapes, redacted; null where there is nothing to hide. Spaces last: a password that has some is one word
 * before.
 */
function unwrapped(word: string, redact: (text: string) => string): string | null {
  const decoded = decode(word, ESCAPE);
  const redacted = redact(decoded);
  const spaced = decode(redacted, SPACE_ESCAPE);
  const all = spaced === redacted ? redacted : redact(spaced);
  if (all !== spaced) return all;
  return redacted === decoded ? null : redacted;
}

const ESCAPE = /%(2[1-9A-Fa-f]|[3-7][0-9A-Fa-f])|\\u00(2[1-9A-Fa-f]|[3-7][0-9A-Fa-f])/g;
const SPACE_ESCAPE = /%(20|0[9ADad])|\\u00(20|0[9ADad])/g;

function decode(word: string, escape: RegExp): string {
  let now = word;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const next = now.replace(
      escape,
      (_: string, percent?: string, unicode?: string) => String.fromCharCode(parseInt(percent ?? unicode ?? "", 16)),
    );
    if (next === now) break;
    now = next;
  }
  return now;
}

const BASE64 = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}/g;
const BASE64_MAX = 16_384;

/** @param redact What redacts a text that has been unwrapped. */
export function findBase64(redact: (text: string) => string): Finder {
  return (text) => {
    let found: Finding[] | null = null;
    for (const match of text.matchAll(BASE64)) { // a copy of the pattern: redact comes here again
      const word = match[0];
      if (word.length > BASE64_MAX || !isLikely(word)) continue;
      const decoded = textIn(word);
      if (decoded !== null && redact(decoded) !== decoded) {
        (found ??= []).push({ start: match.index, end: match.index + word.length, kind: "BASE64" });
      }
    }
    return found ?? NOTHING;
  };
}

/** Whether its first nine bytes are ASCII that can be read, as those of a text nearly always are, and of a name never. */
function isLikely(word: string): boolean {
  for (let at = 0; at < LOOKED_AT; at += 4) {
    const bits = SIX_BITS[word.charCodeAt(at)] << 18 | SIX_BITS[word.charCodeAt(at + 1)] << 12 |
      SIX_BITS[word.charCodeAt(at + 2)] << 6 | SIX_BITS[word.charCodeAt(at + 3)];
    if (!isReadable(bits >> 16) || !isReadable(bits >> 8 & 0xff) || !isReadable(bits & 0xff)) return false;
  }
  return true;
}

const isReadable = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;

const LOOKED_AT = 12;
const SIX_BITS = new Uint8Array(128);
[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].forEach((char, at) =>
  SIX_BITS[char.charCodeAt(0)] = at
);
SIX_BITS["-".charCodeAt(0)] = 62;
SIX_BITS["_".charCodeAt(0)] = 63;

/** The text that was encoded; null where it is none. */
function textIn(word: string): string | null {
  const bare = word.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  try {
    const bytes = Uint8Array.from(
      atob(bare.slice(0, bare.length - (bare.length % 4 === 1 ? 1 : 0))),
      (char) => char.charCodeAt(0),
    );
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[^\P{Cc}\n\r\t]/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

/**
 * Escapes of what divides words: line breaks and tabs, terminals' colours, quotes and brackets. Not of a plus sign, which begins
 * a telephone number.
 */
const DIVIDING =
  /(?:\\(?:[nrtbfv]|e|0?33|x(?:0[9a-d]|1b)|u00(?:0[9a-d]|1b|2[0-9ac-f]|3[a-f]|5[bd]|7[bd]|a0))|%(?:0[9ad]|1b|2[0-9ac-f]|3[a-f]|5[bd]|7[bd]))(?:\[[0-9;]{0,24}m)?/gi;

/** A text of the same length in which they are spaces. */
export function withoutEscapes(text: string): string {
  return text.includes("\\") || text.includes("%")
    ? text.replace(DIVIDING, (escape) => " ".repeat(escape.length))
    : text;
}
