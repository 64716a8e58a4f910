/** Pages of records, newest first, from hours that have to be fetched: no more of them than the page needs. Pure. */
import type { TimeRange } from "./ports.ts";

const HOUR_MS = 3_600_000;
/** Hours that are looked through first; then so many times as many. */
const FIRST_HOURS = 1;
const GROWTH = 4;

/** A page that was asked for: at most `limit` records, and no more once they have `bytesMax` bytes together. */
export interface NewestQuery {
  readonly range: TimeRange;
  readonly limit: number;
  readonly bytesMax?: number;
}

/** The range without what is newer than the position that a page begins after. */
export function rangeBefore({ fromMs, toMs }: TimeRange, afterMs: number | undefined): TimeRange {
  // The position itself may be within its millisecond.
  return { fromMs, toMs: afterMs === undefined ? toMs : Math.min(toMs, Math.floor(afterMs) + 1) };
}

/**
 * Reads a page of ever longer ranges that end where the query's does, until it is full. `buckets` are the hours, since
 * 1970, that may have records of the range, in any order, again and again if need be; `read` answers a page of a range.
 */
export async function readNewest<T extends { readonly raw: Uint8Array }>(
  buckets: readonly number[],
  query: NewestQuery,
  read: (range: TimeRange) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const { fromMs, toMs } = query.range;
  const newest = [...new Set(buckets)].sort((a, b) => b - a);
  for (let hours = FIRST_HOURS;; hours *= GROWTH) {
    if (hours >= newest.length) return await read(query.range);
    const page = await read({ fromMs: Math.max(fromMs, newest[hours - 1] * HOUR_MS), toMs });
    if (isFull(page, query)) return page;
  }
}

function isFull(page: readonly { readonly raw: Uint8Array }[], { limit, bytesMax = Infinity }: NewestQuery): boolean {
  return page.length >= limit || page.reduce((sum, { raw }) => sum + raw.length, 0) >= bytesMax;
}
