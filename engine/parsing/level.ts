/**
 * Log levels, from what writers call them to the six of OpenTelemetry: TRACE DEBUG INFO WARN ERROR FATAL.
 * Works on bytes and answers constant arrays: nothing is allocated for a known word in any spelling.
 */

/** Unknown words are kept, in upper case, up to this length. */
const LONGEST_LEVEL_BYTES = 32;

const encoder = new TextEncoder();
const [TRACE, DEBUG, INFO, WARN, ERROR, FATAL] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].map((name) =>
  encoder.encode(name)
);
const NONE = new Uint8Array(0);

const WORDS: readonly (readonly [canonical: Uint8Array, words: string])[] = [
  [TRACE, "trace trc verbose verb finest finer silly t v"],
  [DEBUG, "debug dbg debu fine config d"],
  [INFO, "info inf information informational notice note default success i n"],
  [WARN, "warn warning wrn warni w"],
  [ERROR, "error err eror severe failure fail e"],
  [FATAL, "fatal ftl critical crit alert emerg emergency panic dpanic fault f"],
];

/** Levels in rising order; the numberings of pino, bunyan and OpenTelemetry have one step or decade for each. */
const RISING: readonly Uint8Array[] = [TRACE, DEBUG, INFO, WARN, ERROR, FATAL];
const SYSLOG: readonly Uint8Array[] = [FATAL, FATAL, FATAL, ERROR, WARN, INFO, INFO, DEBUG];

/** The level of a syslog severity, 0 (emergency) to 7 (debug); null for any other number. */
export function levelOfSyslogSeverity(severity: number): Uint8Array | null {
  return SYSLOG[severity] ?? null;
}

/** The level of an OpenTelemetry severityNumber, 1 to 24; null for any other number. */
export function levelOfOtelSeverity(severity: number): Uint8Array | null {
  return Number.isInteger(severity) && severity >= 1 && severity <= 24 ? RISING[(severity - 1) >> 2] : null;
}

/**
 * The level of a number whose key does not say which numbering it is: 0 to 7 are syslog's (GELF, journald), 10 to 69
 * pino's and bunyan's, 100 to 699 Monolog's. Null for any other number.
 */
export function levelOfNumber(number: number): Uint8Array | null {
  if (number >= 100 && number < 700) return MONOLOG[Math.floor(number / 100) - 1];
  if (number >= 10 && number < 70) return RISING[Math.floor(number / 10) - 1];
  return levelOfSyslogSeverity(number);
}
const MONOLOG: readonly Uint8Array[] = [DEBUG, INFO, WARN, ERROR, FATAL, FATAL];

/**
 * The canonical bytes of the level bytes[start, end), or null where they are canonical already: keep the span.
 * Spaces around it and its case do not count; digits go by {@link levelOfNumber}. An unknown word comes back in upper
 * case (null if it is so already), an empty one and one of more than 32 bytes as an empty array: no level.
 */
export function normalizeLevel(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  if (isCanonical(bytes, start, end)) return null;
  let from = start;
  let to = end;
  while (from < to && bytes[from] === 0x20) from++;
  while (to > from && bytes[to - 1] === 0x20) to--;
  if (from === to || to - from > LONGEST_LEVEL_BYTES) return NONE;
  const known = lookUp(bytes, from, to);
  if (known !== null) return known;
  return levelOfDigits(bytes, from, to) ?? upperCase(bytes, from, to, to - from !== end - start);
}

/** ASCII letters in upper case; null where nothing changes, unless `copies`. */
export function upperCase(bytes: Uint8Array, start: number, end: number, copies = false): Uint8Array | null {
  let upper: Uint8Array | null = copies ? bytes.slice(start, end) : null;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte < 0x61 || byte > 0x7a) continue;
    upper ??= bytes.slice(start, end);
    upper[i - start] = byte - 0x20;
  }
  return upper;
}

function levelOfDigits(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  if (end - start > 3) return null;
  let number = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 0x30;
    if (digit < 0 || digit > 9) return null;
    number = number * 10 + digit;
  }
  return levelOfNumber(number);
}

/** Word + 1 by hash of its letters, 0 where free; open addressing. */
const TABLE = new Uint8Array(256);
const KNOWN: { readonly upper: Uint8Array; readonly canonical: Uint8Array }[] = [];

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] & 0xdf)) | 0;
  return (hash ^ hash >>> 8) & (TABLE.length - 1);
}

for (const [canonical, words] of WORDS) {
  for (const word of words.split(" ")) {
    const upper = encoder.encode(word.toUpperCase());
    let at = hashOf(upper, 0, upper.length);
    while (TABLE[at] !== 0) at = (at + 1) & (TABLE.length - 1);
    KNOWN.push({ upper, canonical });
    TABLE[at] = KNOWN.length;
  }
}

function lookUp(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  for (let at = hashOf(bytes, start, end); TABLE[at] !== 0; at = (at + 1) & (TABLE.length - 1)) {
    const { upper, canonical } = KNOWN[TABLE[at] - 1];
    if (equalsUpper(bytes, start, end, upper)) return canonical;
  }
  return null;
}

function equalsUpper(bytes: Uint8Array, start: number, end: number, upper: Uint8Array): boolean {
  if (end - start !== upper.length) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if ((byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte) !== upper[i - start]) return false;
  }
  return true;
}

/** True for TRACE, DEBUG, INFO, WARN, ERROR and FATAL as they are: their first letters differ. */
function isCanonical(bytes: Uint8Array, start: number, end: number): boolean {
  const canonical = BY_FIRST_LETTER[bytes[start] & 0x1f];
  if (end - start !== canonical.length || start === end) return false;
  for (let i = 0; i < canonical.length; i++) if (bytes[start + i] !== canonical[i]) return false;
  return true;
}
const BY_FIRST_LETTER: readonly Uint8Array[] = Array.from(
  { length: 32 },
  (_, letter) => RISING.find((level) => (level[0] & 0x1f) === letter) ?? NONE,
);
