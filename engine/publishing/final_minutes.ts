/** What has been published of an hour's final minutes, and what has to be: decisions, without I/O. */
import { z } from "zod";
import { DIMENSIONS } from "../../core/minutes/fields.ts";

export const MINUTE_MS = 60_000;
export const MINUTES_PER_BUCKET = 60;

/** One exported minute row: a minute and a set of dimensions, over all partitions. */
export type MinuteRow = Readonly<Record<string, string | number | null>> & { readonly minute: string };

const publishedMinute = z.object({
  /** 0, then one more each time that the minute had changed. */
  revision: z.int(),
  digest: z.string(),
  /** False from the decision to publish until all its messages are in the topic. */
  isSent: z.boolean(),
});

/** By minute of the hour. Kept in the ledger, so that a revision always names the same figures, whoever publishes them. */
const publishedHour = z.object({
  /** Version of the hour's units that all its minutes were published from; null while some were not final. */
  version: z.string().nullable(),
  minutes: z.record(z.string(), publishedMinute),
});
export type PublishedHour = z.infer<typeof publishedHour>;

export const NOTHING_PUBLISHED: PublishedHour = { version: null, minutes: {} };

export function parseHour(text: string | null): PublishedHour {
  return text === null ? NOTHING_PUBLISHED : publishedHour.parse(JSON.parse(text));
}

/** Figures that follow from others, or whose last bits depend on the order of addition. */
const DERIVED = /_(avg|stddev)$/;

/** A text that two sets of rows share if their figures are equal, in whatever order they come. */
export async function digestOf(rows: readonly MinuteRow[]): Promise<string> {
  const lines = rows.map((row) => JSON.stringify(Object.entries(row).filter(([name]) => !DERIVED.test(name)))).sort();
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n")));
  return new Uint8Array(hash, 0, 12).toBase64();
}

/** The hour with these digests (by minute of the hour) as decided, and the minutes that are still to be sent. */
export function revise(
  published: PublishedHour,
  digests: ReadonlyMap<number, string>,
): { readonly hour: PublishedHour; readonly unsent: readonly number[] } {
  const minutes = { ...published.minutes };
  const unsent: number[] = [];
  for (const [minute, digest] of digests) {
    const before = published.minutes[minute];
    if (before?.digest !== digest) {
      minutes[minute] = { revision: before === undefined ? 0 : before.revision + 1, digest, isSent: false };
    }
    if (!minutes[minute].isSent) unsent.push(minute);
  }
  return { hour: { ...published, minutes }, unsent };
}

/** The hour once those minutes were sent. `version`: of the units that it is made of, where all of it is final. */
export function sent(hour: PublishedHour, minutes: readonly number[], version: string | null): PublishedHour {
  const marked = minutes.map((minute) => [minute, { ...hour.minutes[minute], isSent: true }]);
  return { version, minutes: { ...hour.minutes, ...Object.fromEntries(marked) } };
}

const DIMENSION_NAMES = new Set<string>(DIMENSIONS);

/** Key and value of a row's message: JSON, without dimensions and figures that the row has none of. */
export function messageOf(topic: string, row: MinuteRow, revision: number): { key: string; value: string } {
  const { minute, ...rest } = row;
  const present = Object.entries(rest).filter(([name, value]) =>
    value !== null && value !== "" && !isEmptyMeasure(name, value)
  );
  const dimensions = Object.fromEntries(present.filter(([name]) => DIMENSION_NAMES.has(name)));
  const figures = Object.fromEntries(present.filter(([name]) => !DIMENSION_NAMES.has(name)));
  const at = new Date(minute).toISOString();
  return {
    key: JSON.stringify({ minute: at, ...dimensions }),
    value: JSON.stringify({ topic, minute: at, revision, ...dimensions, ...figures }),
  };
}

const isEmptyMeasure = (name: string, value: string | number | null): boolean => name.endsWith("_count") && value === 0;

/** What is known of a partition's progress. */
export interface Progress {
  readonly watermarkMs: number | null;
  /** True where it has had nothing to read for long: it holds nothing back. */
  readonly isIdle: boolean;
}

/**
 * The first minute that is not final yet: those before it end before the watermark of every partition that is not idle.
 * Null where that cannot be said; Infinity where all are idle, so that what is there is all there is.
 */
export function finalUntil(partitions: readonly Progress[]): number | null {
  let earliest = Infinity;
  for (const { watermarkMs, isIdle } of partitions) {
    if (isIdle) continue;
    if (watermarkMs === null) return null;
    earliest = Math.min(earliest, Math.floor(watermarkMs / MINUTE_MS));
  }
  return earliest;
}
