/** The panels of a topic, in the order that the settings say. */
import { type ComponentChildren, h } from "preact";
import { AlertsPanel } from "./alerts_panel.ts";
import type { ApiRow, Summary, TopicInfo } from "./api.ts";
import { BreakdownTable, LevelShares } from "./breakdown.ts";
import { Chart, type ChartProps, type Line } from "./chart.ts";
import { ExportLinks } from "./export_links.ts";
import type { Shown } from "./load.ts";
import { Logs, type LogsProps } from "./logs.ts";
import { panelOrder, PANELS } from "./panels.ts";
import { compact, type Narrow, percent, stepWords, Table, Value } from "./parts.ts";
import { type Runs, RunsPanel, useRuns } from "./runs_panel.ts";
import { useSettings } from "./settings.ts";
import { ServiceLevel } from "./sla.ts";
import type { ViewState } from "./url_state.ts";

const APIS_SHOWN = 12;

export interface OverviewProps extends LogsProps {
  readonly shown: Shown;
  readonly onSettings: () => void;
  /** Asks for all of it again. */
  readonly refresh: () => Promise<void>;
}

export function Overview(props: OverviewProps) {
  const { panels, hiddenPanels } = useSettings();
  const runs = useRuns();
  return panelOrder(panels).filter((name) => !hiddenPanels.includes(name)).map((name) => {
    const content = contentOf(name, props, runs);
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
  if (name === "levels" && shown.step !== "") return `${PANELS[name].title}, ${stepWords(shown.step)}`;
  return name === "slow_apis" ? `${PANELS[name].title}, ms` : PANELS[name].title;
}

/** What is in a panel; null where the topic has nothing for it. */
function contentOf(name: string, props: OverviewProps, runs: Runs | null): ComponentChildren {
  const { shown, topic, summary, narrow, onRange, onView, onSettings, view } = props;
  if (name === "events") return h(Logs, props);
  if (name === "export") return h(ExportLinks, { view, topic });
  if (name === "runs") return hasRuns(runs, shown) ? h(RunsPanel, { runs, nowMs: shown.atMs }) : null;
  if (summary === undefined) return h("p", { class: "empty awaited" }, "Loading…");
  switch (name) {
    case "alerts":
      return h(AlertsPanel, { alerts: shown.alerts, topic: topic.name, nowMs: shown.atMs, onDecided: props.refresh });
    case "levels":
      return h(Chart, {
        ...chartOf(shown, onRange),
        title: "Events by level",
        lines: shown.levels,
        kind: "stack",
        leastStep: 1,
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
        leastStep: 1e-4,
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

/** Whether there are any, or could be: a store in a file is one process's own, which nobody supervises. */
function hasRuns(runs: Runs | null, { status }: Shown): runs is Runs {
  return runs !== null && (runs.runs.length > 0 || runs.schedules.length > 0 || status?.store !== "duckdb");
}

const chartOf = ({ range, marks }: Shown, onRange: ChartProps["onRange"]) => ({ range, marks, onRange });

const apiCells = ({ service, method, endpoint }: ApiRow, narrow: Narrow) => [
  service === "" && method === "" && endpoint === "" && h("span", { class: "soft" }, "(none named)"),
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
  const { events, unparsed } = topic.totals;
  if (events === 0 && unparsed === 0) {
    return [
      h("p", null, `${topic.name} has no record yet. Send some:`),
      h("pre", null, `deno task produce --file FILE --topic ${topic.name}`),
    ];
  }
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
      !isNarrowed && unparsed > 0 &&
      h(
        "button",
        { type: "button", onClick: () => onView({ tab: "quarantine" }) },
        `${compact.format(unparsed)} that could not be parsed`,
      ),
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
