/** What was observed against what would have been normal, as a bar beside the words that say the same. */
import { h } from "preact";
import type { AlertFigures } from "./alerts_api.ts";

const [WIDTH, HEIGHT] = [112, 18];

/** Null where there is nothing to compare. */
export function Bullet({ figures }: { readonly figures: AlertFigures }) {
  const { observed, expected, low, high } = figures;
  if (observed === null || (low === null && high === null)) return null;
  const known = [observed, expected, low, high].filter((value) => value !== null);
  const top = Math.max(...known, 1e-12) * 1.12;
  const x = (value: number) => Math.min(WIDTH, Math.max(0, value / top * WIDTH));
  const [from, to] = [low === null ? 0 : x(low), high === null ? WIDTH : x(high)];
  return h(
    "svg",
    { class: "bullet", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, "aria-hidden": "true" },
    h("rect", { class: "track", x: 0, y: 5, width: WIDTH, height: 8, rx: 2 }),
    h("rect", { class: "band", x: from, y: 5, width: Math.max(2, to - from), height: 8, rx: 2 }),
    h("rect", { class: "bar", x: 0, y: 7.5, width: Math.max(1, x(observed)), height: 3 }),
    expected !== null && h("rect", { class: "expected", x: x(expected) - 0.5, y: 3, width: 1, height: 12 }),
    h("path", { class: "observed", d: `M${x(observed)} 1.5l4 7.5-4 7.5-4-7.5z` }),
  );
}
