/** Durations as files of rules have them: 30s, 5m, 1h30m, 3d. */
import { z } from "zod";
import { UNIT_MS } from "../../core/times.ts";

const PATTERN = /^(\d{1,6}[smhdw])+$/;
export const MINUTE_MS = 60_000;

/** Milliseconds; NaN where the text is none. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!PATTERN.test(text)) return NaN;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw])/g)) ms += Number(count) * UNIT_MS[unit];
  return ms;
}

/** A duration, taken as milliseconds. */
export const durationMs = z.string().refine(
  (text) => !Number.isNaN(parseDuration(text)),
  "not a duration: use 30s, 5m, 1h30m or 3d",
).transform(parseDuration);

/** A whole number of minutes of at least `min`, taken as that number. */
export function minutes(min: number, max = 60 * 24 * 60) {
  return z.string().refine((text) => {
    const ms = parseDuration(text);
    return ms % MINUTE_MS === 0 && ms >= min * MINUTE_MS && ms <= max * MINUTE_MS;
  }, `not a whole number of minutes from ${formatMinutes(min)} to ${formatMinutes(max)}: use 5m, 1h or 3d`)
    .transform((text) => parseDuration(text) / MINUTE_MS);
}

/** 90 becomes 1h30m. */
export function formatMinutes(minutes: number): string {
  if (minutes === 0) return "0m";
  const parts: [number, string][] = [
    [Math.floor(minutes / 1440), "d"],
    [Math.floor(minutes % 1440 / 60), "h"],
    [Math.round(minutes % 60), "m"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`).join("");
}

/** A minute since 1970 as RFC 3339. */
export function isoMinute(minute: number): string {
  return new Date(minute * MINUTE_MS).toISOString().replace(/\.000Z$/, "Z");
}
