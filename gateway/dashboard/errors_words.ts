/** What the figures of errors mean, in words. Pure. */

const AGES: readonly (readonly [limit: number, seconds: number, unit: string])[] = [
  [60, 1, "s"],
  [3_600, 60, "min"],
  [172_800, 3_600, "h"],
  [Infinity, 86_400, "days"],
];
/** Below it is now: clocks differ by as much. */
const NOW_SECONDS = 3;

/** How long ago, or how far ahead, a time is: "12 min ago", "in 2 h". */
export function agoOf(ms: number, nowMs: number): string {
  const seconds = Math.abs(nowMs - ms) / 1000;
  if (seconds < NOW_SECONDS) return "just now";
  const [, size, unit] = AGES.find(([limit]) => seconds < limit) ?? AGES[AGES.length - 1];
  const length = `${Math.floor(seconds / size)} ${unit}`;
  return ms > nowMs ? `in ${length}` : `${length} ago`;
}

export interface Rate {
  readonly now: string;
  /** Against the usual: "4× usual". */
  readonly change: string;
  readonly direction: "up" | "down" | "same" | "unknown";
}

/** A change by less is none: both are estimates. */
const SAME_FACTOR = 1.5;

/** A rate against the usual one, which is null where there is no history. */
export function rateOf(perMinute: number, usual: number | null): Rate {
  const now = `${shortNumber(perMinute)} /min`;
  if (usual === null) return { now, change: "no history yet", direction: "unknown" };
  if (perMinute === 0) return { now, change: usual === 0 ? "as usual" : "quiet now", direction: "same" };
  if (usual === 0) return { now, change: "none usually", direction: "up" };
  const factor = perMinute / usual;
  if (factor < SAME_FACTOR && factor > 1 / SAME_FACTOR) return { now, change: "as usual", direction: "same" };
  return { now, change: `${shortNumber(factor)}× usual`, direction: factor > 1 ? "up" : "down" };
}

/** Two digits where they tell something. */
export function shortNumber(value: number): string {
  if (value === 0) return "0";
  if (value < 0.01) return "<0.01";
  return value >= 10 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
}

/** A spark line of the last two hours, said in a sentence. */
export function trendOf(spark: readonly number[]): string {
  const sum = spark.reduce((all, each) => all + each, 0);
  if (sum === 0) return "none in the last two hours";
  const peak = Math.max(...spark);
  const at = (spark.length - 1 - spark.lastIndexOf(peak)) * 5;
  const when = at === 0 ? "in the last five minutes" : `about ${at} minutes ago`;
  return `${sum.toLocaleString("en")} in the last two hours, most (${peak.toLocaleString("en")}) ${when}, ` +
    `${(spark.at(-1) ?? 0).toLocaleString("en")} in the last five minutes`;
}

/** "1 event", "3 events", "1,204 events". */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Why an incident has a fingerprint. */
export const REASONS: Readonly<Record<string, string>> = {
  new: "never seen before",
  spike: "far more than usual",
  regressed: "back after a rest",
  stale: "goes on",
};

export const VERDICTS = [
  ["useful", "Useful"],
  ["not_useful", "Not useful"],
  ["wrong_grouping", "Wrong grouping"],
  ["already_known", "Already known"],
] as const;
export type Verdict = (typeof VERDICTS)[number][0];
