/** Characters of messages by what they are to their tokens, and what may begin at one of them. Pure. */

/** Kinds of characters; others are letters. The first two stand between words, the others within. */
export const SPACE = 1;
export const DIVIDER = 2;
export const DIGIT = 3;
/** Points, slashes and at signs: a word of these may be a value. */
export const JOINER = 4;

/** Kinds of ASCII characters. */
export const KINDS = new Uint8Array(128);
for (const c of " \t\n\r\v\f") KINDS[c.charCodeAt(0)] = SPACE;
for (const c of "=:,;()[]{}\"'`|") KINDS[c.charCodeAt(0)] = DIVIDER;
for (const c of "0123456789") KINDS[c.charCodeAt(0)] = DIGIT;
for (const c of "./@") KINDS[c.charCodeAt(0)] = JOINER;

export const COLON = 0x3a;
export const COMMA = 0x2c;
export const SEMICOLON = 0x3b;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const LESS = 0x3c;
export const STAR = 0x2a;
export const EQUALS = 0x3d;
export const ANGLE = 0x3e;
export const AT_SIGN = 0x40;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const OPEN_SQUARE = 0x5b;
export const LINE_FEED = 0x0a;
export const BLANK = 0x20;

export function kindAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 128 ? KINDS[code] : 0;
}

/** Whether characters of a kind stand between words. */
export const isBetween = (kind: number): boolean => kind === SPACE || kind === DIVIDER;

export const isDigitAt = (text: string, at: number): boolean => at < text.length && kindAt(text, at) === DIGIT;

/** The beginning of what redaction puts in the place of a value. */
export function isPseudonymAt(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  return text.charCodeAt(at) === LESS && next >= 0x41 && next <= 0x5a;
}

export const isSchemeAt = (text: string, colon: number): boolean =>
  text.charCodeAt(colon + 1) === SLASH && text.charCodeAt(colon + 2) === SLASH;

export const isClosing = (code: number): boolean => code === DOT || code === 0x21 || code === 0x3f || code === 0x3e; // . ! ? >
export const isQuote = (code: number): boolean => code === 0x22 || code === 0x27; // " '

/** Three points, or the first of more. */
export const isEllipsisAt = (text: string, at: number): boolean =>
  text.charCodeAt(at) === DOT && text.charCodeAt(at + 1) === DOT && text.charCodeAt(at + 2) === DOT;
export const isClosingBracket = (code: number): boolean =>
  code === CLOSE || code === 0x5d || code === 0x7d || code === 0x22 || code === 0x27 || code === 0x3e;

/** Lower-case letters, digits, hyphens and dots: `wpad`, not `AssignedMaps`. */
export function isHostName(word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    if (!((code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === DOT)) {
      return false;
    }
  }
  return word.length > 0 && word.charCodeAt(0) >= 0x61;
}

/** Where the rest of an IPv6 address ends, which begins at this colon; `at` where it is none. */
export function endOfAddress(text: string, at: number): number {
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
export function isPort(text: string, at: number): boolean {
  let end = at;
  while (isDigitAt(text, end)) end++;
  if (end - at < 2 || end - at > 5) return false;
  return end >= text.length || isBetween(kindAt(text, end));
}

/** Whether a word comes after names of users: `from`, `by`, `at`, `on`. */
export function isAfterName(text: string, start: number, end: number): boolean {
  if (end - start === 4) return text.charCodeAt(start) === 0x66 && text.startsWith("from", start);
  if (end - start !== 2) return false;
  const [a, b] = [text.charCodeAt(start), text.charCodeAt(start + 1)];
  return (a === 0x62 && b === 0x79) || (a === 0x61 && b === 0x74) || (a === 0x6f && b === 0x6e);
}
