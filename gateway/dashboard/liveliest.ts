/** The topic that somebody who names none wants to see. Pure. */

interface Candidate {
  readonly name: string;
  readonly partitions: readonly { readonly watermark: string | null }[];
  readonly totals: { readonly events: number };
}

/** Topics whose newest events are no further apart than this are all live. */
const LIVE_MS = 5 * 60_000;

/** About the time of a topic's newest event; 0 where it has none. */
export const newestMs = ({ partitions }: Pick<Candidate, "partitions">): number =>
  Math.max(0, ...partitions.map(({ watermark }) => watermark === null ? 0 : Date.parse(watermark)));

/**
 * Of those that are live the one with the most events, so that it is the same from one moment to the next: the newest event
 * of all is now of this topic and now of that.
 */
export function liveliest<Topic extends Candidate>(topics: readonly Topic[]): Topic | undefined {
  const latestMs = Math.max(0, ...topics.map(newestMs));
  return topics.filter((topic) => newestMs(topic) >= latestMs - LIVE_MS)
    .toSorted((a, b) => b.totals.events - a.totals.events || (a.name < b.name ? -1 : 1))[0];
}
