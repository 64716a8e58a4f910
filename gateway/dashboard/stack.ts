/** Lines on top of each other: sums from below. Pure. */
import type { Line } from "./chart.ts";

/** Of each line, itself and all before it together; null where nothing is there yet. The first is the lowest. */
export function stacked(lines: readonly Line[]): (number | null)[][] {
  const length = Math.max(0, ...lines.map(({ points }) => points.length));
  const below: (number | null)[] = Array(length).fill(null);
  return lines.map(({ points }) => {
    points.forEach(([, value], i) => {
      if (value !== null) below[i] = (below[i] ?? 0) + value;
    });
    return [...below];
  });
}
