/** What bench/dashboard.ts measures in a browser: one chart of many lines, drawn and updated; bundled for that. */
import { h, render } from "preact";
import { Chart } from "../gateway/dashboard/chart.ts";

const LINES = 20;
const POINTS = 1_440;
const STEP_MS = 60_000;
const COLOURS = ["--accent", "--second", "--third", "--soft", "--error", "--warn", "--info", "--debug"];

let round = 0;

/** A day of minutes in as many lines as a chart may have; each round has other values in the last minutes. */
function linesOf(n: number) {
  return Array.from({ length: LINES }, (_, line) => ({
    name: `series ${line}`,
    colour: COLOURS[line % COLOURS.length],
    points: Array.from({ length: POINTS }, (_, i) => {
      const wave = Math.sin((i + line * 37) / 90) + Math.sin((i * (line + 3)) / 11) / 4;
      return [i * STEP_MS, 500 + 200 * wave + (i > POINTS - 5 ? n % 17 : 0)] as const;
    }),
  }));
}

/** Draws the next values; the data is made before, since it comes from the API. */
export function prepared(): () => void {
  const lines = linesOf(round++);
  return () => {
    const root = document.getElementById("root");
    if (root === null) return;
    render(
      h(Chart, {
        title: "Twenty series of a day",
        lines,
        write: (value: number) => value.toFixed(0),
        range: { fromMs: 0, toMs: POINTS * STEP_MS },
        onRange: () => {},
      }),
      root,
    );
  };
}

Object.assign(globalThis, { prepared });
