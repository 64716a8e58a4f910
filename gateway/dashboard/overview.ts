/** The panels of a topic: how it is doing, over time and by what. */
import { h } from "preact";
import type { ApiRow, Summary, TopicInfo } from "./api.ts";
import { Chart, type ChartProps } from "./chart.ts";
import type { Shown } from "./load.ts";
import { compact, Figure, lengthOf, type Narrow, percent, Table, Value } from "./parts.ts";

const APIS_SHOWN = 10;

export function Overview({ shown, topic, summary, narrow, onRange }: {
  readonly shown: Shown;
  readonly topic: TopicInfo;
  readonly summary: Summary;
  readonly narrow: Narrow;
  readonly onRange: ChartProps["onRange"];
}) {
  const api = ({ service, endpoint }: ApiRow) => [
    service !== "" && h(Value, { field: "service", value: service, narrow }),
    endpoint !== "" && h(Value, { field: "endpoint", value: endpoint, narrow }),
  ];
  return [
    h(Strip, { topic, summary }),
    h(Chart, { title: "Events by level", lines: shown.levels, write: compact.format, onRange }),
    h(Chart, { title: "Error rate", lines: shown.errorRate, write: percent, onRange }),
    shown.latency.length > 0 &&
    h(Chart, {
      title: `${topic.measures[0].replace("_", " ")}, ${shown.unit}`,
      lines: shown.latency,
      write: compact.format,
      onRange,
    }),
    h(Table, {
      title: "Log levels",
      heads: ["level", "events", "share"],
      rows: summary.levels.map(({ level, count, share }) => [
        h(Value, { field: "level", value: level, narrow }),
        compact.format(count),
        percent(share),
      ]),
      empty: "No events in this range: take a longer one, or fewer conditions.",
    }),
    h(Table, {
      title: "Top error-prone APIs",
      heads: ["API", "errors", "rate"],
      rows: summary.topErrorProneApis.map((row) => [api(row), compact.format(row.errors), percent(row.errorRate)]),
      empty: "No errors in this range.",
    }),
    topic.measures.includes("response_time") && h(Table, {
      title: "Average response time by API, ms",
      heads: ["API", "events", "average"],
      rows: summary.averageResponseTimeByApi.slice(0, APIS_SHOWN).map((row) => [
        api(row),
        compact.format(row.count),
        compact.format(row.averageResponseTime ?? 0),
      ]),
      empty: "No response times in this range.",
    }),
  ];
}

function Strip({ topic, summary }: { readonly topic: TopicInfo; readonly summary: Summary }) {
  const { sla } = summary;
  const { events, unparsed } = topic.totals;
  const marks = topic.partitions.flatMap(({ watermark }) => watermark === null ? [] : [Date.parse(watermark)]);
  const age = marks.length === 0 ? "none yet" : lengthOf(Math.max(0, (Date.now() - Math.min(...marks)) / 1000));
  const isOverdrawn = (sla.errorBudgetLeft ?? 0) < 0;
  return h(
    "dl",
    { class: "strip" },
    h(Figure, {
      name: "availability",
      value: sla.availability === null ? "no events" : `${sla.availability} %`,
      note: `target ${sla.target} %${sla.isMet === null ? "" : sla.isMet ? ", met" : ", missed"}`,
    }),
    h(Figure, {
      name: "error budget left",
      value: sla.errorBudgetLeft === null ? "–" : percent(Math.max(0, sla.errorBudgetLeft)),
      note: isOverdrawn ? `overdrawn ${compact.format(1 - (sla.errorBudgetLeft ?? 0))}-fold` : undefined,
    }),
    h(Figure, {
      name: "lag",
      value: `${topic.lagSeconds.toFixed(1)} s`,
      note: `${compact.format(topic.lagRecords)} records`,
    }),
    h(Figure, { name: "watermark age", value: age }),
    h(Figure, { name: "unparsed", value: percent(unparsed / Math.max(1, events + unparsed)) }),
  );
}
