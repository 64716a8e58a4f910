/**
 * Endpoints in their normal form, by which minute cells count them: `/orders/8817?x=1` and `/orders/8818` are both
 * `/orders/:id`. docs/formats.md has the rules with examples.
 */

/** No normal form is longer; a longer one ends in `*`. */
export const ENDPOINT_BYTES_MAX = 200;

const HASH = 0x23;
const STAR = 0x2a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const QUESTION = 0x3f;
const UNDERSCORE = 0x5f;

const ID = new TextEncoder().encode(":id");
/** Letters and digits change places at least so often in a token; `monitorama2013` is a word with a number. */
const TOKEN_CHANGES_MIN = 3;

/**
 * Writes the normal form of bytes[start, end) to `out` and answers its length: 0 for an empty endpoint, else at least 1
 * and at most {@link ENDPOINT_BYTES_MAX}. `out` must hold that many bytes, or four times the input's where that is
 * less. Pure; the normal form of a normal form is itself.
 */
export function normalizeEndpoint(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  if (start >= end) return 0;
  const pathEnd = endOfPath(bytes, start, end);
  let at = startOfPath(bytes, start, pathEnd);
  let to = 0;
  while (at < pathEnd) {
    if (bytes[at] === SLASH) {
      if (to === 0 || out[to - 1] !== SLASH) {
        if (to === ENDPOINT_BYTES_MAX) return cutShort(out);
        out[to++] = SLASH;
      }
      at++;
      continue;
    }
    const segment = at;
    while (at < pathEnd && bytes[at] !== SLASH && bytes[at] !== SEMICOLON) at++;
    to = writeSegment(bytes, segment, at, out, to);
    if (to < 0) return cutShort(out);
    while (at < pathEnd && bytes[at] !== SLASH) at++; // parameters: `;jsessionid=…`
  }
  if (to === 0) out[to++] = SLASH;
  return to;
}

/** The normal form of a text, for queries and tests. */
export function normalizeEndpointText(endpoint: string): string {
  const bytes = new TextEncoder().encode(endpoint);
  const out = new Uint8Array(ENDPOINT_BYTES_MAX);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    out.subarray(0, normalizeEndpoint(bytes, 0, bytes.length, out)),
  );
}

/** Appends the segment or `:id`; answers the new length, or -1 where the normal form became too long. */
function writeSegment(bytes: Uint8Array, start: number, end: number, out: Uint8Array, length: number): number {
  const isReplaced = isId(bytes, start, end);
  const source = isReplaced ? ID : bytes;
  const from = isReplaced ? 0 : start;
  const size = isReplaced ? ID.length : end - start;
  const room = Math.min(size, ENDPOINT_BYTES_MAX - length);
  for (let i = 0; i < room; i++) out[length + i] = source[from + i];
  return room < size ? -1 : length + size;
}

/** Ends a full `out` in `*`, at a whole character: what is cut off can then not turn the rest into an id. */
function cutShort(out: Uint8Array): number {
  let at = ENDPOINT_BYTES_MAX - 1;
  while (at > 0 && (out[at] & 0xc0) === 0x80) at--;
  out[at] = STAR;
  return at + 1;
}

function endOfPath(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === QUESTION || bytes[at] === HASH) return at;
  return end;
}

/** After `scheme://authority`, where the endpoint begins with one (requests to a proxy). */
function startOfPath(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSchemeByte(bytes[at], at === start)) at++;
  if (at === start || at + 3 > end) return start;
  if (bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH) return start;
  at += 3;
  while (at < end && bytes[at] !== SLASH) at++;
  return at;
}

function isSchemeByte(byte: number, isFirst: boolean): boolean {
  if (isLetter(byte)) return true;
  return !isFirst && (isDigit(byte) || byte === PLUS || byte === DOT || byte === MINUS);
}

/** True for a segment that names one thing of many: a number, UUID, hash or token, also after `word-` or `word_`. */
function isId(bytes: Uint8Array, start: number, end: number): boolean {
  if (isAllDigits(bytes, start, end) || isOpaque(bytes, start, end, 20)) return true;
  let at = start;
  while (at < end && isLetter(bytes[at])) at++;
  if (at === start || at === end || (bytes[at] !== MINUS && bytes[at] !== UNDERSCORE)) return false;
  at++;
  if (isAllDigits(bytes, at, end)) return end - at >= 3 && !isYear(bytes, at, end);
  return isOpaque(bytes, at, end, 14);
}

/** A UUID, eight or more hex digits (with `0x` or at least one decimal digit), or a token of mixed letters and digits. */
function isOpaque(bytes: Uint8Array, start: number, end: number, tokenBytesMin: number): boolean {
  const length = end - start;
  if (length < 8) return false;
  if (length === 36 && isUuid(bytes, start)) return true;
  const isPrefixed = bytes[start] === 0x30 && (bytes[start + 1] | 0x20) === 0x78;
  let isHex = true;
  let hasDigit = false;
  let changes = 0;
  for (let at = isPrefixed ? start + 2 : start; at < end; at++) {
    const digit = isDigit(bytes[at]);
    if (!digit && !isLetter(bytes[at])) return false;
    if (!digit && (bytes[at] | 0x20) > 0x66) isHex = false;
    if (digit) hasDigit = true;
    if (at > start && digit !== isDigit(bytes[at - 1])) changes++;
  }
  if (isHex && hasDigit && (!isPrefixed || length >= 10)) return true;
  return length >= tokenBytesMin && changes >= TOKEN_CHANGES_MIN;
}

/** 8-4-4-4-12 hex digits. */
function isUuid(bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < 36; i++) {
    const byte = bytes[start + i];
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (byte !== MINUS) return false;
    } else if (!isDigit(byte) && !(isLetter(byte) && (byte | 0x20) <= 0x66)) return false;
  }
  return true;
}

function isYear(bytes: Uint8Array, start: number, end: number): boolean {
  const century = (bytes[start] - 0x30) * 10 + (bytes[start + 1] - 0x30);
  return end - start === 4 && (century === 19 || century === 20);
}

function isAllDigits(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isDigit(bytes[at])) return false;
  return end > start;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
