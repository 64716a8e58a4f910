/** The panels of a topic, in the order that the settings say. */
import { type ComponentChildren, h } from "preact";
import type { ApiRow, Summary, TopicInfo } from "./api.ts";
import { BreakdownTable, LevelShares } from "./breakdown.ts";
import { Chart, type ChartProps, type Line } from "./chart.ts";
import { ExportLinks } from "./export_links.ts";
import type { Shown } from "./load.ts";
import { Logs, type LogsProps } from "./logs.ts";
import { panelOrder, PANELS } from "./panels.ts";
import { compact, type Narrow, percent, Table, Value } from "./parts.ts";
import { useSettings } from "./settings.ts";
import { ServiceLevel } from "./sla.ts";
import type { ViewState } from "./url_state.ts";

const APIS_SHOWN = 12;

export interface OverviewProps extends LogsProps {
  readonly shown: Shown;
  readonly onSettings: () => void;
}

export function Overview(props: OverviewProps) {
  const { panels, hiddenPanels } = useSettings();
  return panelOrder(panels).filter((name) => !hiddenPanels.includes(name)).map((name) => {
    const content = contentOf(name, props);
    if (content === null) return null;
    const { span } = PANELS[name];
    const title = titleOf(name, props);
    return h(
      "section",
      { key: name, class: `panel span-${span}`, id: `panel-${name}`, "aria-label": title },
      h("h2", null, title),
      content,
    );
  });
}

function titleOf(name: string, { topic, shown }: OverviewProps): string {
  if (name === "latency" && topic.measures.length > 0) {
    const measure = topic.measures[0].replaceAll("_", " ");
    return `${measure[0].toUpperCase()}${measure.slice(1)}${shown.unit === "" ? "" : `, ${shown.unit}`}`;
  }
  return name === "slow_apis" ? `${PANELS[name].title}, ms` : PANELS[name].title;
}

/** What is in a panel; null where the topic has nothing for it. */
function contentOf(name: string, props: OverviewProps): ComponentChildren {
  const { shown, topic, summary, narrow, onRange, onView, onSettings, view } = props;
  if (name === "events") return h(Logs, props);
  if (name === "export") return h(ExportLinks, { view, topic });
  if (summary === undefined) return h("p", { class: "empty awaited" }, "Loading…");
  switch (name) {
    case "levels":
      return h(Chart, {
        ...chartOf(shown, onRange),
        title: "Events by level",
        lines: shown.levels,
        kind: "stack",
        hasMarkList: true,
        write: compact.format,
        nameOf: (line: Line) =>
          line.name === "no level" ? line.name : h(Value, { field: "level", value: line.name, narrow }),
      });
    case "error_rate": {
      const limit = { value: 1 - summary.sla.target / 100, label: "allowed" };
      return h(Chart, {
        ...chartOf(shown, onRange),
        title: "Error rate",
        lines: shown.errorRate.map((line) => ({ ...line, colour: "--error" })),
        write: percent,
        limit,
      });
    }
    case "latency":
      if (shown.latency.length === 0) return null;
      return h(Chart, {
        ...chartOf(shown, onRange),
        title: titleOf(name, props),
        lines: shown.latency,
        write: compact.format,
      });
    case "service_level":
      return h(ServiceLevel, { summary, onTarget: onSettings });
    case "breakdown":
      return shown.breakdown === null
        ? null
        : h(BreakdownTable, { breakdown: shown.breakdown, topic, narrow, onBy: (by) => onView({ by }) });
    case "error_apis":
      return h(ErrorApis, { rows: summary.topErrorProneApis, narrow });
    case "slow_apis":
      return topic.measures.includes("response_time") ? h(SlowApis, { summary, narrow }) : null;
    case "level_shares":
      return h(LevelShares, { levels: summary.levels, narrow });
    default:
      return null;
  }
}

const chartOf = ({ range, marks }: Shown, onRange: ChartProps["onRange"]) => ({ range, marks, onRange });

const apiCells = ({ service, method, endpoint }: ApiRow, narrow: Narrow) => [
  service !== "" && h(Value, { field: "service", value: service, narrow }),
  method !== "" && h(Value, { field: "method", value: method, narrow }),
  endpoint !== "" && h(Value, { field: "endpoint", value: endpoint, narrow }),
];

function ErrorApis({ rows, narrow }: { readonly rows: Summary["topErrorProneApis"]; readonly narrow: Narrow }) {
  return h(Table, {
    heads: ["API", "errors", "rate"],
    rows: rows.map((row) => [apiCells(row, narrow), compact.format(row.errors), percent(row.errorRate)]),
    empty: "No errors in this range.",
  });
}

function SlowApis({ summary, narrow }: { readonly summary: Summary; readonly narrow: Narrow }) {
  return h(Table, {
    heads: ["API", "events", "average"],
    rows: summary.averageResponseTimeByApi.slice(0, APIS_SHOWN).map((row) => [
      apiCells(row, narrow),
      compact.format(row.count),
      compact.format(row.averageResponseTime ?? 0),
    ]),
    empty: "No response times in this range.",
  });
}

/** Why there may be nothing, and what to do. */
export function nothingFits(
  { view, topic, onView, newestMs }: {
    readonly view: ViewState;
    readonly topic: TopicInfo;
    readonly onView: (changes: Partial<ViewState>) => void;
    readonly newestMs: number;
  },
): ComponentChildren {
  const isNarrowed = view.where.length > 0 || view.q !== "";
  const HOUR_MS = 3_600_000;
  return [
    h(
      "p",
      null,
      isNarrowed
        ? `No event of this range fits ${[...view.where, ...view.q === "" ? [] : [`“${view.q}”`]].join(" and ")}.`
        : `${topic.name} has no event in this range.`,
    ),
    h("p", { class: "actions" }, [
      isNarrowed &&
      h("button", { type: "button", onClick: () => onView({ where: [], q: "" }) }, "Without conditions and text"),
      newestMs > 0 && h("button", {
        type: "button",
        onClick: () => onView({ range: { kind: "absolute", fromMs: newestMs - HOUR_MS, toMs: newestMs + HOUR_MS } }),
      }, "Where the newest events are"),
      h(
        "button",
        { type: "button", onClick: () => onView({ range: { kind: "relative", from: "now-7d" } }) },
        "Last 7 days",
      ),
    ]),
  ];
}
