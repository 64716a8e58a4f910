/**
 * One chart over time. The cursors of all charts move together, by pointer or by arrow keys; a text and a table say what it
 * shows.
 */
import { type ComponentChildren, h } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { announce } from "./announcer.ts";
import { MarkList, marksAt, MarkTip, saidOf, titleOf } from "./chart_marks.ts";
import { membersOf } from "./mark_groups.ts";
import { dataOf, makePlot, moveCursors, resizePlot, strokeOf } from "./plot.ts";
import { useSettings } from "./settings.ts";
import { minuteOf, stampOf } from "./times.ts";

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number | null])[];
  /** Property of the page's style with its colour, where what it stands for has one. */
  readonly colour?: string;
}

/** A stretch of time that is marked on charts: an incident, an alert, minutes that are not final. */
export interface Mark {
  readonly fromMs: number;
  /** Where it is not over: the end of what is shown, or later. */
  readonly toMs: number;
  readonly kind: "open" | "alert" | "incident";
  /** Whether it has come to its end within what is known. */
  readonly isOver?: boolean;
  readonly label: string;
  /** Where there is more about it. */
  readonly href?: string;
  /** Those that it stands for, the latest first: they are too close to be told apart. */
  readonly members?: readonly Mark[];
}

export interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly write: (value: number) => string;
  /** What the axis of time shows, epoch milliseconds. */
  readonly range: { readonly fromMs: number; readonly toMs: number };
  /** `stack`: bars on top of each other, the first line lowest. */
  readonly kind?: "lines" | "stack";
  readonly marks?: readonly Mark[];
  /** Whether the marks are listed with their links: once a page is enough. */
  readonly hasMarkList?: boolean;
  /** A value that should not be passed. */
  readonly limit?: { readonly value: number; readonly label: string };
  /** Values on the axis are no closer than this, which is what `write` tells apart. */
  readonly leastStep?: number;
  /** What the legend has for a line's name, in place of the name. */
  readonly nameOf?: (line: Line) => ComponentChildren;
  /** Told of a stretch of time, epoch milliseconds, that was dragged over, or of the step that was entered. */
  readonly onRange: (fromMs: number, toMs: number) => void;
}

/** Rows of the table twin; the export has them all. */
const ROWS_MAX = 200;
const FAR_STEPS = 10;
const DAY_MS = 86_400_000;

export function Chart(props: ChartProps) {
  const { title, lines, marks = [], limit } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const { theme, timeZone } = useSettings();
  const names = lines.map(({ name }) => name).join();
  useEffect(() => {
    const parent = place.current;
    if (parent === null || names === "") return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = makePlot(parent, latest, setCursor);
    };
    draw();
    dark.addEventListener("change", draw);
    const resized = new ResizeObserver(() => plot.current !== null && resizePlot(plot.current, parent));
    resized.observe(parent);
    return () => {
      dark.removeEventListener("change", draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names, theme, timeZone]);
  // In place, so that neither the cursor nor a drag under way is lost.
  useEffect(() => plot.current?.setData(dataOf(latest.current)), [lines, marks, limit?.value]);
  // Not with each move of the cursor.
  const summary = useMemo(() => summaryOf(props), [lines, marks, title, limit?.value, timeZone]);
  const ms = cursor === null ? undefined : lines[0]?.points[cursor]?.[0];
  return h(
    "figure",
    { class: "chart" },
    h(Legend, { ...props, cursor }),
    h(
      "div",
      {
        class: "plot",
        tabIndex: 0,
        role: "group",
        "aria-label": `${title}. ${summary} Arrow keys read values, Enter narrows to one.`,
        onKeyDown: (event: KeyboardEvent) => moveCursor(event, plot.current, latest.current),
        onBlur: () => moveCursors(null),
      },
      h("div", { ref: place, "aria-hidden": "true" }),
      lines.every(({ points }) => extentOf(points) === null) &&
        h("p", { class: "no-values", "aria-hidden": "true" }, "Nothing in this range."),
      ms !== undefined && place.current?.matches(":hover") === true && h(MarkTip, { marks, ms, range: props.range }),
    ),
    h("figcaption", { class: "unseen" }, summary),
    props.hasMarkList === true && h(MarkList, { marks }),
    h(Twin, props),
  );
}

/** What it shows, in a sentence. */
function summaryOf({ lines, write, limit, marks = [] }: ChartProps): string {
  const extents = lines.map(({ points }) => extentOf(points));
  if (extents.every((extent) => extent === null)) return "Nothing in this range.";
  const said = extents.map((extent, n) => {
    const { name } = lines[n];
    return extent === null ? `${name}: no values` : `${name}: last ${write(extent.last)}, at most ${write(extent.max)}`;
  }).join("; ");
  const limited = limit === undefined ? "" : ` ${limit.label}: ${write(limit.value)}.`;
  return `${said}.${limited}${marks.map((mark) => ` ${saidOf(mark)}.`).join("")}`;
}

/** The last value and the highest one; null where there is none. By index, and with no array made: it is asked of all lines. */
function extentOf(points: Line["points"]): { readonly last: number; readonly max: number } | null {
  let last: number | null = null;
  let max = -Infinity;
  for (let at = 0; at < points.length; at++) {
    const value = points[at][1];
    if (value === null) continue;
    last = value;
    if (value > max) max = value;
  }
  return last === null ? null : { last, max };
}

function moveCursor(
  event: KeyboardEvent,
  plot: uPlot | null,
  { lines, write, range, onRange, marks }: ChartProps,
): void {
  const points = lines[0]?.points ?? [];
  if (plot === null || points.length === 0) return;
  const at = plot.cursor.idx ?? null;
  const last = points.length - 1;
  const steps = event.shiftKey ? FAR_STEPS : 1;
  const target: Readonly<Record<string, number>> = {
    ArrowLeft: at === null ? last : Math.max(0, at - steps),
    ArrowRight: at === null ? last : Math.min(last, at + steps),
    Home: 0,
    End: last,
  };
  if (event.key === "Enter" && at !== null) {
    const ms = points[at][0];
    return onRange(ms, Math.min(range.toMs, points[at + 1]?.[0] ?? range.toMs));
  }
  const index = target[event.key];
  if (index === undefined) return;
  event.preventDefault();
  const ms = points[index][0];
  moveCursors(ms);
  const values = lines.map(({ name, points }) => `${name} ${written(points[index]?.[1], write)}`);
  const told = marksAt(marks, ms, points[index + 1]?.[0] ?? range.toMs).map((mark) => `; ${saidOf(mark)}`);
  const when = range.toMs - range.fromMs > DAY_MS ? stampOf(ms).slice(0, -3) : minuteOf(ms);
  announce(`${when}: ${values.join(", ")}${told.join("")}`);
}

const written = (value: number | null | undefined, write: (value: number) => string): string =>
  (value ?? null) === null ? "no value" : write(value ?? 0);

/** Names of the lines with the values at the cursor; else with the last ones, or of bars, which add up, with all together. */
function Legend(
  { lines, write, kind = "lines", limit, nameOf, cursor }: ChartProps & { readonly cursor: number | null },
) {
  const ms = cursor === null ? undefined : lines[0]?.points[cursor]?.[0];
  const isStack = kind === "stack";
  return h(
    "ul",
    { class: "legend" },
    lines.map((line, n) => {
      const value = cursor === null ? overall(line, isStack) : line.points[cursor]?.[1];
      return h("li", { key: line.name }, [
        h(Swatch, { line, n, isBar: isStack }),
        nameOf?.(line) ?? line.name,
        h("b", null, (value ?? null) === null ? "–" : write(value ?? 0)),
      ]);
    }),
    limit !== undefined && h("li", { class: "limit" }, `${limit.label} ${write(limit.value)}`),
    h("li", { class: "when" }, ms !== undefined ? stampOf(ms).slice(0, -3) : isStack ? "in this range" : "latest"),
  );
}

function overall({ points }: Line, isStack: boolean): number | null | undefined {
  if (isStack) return points.reduce((sum, point) => sum + (point[1] ?? 0), 0);
  return points.findLast((point) => point[1] !== null)?.[1];
}

function Swatch({ line, n, isBar }: { readonly line: Line; readonly n: number; readonly isBar: boolean }) {
  const { colour, dash } = strokeOf(line, n);
  const style = { "--swatch": `var(${colour})` };
  return h(
    "svg",
    { class: "swatch", width: 16, height: 10, "aria-hidden": "true", style },
    isBar
      ? h("rect", { x: 3, y: 0, width: 10, height: 10, rx: 2 })
      : h("line", { x1: 0, y1: 5, x2: 16, y2: 5, "stroke-dasharray": dash.join(" ") }),
  );
}

/** The same values as a table. */
function Twin(
  { title, lines, write, range, marks }: Pick<ChartProps, "title" | "lines" | "write" | "range" | "marks">,
) {
  const [isOpen, setOpen] = useState(false);
  const times = (lines[0]?.points ?? []).map(([ms]) => ms);
  const from = Math.max(0, times.length - ROWS_MAX);
  const isMarked = marksAt(marks, range.fromMs, range.toMs).length > 0;
  const told = (at: number) => marksAt(marks?.flatMap(membersOf), times[at], times[at + 1] ?? range.toMs).map(titleOf);
  const rows = () =>
    times.slice(from).map((ms, i) => [
      stampOf(ms),
      ...lines.map(({ points }) => {
        const value = points[from + i]?.[1] ?? null;
        return value === null ? "–" : write(value);
      }),
      ...isMarked ? [told(from + i).join("; ")] : [],
    ]).reverse();
  const heads = ["time", ...lines.map(({ name }) => name), ...isMarked ? ["alerts and incidents"] : []];
  return h(
    "details",
    { class: "twin", onToggle: (event: { currentTarget: HTMLDetailsElement }) => setOpen(event.currentTarget.open) },
    h("summary", null, from > 0 ? `Newest ${ROWS_MAX} values as a table` : "As a table"),
    isOpen && h(
      "div",
      { class: "scroll", tabIndex: 0, role: "region", "aria-label": `${title}: values` },
      h(
        "table",
        null,
        h(
          "thead",
          null,
          h("tr", null, heads.map((name) => h("th", { scope: "col" }, name))),
        ),
        h("tbody", null, rows().map((row) => h("tr", { key: row[0] }, row.map((cell) => h("td", null, cell))))),
      ),
    ),
  );
}
