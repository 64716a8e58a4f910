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
        const decoded = decode(text.slice(at, end));
        const redacted = decoded === null ? null : redact(decoded);
        if (redacted !== null && redacted !== decoded) found.push({ start: at, end, kind: "", instead: redacted });
      }
      at = end;
    }
    return found;
  };
}

const ESCAPE = /%([2-7][0-9A-Fa-f])|\\u00([2-7][0-9A-Fa-f])/g;

/** Null where there is nothing to decode. Only what is no space and no quote: a word stays a word. */
function decode(word: string): string | null {
  let now = word;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const next = now.replace(ESCAPE, (escape: string, percent?: string, unicode?: string) => {
      const char = String.fromCharCode(parseInt(percent ?? unicode ?? "", 16));
      return char === " " || char === "\x7f" ? escape : char;
    });
    if (next === now) break;
    now = next;
  }
  return now === word ? null : now;
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
