/** How a topic's records flow, from what was seen of it while the page was open. Pure. */

export interface FlowPoint {
  readonly atMs: number;
  /** Records that are stored. */
  readonly stored: number;
  readonly lagRecords: number;
  readonly lagSeconds: number;
}

/** Points that are kept, and over how long a rate is taken. */
const KEPT = 90;
const RATE_MS = 15_000;

/** The points with one more; a topic that was made anew begins anew. */
export function withPoint(points: readonly FlowPoint[], point: FlowPoint): readonly FlowPoint[] {
  const last = points.at(-1);
  if (last !== undefined && point.stored < last.stored) return [point];
  return [...points, point].slice(-KEPT);
}

/** Records stored a second, lately; null where too little was seen. */
export function rateOf(points: readonly FlowPoint[]): number | null {
  const last = points.at(-1);
  const first = points.find(({ atMs }) => last !== undefined && last.atMs - atMs <= RATE_MS);
  if (first === undefined || last === undefined || last.atMs - first.atMs < 1000) return null;
  return (last.stored - first.stored) / (last.atMs - first.atMs) * 1000;
}

/** Between neighbours, records a second. */
export function ratesOf(points: readonly FlowPoint[]): number[] {
  return points.slice(1).map(({ atMs, stored }, i) =>
    (stored - points[i].stored) / Math.max(1, atMs - points[i].atMs) * 1000
  );
}

/** Whether what waits grows: some more than noise. */
export function lagTrend(points: readonly Pick<FlowPoint, "lagRecords">[]): "growing" | "shrinking" | "steady" {
  const [first, last] = [points[0]?.lagRecords ?? 0, points.at(-1)?.lagRecords ?? 0];
  if (last > 2 * first + 100) return "growing";
  return first > 2 * last + 100 ? "shrinking" : "steady";
}
