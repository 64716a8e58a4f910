/** What a view shows, asked of the API. */
import { alertMarks, type Alerts, loadAlerts } from "./alerts_api.ts";
import {
  ask,
  seriesAnswer,
  type Status,
  statusAnswer,
  type Summary,
  summaryAnswer,
  type TopicInfo,
  topicsAnswer,
} from "./api.ts";
import type { Line, Mark } from "./chart.ts";
import { chosenValues, fieldOf } from "./conditions.ts";
import { type AnalyzerStanding, incidentMarks, loadIncidents } from "./incident_marks.ts";
import { liveliest } from "./liveliest.ts";
import { groupMarks } from "./mark_groups.ts";
import { minuteOf } from "./times.ts";
import { endsOf, rangeParameters, type ViewState } from "./url_state.ts";

/** Lines of a chart by value; the rest would not be told apart. */
const VALUES_MAX = 6;
const BREAKDOWN_MAX = 30;
/** From what is large to what is small. */
const WAY = ["service", "endpoint", "event_type", "host", "status"];

/** From the worst on: what is worst lies lowest in a stack, where it is seen. */
const LEVELS: Readonly<Record<string, string>> = {
  FATAL: "--fatal",
  ERROR: "--error",
  WARN: "--warn",
  INFO: "--info",
  DEBUG: "--debug",
  TRACE: "--trace",
  UNPARSED: "--third",
};

export interface Breakdown {
  readonly field: string;
  readonly rows: readonly {
    readonly value: string;
    readonly count: number;
    readonly errors: number;
    readonly points: readonly number[];
  }[];
}

export interface Shown {
  readonly atMs: number;
  readonly topics: readonly TopicInfo[];
  readonly status: Status | null;
  /** Null where nobody can tell. */
  readonly analyzer: AnalyzerStanding | null;
  /** Null where nobody can tell. */
  readonly alerts: Alerts | null;
  /** Absent where there is no topic at all, or none of the wanted name. */
  readonly topic?: TopicInfo;
  /** Absent as long as the figures are not there. */
  readonly summary?: Summary;
  readonly range: { readonly fromMs: number; readonly toMs: number };
  readonly marks: readonly Mark[];
  readonly levels: readonly Line[];
  readonly errorRate: readonly Line[];
  readonly latency: readonly Line[];
  readonly unit: string;
  /** Length of a point, as the API writes it. */
  readonly step: string;
  readonly breakdown: Breakdown | null;
}

/** Parameters of a topic in a view's range. */
export function parametersOf(view: ViewState, topic: Pick<TopicInfo, "name">): [string, string][] {
  const { from, to } = rangeParameters(view.range);
  return [["topic", topic.name], ["from", from], ["to", to]];
}

/** Conditions that minutes know; those on other fields hold for events alone. */
export function minuteConditions(view: ViewState, topic: TopicInfo): [string, string][] {
  return view.where.filter((condition) => topic.dimensions.includes(fieldOf(condition)))
    .map((condition) => ["where", condition]);
}

/** What events are broken down by: what the view says, or the first of the usual way that it is not narrowed to yet. */
export function breakdownField({ by, where }: ViewState, { dimensions }: TopicInfo): string | undefined {
  if (dimensions.includes(by)) return by;
  const useful = [...new Set([...WAY, ...dimensions])].filter((name) => name !== "level" && dimensions.includes(name));
  return useful.find((name) => chosenValues(where, name) === null) ?? useful[0];
}

/** What is loaded beside what the view says. */
export interface LoadParts {
  /** Of the service level, in percent. */
  readonly target: number;
  /** The topic that was shown before of a view that names none: it stays. */
  readonly before: string | null;
}

/** `onTopic` hears of what is known before the figures are: the topic, for lists that need no more. Throws an Error in words. */
export async function load(
  view: ViewState,
  { target, before }: LoadParts,
  onTopic: (shown: Shown) => void,
): Promise<Shown> {
  const [{ topics }, status] = await Promise.all([
    ask("/api/v1/topics", topicsAnswer),
    ask("/api/v1/status", statusAnswer).catch(() => null), // of another version
  ]);
  const wanted = topics.find(({ name }) => name === (view.topic ?? before));
  const topic = view.topic === null ? wanted ?? liveliest(topics) : wanted;
  const empty = { marks: [], levels: [], errorRate: [], latency: [], unit: "", step: "" };
  const nothing = { atMs: Date.now(), topics, status, analyzer: null, alerts: null, ...empty };
  if (topic === undefined) {
    return { ...nothing, range: { fromMs: 0, toMs: 1 }, breakdown: null };
  }
  onTopic({ ...nothing, topic, range: endsOf(view.range, nothing.atMs), breakdown: null });
  const query = [...parametersOf(view, topic), ...minuteConditions(view, topic)];
  const series = (...more: [string, string][]) => ask("/api/v1/series", seriesAnswer, [...query, ...more]);
  const quantiles = topic.measures.length > 0 ? ["p50", "p95", "p99"] : [];
  const field = breakdownField(view, topic);
  const split = async (metric: string) => field === undefined ? null : await series(["metric", metric], ["by", field]);
  const [incidents, alerts, summary, byLevel, errorRate, counts, errors, ...latencies] = await Promise.all([
    loadIncidents(topic.name),
    loadAlerts(topic.name, rangeParameters(view.range)),
    ask("/api/v1/summary", summaryAnswer, [...query, ["target", String(target)]]),
    series(["metric", "count"], ["by", "level"]),
    series(["metric", "error_rate"]),
    split("count"),
    split("errors"),
    ...quantiles.map((metric) => series(["metric", metric])),
  ]);
  const range = { fromMs: Date.parse(byLevel.from), toMs: Date.parse(byLevel.to) };
  return {
    ...nothing,
    topic,
    summary,
    range,
    analyzer: incidents?.analyzer ?? null,
    alerts,
    marks: [
      ...openMark(byLevel, range),
      ...groupMarks([
        ...incidentMarks(topic.name, incidents?.incidents ?? [], range),
        ...alertMarks(alerts?.alerts ?? [], range),
      ], range),
    ],
    levels: levelLines(byLevel),
    errorRate: [named("error rate", errorRate)],
    latency: latencies.map((answer, i) => named(quantiles[i], answer)),
    unit: latencies[0]?.unit ?? "",
    step: byLevel.step,
    breakdown: field === undefined || counts === null || errors === null ? null : breakdownOf(field, counts, errors),
  };
}

type Series = Awaited<ReturnType<typeof ask<typeof seriesAnswer>>>;

const named = (name: string, { series: [only] }: Series): Line => ({ name, points: only?.points ?? [] });

function levelLines({ series }: Series): Line[] {
  const order = Object.keys(LEVELS);
  const rank = (level: string) => (order.indexOf(level) + order.length + 1) % (order.length + 1);
  return series.slice(0, VALUES_MAX).map(({ dimensions: { level }, points }) => ({
    name: level === "" ? "no level" : level,
    points,
    colour: LEVELS[level],
  })).sort((a, b) => rank(a.name) - rank(b.name));
}

/** Minutes that may still change by more than late events. */
function openMark({ finalUntil }: Series, { fromMs, toMs }: Shown["range"]): Mark[] {
  const openMs = finalUntil === null ? NaN : Date.parse(finalUntil);
  if (!(openMs < toMs && openMs > fromMs)) return [];
  return [{ fromMs: openMs, toMs, kind: "open", label: `Not final since ${minuteOf(openMs)}` }];
}

function breakdownOf(field: string, counts: Series, errors: Series): Breakdown {
  const sum = (points: readonly (readonly [number, number | null])[]) =>
    points.reduce((total, [, value]) => total + (value ?? 0), 0);
  const errorsOf = new Map(errors.series.map(({ dimensions, points }) => [dimensions[field], sum(points)]));
  const rows = counts.series.map(({ dimensions, points }) => ({
    value: dimensions[field],
    count: sum(points),
    errors: errorsOf.get(dimensions[field]) ?? 0,
    points: points.map(([, value]) => value ?? 0),
  }));
  return { field, rows: rows.sort((a, b) => b.count - a.count).slice(0, BREAKDOWN_MAX) };
}
