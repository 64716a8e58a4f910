/** How often a fingerprint occurred: by minute and hour, bounded; and what that makes of usual. Pure. */
import type { FingerprintDocument } from "./documents.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Minutes and hours that are kept, back from the latest. */
export const MINUTES_KEPT = 120;
const HOURS_KEPT = 8 * 24;
/** Values that are counted by field. */
const VALUES_KEPT = 8;

type Counts = FingerprintDocument["minutes"];

/** Counts an occurrence at a time, which may be before that of the one before. */
export function countAt(counts: Counts, at: number, kept: number, by = 1): void {
  let place = counts.length;
  while (place > 0 && counts[place - 1][0] > at) place--;
  if (place > 0 && counts[place - 1][0] === at) counts[place - 1][1] += by;
  else counts.splice(place, 0, [at, by]);
  const oldest = counts[counts.length - 1][0] - kept;
  while (counts[0][0] <= oldest) counts.shift();
}

export const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS);
export const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);

export function countOccurrence(fingerprint: Pick<FingerprintDocument, "minutes" | "hours">, ms: number): void {
  countAt(fingerprint.minutes, minuteOf(ms), MINUTES_KEPT);
  countAt(fingerprint.hours, hourOf(ms), HOURS_KEPT);
}

/** Adds another's counts. */
export function addCounts(
  into: Pick<FingerprintDocument, "minutes" | "hours">,
  from: Pick<FingerprintDocument, "minutes" | "hours">,
): void {
  for (const [at, count] of from.minutes) countAt(into.minutes, at, MINUTES_KEPT, count);
  for (const [at, count] of from.hours) countAt(into.hours, at, HOURS_KEPT, count);
}

/** Occurrences in the minutes [from, to). */
export function occurrences(counts: Counts, from: number, to: number): number {
  let sum = 0;
  for (let at = counts.length - 1; at >= 0 && counts[at][0] >= from; at--) if (counts[at][0] < to) sum += counts[at][1];
  return sum;
}

/** Whole hours that usual is made of, at least. */
const HISTORY_HOURS_MIN = 1;

/**
 * Occurrences a minute as usual: the mean over the whole hours from the first occurrence on, a week at most, up to the one
 * before the hour of `nowMs`; null where there is not one such hour.
 */
export function usualPerMinute({ hours, firstMs }: FingerprintDocument, nowMs: number): number | null {
  const end = hourOf(nowMs);
  const start = Math.max(hourOf(firstMs) + 1, end - 7 * 24);
  if (end - start < HISTORY_HOURS_MIN) return null;
  return occurrences(hours, start, end) / ((end - start) * 60);
}

/** Minutes that a spike is looked for in, and the fewest occurrences that make one. */
export const SPIKE_MINUTES = 5;
const SPIKE_MIN = 20;
const SPIKE_FACTOR = 4;
/** Standard deviations of a Poisson count that chance is granted. */
const SPIKE_DEVIATIONS = 6;

/** Whether the last minutes had far more than usual: four times as many, and more than chance gives. */
export function isSpike(fingerprint: FingerprintDocument, nowMs: number): boolean {
  const usual = usualPerMinute(fingerprint, nowMs);
  if (usual === null) return false;
  const now = minuteOf(nowMs);
  const recent = occurrences(fingerprint.minutes, now - SPIKE_MINUTES + 1, now + 1);
  const expected = usual * SPIKE_MINUTES;
  return recent >= SPIKE_MIN && recent > SPIKE_FACTOR * expected &&
    recent > expected + SPIKE_DEVIATIONS * Math.sqrt(expected);
}

/** Occurrences a minute over the last five. */
export function ratePerMinute({ minutes }: FingerprintDocument, nowMs: number): number {
  const now = minuteOf(nowMs);
  return occurrences(minutes, now - SPIKE_MINUTES + 1, now + 1) / SPIKE_MINUTES;
}

/** Counts a value among the most frequent (Misra and Gries, 1982): counts are at most what they were. */
export function countValue(values: FingerprintDocument["values"], field: string, value: string, by = 1): void {
  const counts = values[field] ??= [];
  const known = counts.find(([text]) => text === value);
  if (known !== undefined) known[1] += by;
  else if (counts.length < VALUES_KEPT) counts.push([value, by]);
  else {
    for (const each of counts) each[1] -= by;
    values[field] = counts.filter(([, count]) => count > 0);
  }
}
