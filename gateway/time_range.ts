/** Times in queries: RFC 3339, a date, epoch milliseconds, or relative to now (`now-15m`). */
import type { TimeRange } from "../core/store/ports.ts";
import { parseTime, TIME_HINT, UNIT_MS } from "../core/times.ts";
import { badParameter } from "./problem.ts";

/** Before any record and after every one. */
export const EVERYTHING: TimeRange = { fromMs: -8_640_000_000_000, toMs: 8_640_000_000_000 };

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
