/** The lag of a topic since the page was opened, as a small line. */
import { h } from "preact";

export interface LagPoint {
  readonly atMs: number;
  readonly seconds: number;
  readonly records: number;
}

const [WIDTH, HEIGHT] = [96, 20];

export function LagTrend({ points }: { readonly points: readonly LagPoint[] }) {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const highest = Math.max(1, ...points.map(({ records }) => records));
  const length = Math.max(1, last.atMs - first.atMs);
  const line = points.map(({ atMs, records }) =>
    `${((atMs - first.atMs) / length * WIDTH).toFixed(1)},${(HEIGHT - 1 - records / highest * (HEIGHT - 2)).toFixed(1)}`
  ).join(" ");
  const said = last.records > 2 * first.records + 100
    ? "growing"
    : first.records > 2 * last.records + 100
    ? "shrinking"
    : "steady";
  return h(
    "svg",
    { class: "trend", width: WIDTH, height: HEIGHT, role: "img", "aria-label": `lag is ${said}` },
    h(
      "title",
      null,
      `lag is ${said}: ${last.records.toLocaleString("en")} records, at most ${highest.toLocaleString("en")}`,
    ),
    h("polyline", { points: line, fill: "none" }),
  );
}
