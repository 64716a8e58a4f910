/// <reference lib="dom" />
/** One chart over time: cursors of all charts move together, and a text says what it shows. */
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number | null])[];
}

const COLOURS = ["--accent", "--second", "--third"];
const HEIGHT = 150;

export function Chart({ title, lines, write }: {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly write: (value: number) => string;
}) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const parent = place.current;
    if (parent === null || lines.length === 0) return;
    const colour = (name: string) => getComputedStyle(parent).getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const plot = new uPlot(
      {
        width: parent.clientWidth,
        height: HEIGHT,
        cursor: { sync: { key: "overview" }, drag: { x: false, y: false } },
        // A line of zeros has no extent of its own: without one the axis would run to a hundredfold.
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [axis, { ...axis, size: 60, values: (_, ticks) => ticks.map(write) }],
        series: [
          {},
          ...lines.map(({ name }, i) => ({
            label: name,
            stroke: colour(COLOURS[i % COLOURS.length]),
            value: (_: uPlot, value: number | null) => value === null ? "–" : write(value),
          })),
        ],
      },
      [lines[0].points.map(([ms]) => ms / 1000), ...lines.map(({ points }) => points.map(([, value]) => value))],
      parent,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: parent.clientWidth, height: HEIGHT }));
    resized.observe(parent);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [lines]);
  const said = lines.map(({ name, points }) => {
    const values = points.flatMap(([, value]) => value === null ? [] : [value]);
    return values.length === 0 ? `${name}: no values` : `${name}: at most ${write(Math.max(...values))}`;
  }).join("; ");
  return h("figure", { class: "panel" }, h("h2", null, title), h("div", { ref: place }), h("figcaption", null, said));
}
