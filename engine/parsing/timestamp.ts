/**
 * Timestamps as logs write them, read from bytes without making a string: ISO 8601 / RFC 3339, epoch digits, CLF
 * (`10/Oct/2000:13:55:36 -0700`) and RFC 3164 (`Oct  5 13:55:36`). docs/formats.md lists what is taken.
 */
import { LocalClock } from "./local_clock.ts";
import { readEpoch } from "./epoch.ts";

const MINUTE_MICROS = 60_000_000;
/** Integers of microseconds are exact in a number for these years; others are no timestamp. */
export const YEAR_MIN = 1685;
export const YEAR_MAX = 2254;
/** Any other year's instance of a date is at least 365 days away, so one within half of that is the nearest. */
const NEAREST_MS = 182 * 86_400_000;

/** `2024-05-01T10:00`. */
const ISO_MINUTE_BYTES = 16;

/** Microseconds in the last digit of a fraction of so many digits. */
const FRACTION_UNITS = [0, 100_000, 10_000, 1000, 100, 10];

const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const SPACE = 0x20;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;

/** The three letters of each month in lower case, packed into an integer. */
const MONTHS: ReadonlyMap<number, number> = new Map(
  ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"].map((name, index) => [
    (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
    index + 1,
  ]),
);

/** The number of the two digits at `at`, or -1. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = bytes[at] - 0x30;
  const ones = bytes[at + 1] - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function fourDigits(bytes: Uint8Array, at: number): number {
  const high = twoDigits(bytes, at);
  const low = twoDigits(bytes, at + 2);
  return high < 0 || low < 0 ? -1 : high * 100 + low;
}

function monthAt(bytes: Uint8Array, at: number): number {
  return MONTHS.get(((bytes[at] | 0x20) << 16) | ((bytes[at + 1] | 0x20) << 8) | (bytes[at + 2] | 0x20)) ?? -1;
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** The minute as microseconds, as if the wall clock were UTC; NaN where a field is out of range. */
function wallMinute(year: number, month: number, day: number, minuteOfDay: number): number {
  if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12) return NaN;
  if (day < 1 || day > daysInMonth(year, month)) return NaN;
  return Date.UTC(year, month - 1, day) * 1000 + minuteOfDay * MINUTE_MICROS;
}

/** Minutes since midnight of the `hh:mm` at `at`, or NaN. */
function minuteOfDayAt(bytes: Uint8Array, at: number): number {
  const hour = twoDigits(bytes, at);
  const minute = twoDigits(bytes, at + 3);
  return bytes[at + 2] === COLON && hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 ? hour * 60 + minute : NaN;
}

/**
 * Reads the timestamps of one stream of records. It remembers the minute of the one before (logs come in runs), so the
 * usual timestamp costs a comparison of its first bytes and the seconds.
 */
export class TimestampReader {
  readonly #clock: LocalClock;
  /** The bytes up to and including the minute of the timestamp before. */
  readonly #prefix = new Uint8Array(24);
  #prefixLength = 0;
  /** That minute as if the wall clock were UTC, and as an instant in the given zone (NaN until needed). */
  #wallMicros = NaN;
  #localMicros = NaN;
  /** Whether the prefix leaves out the year, so that the minute depends on the record's time too. */
  #isYearless = false;

  /** `timeZone`: the IANA zone of timestamps that name none. RangeError where it is unknown. */
  constructor(timeZone: string) {
    this.#clock = new LocalClock(timeZone);
  }

  /**
   * Microseconds since 1970 UTC of the timestamp that is all of bytes[start, end), as an integer; NaN where it is none.
   * Finer fractions are cut. A leap second (:60) counts as the last microsecond of its minute. `recordTimeMs` gives the
   * year that RFC 3164 leaves out: the one that puts the timestamp nearest to it.
   */
  read(bytes: Uint8Array, start: number, end: number, recordTimeMs: number): number {
    let from = start;
    let to = end;
    if (to - from > 2 && bytes[from] === BRACKET_OPEN && bytes[to - 1] === BRACKET_CLOSE) {
      from++;
      to--;
    }
    if (!this.#isSameMinute(bytes, from, to, recordTimeMs)) {
      const length = to - from;
      if (length < 10 || (bytes[from + 4] >= 0x30 && bytes[from + 4] <= 0x39 && bytes[from] <= 0x39)) {
        return readEpoch(bytes, from, to);
      }
      if (!this.#learnMinute(bytes, from, to, recordTimeMs)) {
        return length === 10 && bytes[from + 4] !== DOT ? this.#readDate(bytes, from) : readEpoch(bytes, from, to);
      }
    }
    return this.#readSeconds(bytes, from + this.#prefixLength, to);
  }

  /**
   * The minute of the timestamp at `start`, as if its wall clock were UTC, where it is the one read last and its first 16
   * bytes are date, hour and minute; NaN otherwise.
   */
  isoMinuteMicros(bytes: Uint8Array, start: number): number {
    if (this.#prefixLength !== ISO_MINUTE_BYTES) return NaN;
    for (let i = 0; i < ISO_MINUTE_BYTES; i++) if (this.#prefix[i] !== bytes[start + i]) return NaN;
    return this.#wallMicros;
  }

  #isSameMinute(bytes: Uint8Array, start: number, end: number, recordTimeMs: number): boolean {
    const prefix = this.#prefix;
    const length = this.#prefixLength;
    if (length === 0 || end - start < length) return false;
    // From the back: the minute is what changes.
    for (let i = length - 1; i >= 0; i--) if (prefix[i] !== bytes[start + i]) return false;
    return !this.#isYearless || Math.abs(this.#localMicros / 1000 - recordTimeMs) < NEAREST_MS;
  }

  /** Reads and remembers everything down to the minute; false where it is not the beginning of a timestamp. */
  #learnMinute(bytes: Uint8Array, start: number, end: number, recordTimeMs: number): boolean {
    const length = end - start;
    this.#prefixLength = 0;
    this.#localMicros = NaN;
    this.#isYearless = false;
    const fifth = bytes[start + 4];
    if (length >= 16 && (fifth === MINUS || fifth === SLASH)) return this.#learnIso(bytes, start);
    if (length >= 17 && bytes[start + 2] === SLASH) return this.#learnClf(bytes, start);
    if (length >= 11 && bytes[start + 3] === SPACE) return this.#learnBsd(bytes, start, end, recordTimeMs);
    return false;
  }

  /** `2024-05-01T10:00`, `2024-05-01 10:00`, `2024/05/01 10:00`. */
  #learnIso(bytes: Uint8Array, start: number): boolean {
    const between = bytes[start + 10];
    if (between !== SPACE && (between | 0x20) !== 0x74) return false;
    this.#wallMicros = this.#dateAt(bytes, start) + minuteOfDayAt(bytes, start + 11) * MINUTE_MICROS;
    return this.#remember(bytes, start, ISO_MINUTE_BYTES);
  }

  /** `10/Oct/2000:13:55`. */
  #learnClf(bytes: Uint8Array, start: number): boolean {
    if (bytes[start + 6] !== SLASH || bytes[start + 11] !== COLON) return false;
    const year = fourDigits(bytes, start + 7);
    this.#wallMicros = wallMinute(year, monthAt(bytes, start + 3), twoDigits(bytes, start), 0) +
      minuteOfDayAt(bytes, start + 12) * MINUTE_MICROS;
    return this.#remember(bytes, start, 17);
  }

  /** `Oct  5 13:55`, `Oct 05 13:55`, `Oct 5 13:55`, and with a year after the day, as some devices write it. */
  #learnBsd(bytes: Uint8Array, start: number, end: number, recordTimeMs: number): boolean {
    const month = monthAt(bytes, start);
    let at = start + 4;
    if (bytes[at] === SPACE) at++;
    const isOneDigit = bytes[at + 1] === SPACE;
    const day = isOneDigit ? bytes[at] - 0x30 : twoDigits(bytes, at);
    at += isOneDigit ? 1 : 2;
    if (month < 0 || day < 0 || day > 31 || bytes[at] !== SPACE) return false;
    at++;
    let year = -1;
    if (bytes[at + 4] === SPACE) {
      year = fourDigits(bytes, at);
      if (year < 0) return false;
      at += 5;
    }
    if (end - at < 5) return false;
    const minuteOfDay = minuteOfDayAt(bytes, at);
    if (year < 0) {
      this.#isYearless = true;
      year = this.#nearestYear(month, day, minuteOfDay, recordTimeMs);
    }
    this.#wallMicros = wallMinute(year, month, day, minuteOfDay);
    this.#localMicros = this.#clock.toInstantMicros(this.#wallMicros);
    return this.#remember(bytes, start, at + 5 - start);
  }

  #nearestYear(month: number, day: number, minuteOfDay: number, recordTimeMs: number): number {
    const recordYear = new Date(recordTimeMs).getUTCFullYear();
    // 29 February is up to eight years away (1896 to 1904, 2096 to 2104); every other date is in the next year.
    const reach = month === 2 && day === 29 ? 8 : 1;
    let nearest = -1;
    let distance = Infinity;
    for (let year = recordYear - reach; year <= recordYear + reach; year++) {
      const instant = this.#clock.toInstantMicros(wallMinute(year, month, day, minuteOfDay));
      const away = Math.abs(instant / 1000 - recordTimeMs);
      if (away < distance) {
        distance = away;
        nearest = year;
      }
    }
    return nearest;
  }

  #remember(bytes: Uint8Array, start: number, length: number): boolean {
    if (Number.isNaN(this.#wallMicros)) return false;
    for (let i = 0; i < length; i++) this.#prefix[i] = bytes[start + i];
    this.#prefixLength = length;
    return true;
  }

  /** Midnight of the `2024-05-01` at `start` as if the wall clock were UTC, or NaN. */
  #dateAt(bytes: Uint8Array, start: number): number {
    const separator = bytes[start + 4];
    if ((separator !== MINUS && separator !== SLASH) || bytes[start + 7] !== separator) return NaN;
    return wallMinute(fourDigits(bytes, start), twoDigits(bytes, start + 5), twoDigits(bytes, start + 8), 0);
  }

  #readDate(bytes: Uint8Array, start: number): number {
    return this.#clock.toInstantMicros(this.#dateAt(bytes, start));
  }

  /** From after the minute: `[:ss[.fraction]][ ][zone]`, and nothing else. */
  #readSeconds(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let micros = 0;
    if (at < end && bytes[at] === COLON) {
      const second = at + 3 <= end ? twoDigits(bytes, at + 1) : -1;
      if (second < 0 || second > 60) return NaN;
      at += 3;
      micros = second * 1_000_000;
      if (at < end && (bytes[at] === DOT || bytes[at] === COMMA)) {
        const digits = at + 1;
        let fraction = 0;
        for (at = digits; at < end; at++) {
          const digit = bytes[at] - 0x30;
          if (digit < 0 || digit > 9) break;
          if (at - digits < 6) fraction = fraction * 10 + digit;
        }
        if (at === digits) return NaN;
        if (at - digits < 6) fraction *= FRACTION_UNITS[at - digits];
        micros += fraction;
      }
      if (second === 60) micros = MINUTE_MICROS - 1;
    }
    if (at === end) return this.#localMinute() + micros;
    return this.#wallMicros + micros - readZone(bytes, at, end);
  }

  #localMinute(): number {
    if (Number.isNaN(this.#localMicros)) this.#localMicros = this.#clock.toInstantMicros(this.#wallMicros);
    return this.#localMicros;
  }
}

/** The offset from UTC in microseconds of `Z`, `+hh`, `+hhmm`, `+hh:mm`, `UTC` or `GMT`, after at most one space; else NaN. */
function readZone(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes[start] === SPACE ? start + 1 : start;
  const length = end - at;
  const sign = bytes[at];
  if (length === 1) return (sign | 0x20) === 0x7a ? 0 : NaN;
  if (sign === PLUS || sign === MINUS) {
    const isColoned = length === 6 && bytes[at + 3] === COLON;
    if (length !== 3 && length !== 5 && !isColoned) return NaN;
    const hours = twoDigits(bytes, at + 1);
    const minutes = length === 3 ? 0 : twoDigits(bytes, isColoned ? at + 4 : at + 3);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return NaN;
    const micros = (hours * 60 + minutes) * MINUTE_MICROS;
    return sign === MINUS ? -micros : micros;
  }
  if (length !== 3) return NaN;
  const word = (sign << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  return word === 0x555443 || word === 0x474d54 ? 0 : NaN;
}
