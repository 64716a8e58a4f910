/** What a view shows, asked of the API. */
import { ask, seriesAnswer, type Summary, summaryAnswer, type TopicInfo, topicsAnswer } from "./api.ts";
import type { Line } from "./chart.ts";
import { fieldOf } from "./conditions.ts";
import { rangeParameters, type ViewState } from "./url_state.ts";

/** Lines of a chart by value; the rest would not be told apart. */
const VALUES_MAX = 6;

const LEVEL_COLOURS: Readonly<Record<string, string>> = {
  FATAL: "--alarm",
  ERROR: "--alarm",
  WARN: "--second",
  INFO: "--accent",
  DEBUG: "--soft",
  TRACE: "--soft",
  UNPARSED: "--third",
};

export interface Shown {
  readonly topics: readonly TopicInfo[];
  /** Absent where there is no topic at all. */
  readonly topic?: TopicInfo;
  readonly summary?: Summary;
  readonly levels: readonly Line[];
  readonly errorRate: readonly Line[];
  readonly latency: readonly Line[];
  readonly unit: string;
}

/** Parameters of a topic in a view's range. */
export function parametersOf(view: ViewState, topic: TopicInfo): [string, string][] {
  const { from, to } = rangeParameters(view.range);
  return [["topic", topic.name], ["from", from], ["to", to]];
}

/** Conditions that minutes know; those on other fields hold for events alone. */
export function minuteConditions(view: ViewState, topic: TopicInfo): [string, string][] {
  return view.where.filter((condition) => topic.dimensions.includes(fieldOf(condition)))
    .map((condition) => ["where", condition]);
}

/** The topic whose newest event is the latest: what somebody who names none wants to see. */
function liveliest(topics: readonly TopicInfo[]): TopicInfo | undefined {
  const newest = ({ partitions }: TopicInfo) =>
    Math.max(0, ...partitions.map(({ watermark }) => watermark === null ? 0 : Date.parse(watermark)));
  return topics.toSorted((a, b) => newest(b) - newest(a))[0];
}

/** Throws an Error in words. */
export async function load(view: ViewState): Promise<Shown> {
  const { topics } = await ask("/api/v1/topics", topicsAnswer);
  const topic = view.topic === null ? liveliest(topics) : topics.find(({ name }) => name === view.topic);
  if (topic === undefined) {
    if (view.topic !== null && topics.length > 0) throw new Error(`there is no topic ${view.topic}`);
    return { topics, levels: [], errorRate: [], latency: [], unit: "" };
  }
  const query = [...parametersOf(view, topic), ...minuteConditions(view, topic)];
  const series = (...more: [string, string][]) => ask("/api/v1/series", seriesAnswer, [...query, ...more]);
  const quantiles = topic.measures.length > 0 ? ["p50", "p95", "p99"] : [];
  const [summary, byLevel, errorRate, ...latencies] = await Promise.all([
    ask("/api/v1/summary", summaryAnswer, query),
    series(["metric", "count"], ["by", "level"]),
    series(["metric", "error_rate"]),
    ...quantiles.map((metric) => series(["metric", metric])),
  ]);
  const named = (name: string, { series: [only] }: typeof errorRate): Line => ({ name, points: only?.points ?? [] });
  return {
    topics,
    topic,
    summary,
    levels: byLevel.series.slice(0, VALUES_MAX).map(({ dimensions, points }) => ({
      name: dimensions.level === "" ? "no level" : dimensions.level,
      points,
      colour: LEVEL_COLOURS[dimensions.level],
    })),
    errorRate: [named("error rate", errorRate)],
    latency: latencies.map((answer, i) => named(quantiles[i], answer)),
    unit: latencies[0]?.unit ?? "",
  };
}
