/** The drawing of a chart: uPlot, in the colours of the page, with what stands for stretches of time behind the lines. */
import uPlot from "uplot";
import type { ChartProps, Line, Mark } from "./chart.ts";
import { stacked } from "./stack.ts";
import { dayOf, isOwnZone, minuteOf, zoneName } from "./times.ts";

/** Properties of the page's style that tell lines apart, with a dash for who cannot see colours. */
const STROKES: readonly { readonly colour: string; readonly dash: readonly number[] }[] = [
  { colour: "--accent", dash: [] },
  { colour: "--second", dash: [6, 3] },
  { colour: "--third", dash: [2, 2] },
  { colour: "--soft", dash: [8, 3, 2, 3] },
  { colour: "--second", dash: [] },
  { colour: "--third", dash: [10, 4] },
];
const HEIGHT = 148;
/** Charts of this key move their cursors together. */
const SYNC_KEY = "overview";
/** Pixels below which a drag is a click. */
const DRAG_MIN = 5;
/** Height of the bars that mark stretches of time. */
const MARK_PX = 4;
/** How much of its colour a stretch of time has. */
const SHADE = 0.08;
const DAY_SECONDS = 86_400;

/** How the n-th line of a chart is drawn. */
export function strokeOf({ colour }: Line, n: number): { readonly colour: string; readonly dash: readonly number[] } {
  const own = STROKES[n % STROKES.length];
  return { colour: colour ?? own.colour, dash: own.dash };
}

/** Told where the cursor is, as an index into the points; null where it is nowhere. */
export type CursorMove = (index: number | null) => void;

/** What is drawn with, asked of the page's style once a chart. */
interface Brush {
  readonly colour: (name: string) => string;
  readonly font: string;
}

export function makePlot(
  parent: HTMLElement,
  latest: { readonly current: ChartProps },
  onCursor: CursorMove,
): uPlot {
  const style = getComputedStyle(parent);
  const known = new Map<string, string>();
  const colour = (name: string) => {
    let value = known.get(name);
    if (value === undefined) {
      // As the colour of an element: a property alone is the text of both schemes.
      parent.style.color = `var(${name})`;
      value = style.color;
      known.set(name, value);
    }
    return value;
  };
  const { lines, kind = "lines" } = latest.current;
  const family = getComputedStyle(document.body).fontFamily;
  const brush: Brush = { colour, font: `bold ${11 * devicePixelRatio}px ${family}` };
  const axis = {
    stroke: colour("--soft"),
    font: `11px ${family}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return new uPlot(
    {
      width: parent.clientWidth,
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      // Dates of another zone are made by way of text, which is slow.
      tzDate: (seconds) => {
        const date = new Date(seconds * 1000);
        return isOwnZone() ? date : uPlot.tzDate(date, zoneName());
      },
      cursor: {
        y: false, // values are in the legend
        sync: { key: SYNC_KEY, scales: ["x", null] },
        drag: { x: true, y: false, setScale: false },
        points: { show: kind === "lines" },
      },
      scales: {
        x: { range: () => [latest.current.range.fromMs / 1000, latest.current.range.toMs / 1000] },
        // A line of zeros has no extent of its own: without one the axis would run to a hundredfold.
        y: { range: (_, __, max) => [0, topOf(max, latest.current)] },
      },
      axes: [
        { ...axis, size: 24, space: 64, values: (_, ticks) => ticks.map((seconds) => tickOf(seconds, ticks)) },
        {
          ...axis,
          size: 56,
          space: 26,
          incrs: stepsFrom(latest.current.leastStep ?? 0.1),
          values: (_, ticks) => ticks.map((value) => latest.current.write(value)),
        },
      ],
      series: [{}, ...kind === "stack" ? bars(lines, colour) : strokes(lines, colour)],
      hooks: {
        drawClear: [(plot) => drawMarks(plot, latest.current, brush)],
        draw: [
          (plot) => drawLimit(plot, latest.current, colour),
          (plot) => drawAlerts(plot, latest.current, brush),
        ],
        setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)],
        setSelect: [(plot) => {
          const { left, width } = plot.select;
          if (width < DRAG_MIN) return;
          const at = (x: number) => Math.round(plot.posToVal(x, "x") * 1000);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onRange(at(left), at(left + width));
        }],
      },
    },
    dataOf(latest.current),
    parent,
  );
}

export const resizePlot = (plot: uPlot, parent: HTMLElement): void =>
  plot.setSize({ width: parent.clientWidth, height: HEIGHT });

/** Moves the cursors of all charts to a time; null: nowhere. */
export function moveCursors(ms: number | null): void {
  for (const plot of uPlot.sync(SYNC_KEY).plots) {
    const [left, top] = ms === null ? [-10, -10] : [plot.valToPos(ms / 1000, "x"), plot.over.clientHeight / 2];
    plot.setCursor({ left, top });
  }
}

/** Steps of an axis, from the least that is written: 1, 2 and 5, and all that is ten times as much. */
const stepsFrom = (least: number): number[] =>
  Array.from({ length: 17 }, (_, power) => [1, 2, 5].map((digit) => digit * least * 10 ** power)).flat();

/** Room for the limit as well, where it is not far above all values. */
function topOf(max: number, { limit }: ChartProps): number {
  const highest = limit !== undefined && limit.value < 4 * max ? Math.max(max, limit.value) : max;
  return highest > 0 ? highest * 1.1 : 1;
}

function strokes(lines: readonly Line[], colour: (name: string) => string): uPlot.Series[] {
  return lines.map((line, n) => {
    const { colour: name, dash } = strokeOf(line, n);
    return {
      label: line.name,
      stroke: colour(name),
      width: 1.5,
      dash: [...dash],
      // A value between two that are missing is no line: without its point it would not be seen.
      points: { show: true, size: 5, filter: (plot: uPlot, series: number) => loneValues(plot.data[series]) },
    };
  });
}

/** Bars on top of each other: drawn from the highest sum down, so that each leaves to see what it adds. */
function bars(lines: readonly Line[], colour: (name: string) => string): uPlot.Series[] {
  const paths = uPlot.paths.bars?.({ size: [0.82, Infinity, 1], align: 1 });
  return lines.map((line, n) => ({
    label: line.name,
    fill: colour(strokeOf(line, n).colour),
    width: 0,
    paths,
    points: { show: false },
  })).reverse();
}

export function dataOf({ lines, kind = "lines" }: ChartProps): uPlot.AlignedData {
  const times = (lines[0]?.points ?? []).map((point) => point[0] / 1000);
  if (kind === "stack") return [times, ...stacked(lines).reverse()];
  return [times, ...lines.map(valuesOf)];
}

/** By index: tens of thousands of pairs that are taken apart by iterators are a good part of an update's time. */
function valuesOf({ points }: Line): (number | null)[] {
  const values: (number | null)[] = Array(points.length);
  for (let at = 0; at < values.length; at++) values[at] = points[at][1];
  return values;
}

/** Where an alert begins or ends: a triangle that stands on its bar's end, filled where it fired, hollow where it was over. */
function drawFlag(ctx: CanvasRenderingContext2D, x: number, y: number, isFilled: boolean): void {
  const size = 5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x - size, y);
  ctx.lineTo(x + size, y);
  ctx.lineTo(x, y + 1.7 * size);
  ctx.closePath();
  if (isFilled) return ctx.fill();
  ctx.lineWidth = 1.3 * devicePixelRatio;
  ctx.stroke();
}

/** How many a mark stands for, beside where they begin. */
function drawCount(
  ctx: CanvasRenderingContext2D,
  { members }: Mark,
  x: number,
  y: number,
  { align, ground }: { readonly align: CanvasTextAlign; readonly ground: string },
): void {
  if (members === undefined) return;
  ctx.textAlign = align;
  ctx.textBaseline = "top";
  // Over lines of the grid it is read as well.
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.strokeStyle = ground;
  ctx.strokeText(String(members.length), x, y + 2 * devicePixelRatio);
  ctx.fillText(String(members.length), x, y + 2 * devicePixelRatio);
}

/** Stretches of time: what is not final, and alerts, as a shade; incidents as bars along the top, with a line where one began. */
function drawMarks(plot: uPlot, { marks = [], hasMarkList = false }: ChartProps, { colour, font }: Brush): void {
  const { ctx, bbox } = plot;
  const [left, right] = [bbox.left, bbox.left + bbox.width];
  ctx.save();
  ctx.font = font;
  for (const mark of marks) {
    const at = (ms: number) => Math.min(right, Math.max(left, plot.valToPos(ms / 1000, "x", true)));
    const [from, to] = [at(mark.fromMs), at(mark.toMs)];
    ctx.fillStyle = colour(markColour(mark));
    if (mark.kind !== "incident") {
      ctx.globalAlpha = SHADE;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      continue; // the ends of alerts are drawn over the lines
    }
    ctx.globalAlpha = 1;
    ctx.fillRect(from, bbox.top, Math.max(3, to - from), MARK_PX * devicePixelRatio);
    if (from <= left || from >= right) continue;
    ctx.fillRect(from, bbox.top, devicePixelRatio, bbox.height);
    // Once a page is enough: small charts have no room for it.
    if (hasMarkList) {
      drawCount(ctx, mark, from - 4 * devicePixelRatio, bbox.top + MARK_PX * devicePixelRatio, {
        align: "right",
        ground: colour("--card"),
      });
    }
  }
  ctx.restore();
}

/** Alerts: a bar below those of incidents, and dashed lines with a flag each where it fired and where it was over. */
function drawAlerts(plot: uPlot, { marks = [], hasMarkList = false }: ChartProps, { colour, font }: Brush): void {
  const { ctx, bbox } = plot;
  const [left, right] = [bbox.left, bbox.left + bbox.width];
  const top = bbox.top + (MARK_PX + 2) * devicePixelRatio;
  ctx.save();
  ctx.font = font;
  for (const mark of marks) {
    if (mark.kind !== "alert") continue;
    const at = (ms: number) => Math.min(right, Math.max(left, plot.valToPos(ms / 1000, "x", true)));
    const [from, to] = [at(mark.fromMs), at(mark.toMs)];
    ctx.fillStyle = ctx.strokeStyle = colour(markColour(mark));
    ctx.fillRect(from, top, Math.max(3, to - from), 2 * devicePixelRatio);
    const ends = [
      { x: from, isStart: true, isShown: from > left },
      { x: to, isStart: false, isShown: mark.isOver === true && to < right },
    ];
    for (const { x, isStart } of ends.filter(({ isShown }) => isShown)) {
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      drawFlag(ctx, x, top, isStart);
    }
    if (hasMarkList && from > left) {
      drawCount(ctx, mark, from + 7 * devicePixelRatio, top, { align: "left", ground: colour("--card") });
    }
  }
  ctx.restore();
}

const MARK_COLOURS: Readonly<Record<string, string>> = { open: "--soft", alert: "--second", incident: "--alarm" };
export const markColour = ({ kind }: Mark): string => MARK_COLOURS[kind] ?? "--third";

function drawLimit(plot: uPlot, { limit }: ChartProps, colour: (name: string) => string): void {
  const max = plot.scales.y.max ?? 0;
  if (limit === undefined || limit.value > max) return;
  const { ctx, bbox } = plot;
  const y = plot.valToPos(limit.value, "y", true);
  ctx.save();
  ctx.strokeStyle = colour("--alarm");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** A tick's text: the day where it is another one than the tick's before, else the time. */
function tickOf(seconds: number, ticks: readonly number[]): string {
  const before = ticks[ticks.indexOf(seconds) - 1];
  const isWide = ticks.length > 1 && ticks[1] - ticks[0] >= DAY_SECONDS;
  const isNewDay = before !== undefined && dayOf(before * 1000) !== dayOf(seconds * 1000);
  return isWide || isNewDay ? dayOf(seconds * 1000).slice(5) : minuteOf(seconds * 1000);
}

/** Places of values without a neighbour. Asked of each line each time that it is drawn. */
function loneValues(values: ArrayLike<number | null | undefined>): number[] {
  const lone: number[] = [];
  let isBefore = false;
  let isHere = values.length > 0 && (values[0] ?? null) !== null;
  for (let at = 0; at < values.length; at++) {
    const isAfter = at + 1 < values.length && (values[at + 1] ?? null) !== null;
    if (isHere && !isBefore && !isAfter) lone.push(at);
    isBefore = isHere;
    isHere = isAfter;
  }
  return lone;
}
