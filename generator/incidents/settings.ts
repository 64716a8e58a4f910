/** Kinds of settings that incidents share. Their errors say what was expected: script/load.ts adds what was found. */
import { z } from "zod";

/** A share above 0, up to `limit`. */
export function share(limit = 1) {
  return z.number({ error: `a share above 0, up to ${limit}` }).gt(0).lte(limit);
}

/** A factor from `least` on. */
export function factor(least: number) {
  return z.number({ error: `a factor of at least ${least}` }).gte(least);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** Milliseconds of a text such as 90s, 15m or 1.5h; null where it is none. */
export function durationMs(text: string): number | null {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return count === undefined ? null : Math.round(Number(count) * UNIT_MS[unit]);
}

export const DURATION_WORDS = "a duration such as 90s, 15m, 2h or 1d";

/** A duration as text, which becomes milliseconds; milliseconds are taken too, so that it may be parsed twice. */
export function duration() {
  return z.union([z.number(), z.string()], { error: DURATION_WORDS }).transform((value, context) => {
    const ms = typeof value === "number" ? value : durationMs(value);
    if (ms !== null && ms > 0 && (typeof value === "string" || Number.isInteger(value))) return ms;
    context.addIssue({ code: "custom", message: DURATION_WORDS });
    return z.NEVER;
  });
}

/** A duration that may begin with a minus. */
export function signedDuration() {
  const words = "a duration such as 5m, or -5m for a clock that is behind";
  return z.union([z.number(), z.string()], { error: words }).transform((value, context) => {
    if (typeof value === "number" && Number.isInteger(value) && value !== 0) return value;
    const text = String(value).replace(/^\+/, "");
    const ms = durationMs(text.replace(/^-/, ""));
    if (ms !== null && ms > 0) return text.startsWith("-") ? -ms : ms;
    context.addIssue({ code: "custom", message: words });
    return z.NEVER;
  });
}
