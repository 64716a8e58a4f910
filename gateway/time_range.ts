/** Times in queries: RFC 3339, a date, epoch milliseconds, or relative to now (`now-15m`). */
import type { TimeRange } from "../core/store/ports.ts";
import { badParameter } from "./problem.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const RELATIVE = /^now(?:([+-])((?:\d{1,9}[smhdw])+))?$/;
const RFC3339 = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;
/** As points of a series have them. Shorter ones would be mistaken for years or seconds. */
const EPOCH_MS = /^\d{12,14}$/;
/** What a date can say: the years 0 to 9999. */
const EARLIEST_MS = Date.parse("0000-01-01T00:00:00Z");
const LATEST_MS = Date.parse("9999-12-31T23:59:59.999Z");
/** Before any record and after every one. */
export const EVERYTHING: TimeRange = { fromMs: -8_640_000_000_000, toMs: 8_640_000_000_000 };

export const TIME_HINT = "use RFC 3339 with a zone (2026-03-01T12:00:00Z), a date (2026-03-01), epoch milliseconds, " +
  "or now, now-15m, now-1h30m, now-7d";

/** Epoch milliseconds, or null where the text is no time of the years 0 to 9999. */
export function parseTime(text: string, nowMs: number): number | null {
  const ms = readTime(text, nowMs);
  return ms !== null && ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : null;
}

function readTime(text: string, nowMs: number): number | null {
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const [, sign, amount = ""] = relative;
    let shiftMs = 0;
    for (const [, count, unit] of amount.matchAll(/(\d+)([smhdw])/g)) shiftMs += Number(count) * UNIT_MS[unit];
    return sign === "-" ? nowMs - shiftMs : nowMs + shiftMs;
  }
  if (EPOCH_MS.test(text)) return Number(text);
  // A + that was not percent-encoded arrives as a space.
  const stamp = text.replace(/(:\d{2}(?:\.\d+)?) (\d{2}:\d{2})$/, "$1+$2");
  if (!RFC3339.test(stamp)) return null;
  const ms = Date.parse(stamp.toUpperCase().replace(" ", "T"));
  if (Number.isNaN(ms)) return null;
  // Date.parse takes the 30th of February for the 2nd of March.
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() ? ms : null;
}

export interface RangeParameters {
  readonly from?: string;
  readonly to?: string;
}

/**
 * The half-open range of `from` and `to`. Without `to`, or with `now`, it reaches to the end of the running minute, so
 * that events of this very moment are inside. Throws a Problem naming the parameter.
 */
export function rangeOf(
  { from, to }: RangeParameters,
  nowMs: number,
  otherwise: TimeRange | "hour" = "hour",
): TimeRange {
  const endOfMinute = Math.floor(nowMs / UNIT_MS.m + 1) * UNIT_MS.m;
  const defaults = otherwise === "hour" ? { fromMs: nowMs - UNIT_MS.h, toMs: endOfMinute } : otherwise;
  const read = (parameter: string, text: string | undefined, missing: number): number => {
    if (text === undefined) return missing;
    const ms = parseTime(text, nowMs);
    if (ms === null) throw badParameter(parameter, `"${text}" is not a time: ${TIME_HINT}`);
    return ms;
  };
  const fromMs = read("from", from, defaults.fromMs);
  const toMs = to === "now" ? endOfMinute : read("to", to, defaults.toMs);
  if (fromMs >= toMs) {
    throw badParameter("from", `it must be before to (${new Date(fromMs).toISOString()} is not before ${isoOf(toMs)})`);
  }
  return { fromMs, toMs };
}

/** RFC 3339; null for the ends of {@link EVERYTHING}. */
export function isoOf(ms: number): string | null {
  return ms <= EVERYTHING.fromMs || ms >= EVERYTHING.toMs ? null : new Date(ms).toISOString();
}

/** Minutes of a step such as `5m`, `1h`, `1d`, `300s` or `300`; null where it is no whole number of minutes. */
export function parseStep(text: string): number | null {
  const match = /^(\d{1,6})([smhdw]?)$/.exec(text);
  if (match === null) return null;
  const minutes = Number(match[1]) * UNIT_MS[match[2] || "s"] / UNIT_MS.m;
  return Number.isInteger(minutes) && minutes > 0 ? minutes : null;
}
