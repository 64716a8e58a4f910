/** One chart over time: cursors of all charts move together; a text and a table say what it shows. */
import { h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number | null])[];
  /** Property of the page's style with its colour, where what it stands for has one. */
  readonly colour?: string;
}

export interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly write: (value: number) => string;
  /** Told of a stretch of time, epoch milliseconds, that was dragged over. */
  readonly onRange: (fromMs: number, toMs: number) => void;
}

/** Properties of the page's style that tell lines apart, with a dash for who cannot see colours. */
const STROKES: readonly { readonly colour: string; readonly dash: number[] }[] = [
  { colour: "--accent", dash: [] },
  { colour: "--second", dash: [6, 3] },
  { colour: "--third", dash: [2, 2] },
  { colour: "--soft", dash: [8, 3, 2, 3] },
  { colour: "--second", dash: [] },
  { colour: "--third", dash: [10, 4] },
];
const HEIGHT = 150;
/** Pixels below which a drag is a click. */
const DRAG_MIN = 5;
/** Rows of the table twin; the export has them all. */
const ROWS_MAX = 200;

export function Chart(props: ChartProps) {
  const { title, lines, write } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const names = lines.map(({ name }) => name).join();
  useEffect(() => {
    const parent = place.current;
    if (parent === null || names === "") return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = makePlot(parent, latest);
    };
    draw();
    dark.addEventListener("change", draw);
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: parent.clientWidth, height: HEIGHT }));
    resized.observe(parent);
    return () => {
      dark.removeEventListener("change", draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names]);
  // In place, so that neither the cursor nor a drag under way is lost.
  useEffect(() => plot.current?.setData(dataOf(lines)), [lines]);
  const said = lines.map(({ name, points }) => {
    const values = points.flatMap(([, value]) => value === null ? [] : [value]);
    const last = values.at(-1);
    if (last === undefined) return `${name}: no values`;
    return `${name}: last ${write(last)}, at most ${write(Math.max(...values))}`;
  }).join("; ");
  return h(
    "figure",
    { class: "panel" },
    h("h2", null, title),
    h("div", { ref: place, "aria-hidden": "true" }),
    h("figcaption", null, said === "" ? "Nothing in this range." : said),
    h(Twin, { title, lines, write }),
  );
}

/** The same values as a table. */
function Twin({ title, lines, write }: Pick<ChartProps, "title" | "lines" | "write">) {
  const times = (lines[0]?.points ?? []).map(([ms]) => ms);
  const from = Math.max(0, times.length - ROWS_MAX);
  const rows = times.slice(from).map((ms, i) => [
    new Date(ms).toLocaleString(),
    ...lines.map(({ points }) => {
      const value = points[from + i]?.[1] ?? null;
      return value === null ? "–" : write(value);
    }),
  ]).reverse();
  return h(
    "details",
    null,
    h("summary", null, from > 0 ? `Newest ${ROWS_MAX} values as a table` : "As a table"),
    h(
      "div",
      { class: "scroll", tabIndex: 0, role: "region", "aria-label": `${title}: values` },
      h(
        "table",
        null,
        h(
          "thead",
          null,
          h("tr", null, ["time", ...lines.map(({ name }) => name)].map((name) => h("th", { scope: "col" }, name))),
        ),
        h("tbody", null, rows.map((row) => h("tr", { key: row[0] }, row.map((cell) => h("td", null, cell))))),
      ),
    ),
  );
}

const dataOf = (lines: readonly Line[]): uPlot.AlignedData => [
  (lines[0]?.points ?? []).map(([ms]) => ms / 1000),
  ...lines.map(({ points }) => points.map(([, value]) => value)),
];

const DAY_SECONDS = 86_400;
const two = (n: number): string => String(n).padStart(2, "0");
/** In the browser's own zone, as the table twin has them. */
const timeOf = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  return `${two(time.getHours())}:${two(time.getMinutes())}`;
};
const dayOf = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  return `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
};

/** A tick's text: the day where it is another one than the tick's before, else the time. */
function tickOf(seconds: number, ticks: readonly number[]): string {
  const before = ticks[ticks.indexOf(seconds) - 1];
  const isWide = ticks.length > 1 && ticks[1] - ticks[0] >= DAY_SECONDS;
  const isNewDay = before !== undefined && dayOf(before) !== dayOf(seconds);
  return isWide || isNewDay ? dayOf(seconds) : timeOf(seconds);
}

/** Places of values without a neighbour. */
function loneValues(values: ArrayLike<number | null | undefined>): number[] {
  const isThere = (at: number) => (values[at] ?? null) !== null;
  return Array.from(values, (_, at) => at).filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

function makePlot(parent: HTMLElement, latest: { readonly current: ChartProps }): uPlot {
  const colour = (name: string) => getComputedStyle(parent).getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const write = (value: number) => latest.current.write(value);
  return new uPlot(
    {
      width: parent.clientWidth,
      height: HEIGHT,
      cursor: { sync: { key: "overview", scales: ["x", null] }, drag: { x: true, y: false, setScale: false } },
      // A line of zeros has no extent of its own: without one the axis would run to a hundredfold.
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
      axes: [{ ...axis, space: 70, values: (_, ticks) => ticks.map((seconds) => tickOf(seconds, ticks)) }, {
        ...axis,
        size: 60,
        values: (_, ticks) => ticks.map(write),
      }],
      series: [
        { label: "time", value: (_, seconds) => seconds === null ? "–" : `${dayOf(seconds)} ${timeOf(seconds)}` },
        ...latest.current.lines.map(({ name, colour: given }, i) => {
          const { colour: own, dash } = STROKES[i % STROKES.length];
          return {
            label: name,
            stroke: colour(given ?? own),
            dash,
            value: (_: uPlot, value: number | null) => value === null ? "–" : write(value),
            // A value between two that are missing is no line: without its point it would not be seen.
            points: { show: true, size: 5, filter: (plot: uPlot, series: number) => loneValues(plot.data[series]) },
          };
        }),
      ],
      hooks: {
        setSelect: [(plot) => {
          const { left, width } = plot.select;
          if (width < DRAG_MIN) return;
          const at = (x: number) => Math.round(plot.posToVal(x, "x") * 1000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onRange(at(left), at(left + width));
        }],
      },
    },
    dataOf(latest.current.lines),
    parent,
  );
}
