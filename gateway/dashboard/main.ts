/** The dashboard: the address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type ApiRow, ask, seriesAnswer, type Summary, summaryAnswer, type TopicInfo, topicsAnswer } from "./api.ts";
import { Chart, type ChartProps, type Line } from "./chart.ts";
import { frozen, rangeParameters, readView, type ViewState, writeView } from "./url_state.ts";

const REFRESH_MS = 5000;
const RANGES = ["now-15m", "now-1h", "now-6h", "now-1d", "now-7d"];
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const percent = (ratio: number) => `${(ratio * 100).toFixed(2)} %`;

interface Shown {
  readonly topics: readonly TopicInfo[];
  readonly topic?: TopicInfo;
  readonly summary?: Summary;
  readonly rate: readonly Line[];
  readonly errorRate: readonly Line[];
  readonly latency: readonly Line[];
  readonly unit: string;
}

async function load(view: ViewState): Promise<Shown> {
  const { topics } = await ask("/api/v1/topics", topicsAnswer);
  const topic = view.topic === null ? topics[0] : topics.find(({ name }) => name === view.topic);
  if (topic === undefined) {
    if (view.topic !== null) throw new Error(`there is no topic ${view.topic}`);
    return { topics, rate: [], errorRate: [], latency: [], unit: "" };
  }
  const query = { topic: topic.name, ...rangeParameters(view.range) };
  const metrics = ["count", "error_rate", ...(topic.measures.length > 0 ? ["p50", "p95", "p99"] : [])];
  const [summary, ...answers] = await Promise.all([
    ask("/api/v1/summary", summaryAnswer, query),
    ...metrics.map((metric) => ask("/api/v1/series", seriesAnswer, { ...query, metric })),
  ]);
  const lines = answers.map(({ series }, i): Line => ({ name: metrics[i], points: series[0]?.points ?? [] }));
  return {
    topics,
    topic,
    summary,
    rate: lines.slice(0, 1),
    errorRate: lines.slice(1, 2),
    latency: lines.slice(2),
    unit: answers[2]?.unit ?? "",
  };
}

function Figure({ name, value, note }: { readonly name: string; readonly value: string; readonly note?: string }) {
  return h("div", { class: "figure" }, h("dt", null, name), h("dd", null, value), note && h("small", null, note));
}

function Strip({ topic, summary }: { readonly topic: TopicInfo; readonly summary: Summary }) {
  const { sla } = summary;
  const { events, unparsed } = topic.totals;
  const marks = topic.partitions.flatMap(({ watermark }) => watermark === null ? [] : [Date.parse(watermark)]);
  const age = marks.length === 0 ? "none yet" : `${Math.max(0, (Date.now() - Math.min(...marks)) / 1000).toFixed(0)} s`;
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
      value: sla.errorBudgetLeft === null ? "–" : percent(sla.errorBudgetLeft),
      note: (sla.errorBudgetLeft ?? 0) < 0 ? "overdrawn" : undefined,
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

function Table({ title, heads, rows, empty }: {
  readonly title: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly empty: string;
}) {
  const body = rows.map((row) => h("tr", null, row.map((cell) => h("td", null, cell))));
  return h(
    "section",
    { class: "panel" },
    h("h2", null, title),
    rows.length === 0 ? h("p", null, empty) : h(
      "table",
      null,
      h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", null, body),
    ),
  );
}

const nameOf = ({ service, endpoint }: ApiRow) => `${service} ${endpoint}`.trim();

function Overview({ shown, onRange }: { readonly shown: Shown; readonly onRange: ChartProps["onRange"] }) {
  const { topic, summary, unit } = shown;
  if (topic === undefined || summary === undefined) {
    return h(
      "p",
      { class: "panel" },
      "No topic has records yet. Send some: ",
      h("code", null, "deno task produce --file access.log --topic access"),
    );
  }
  return h(
    "main",
    null,
    h(Strip, { topic, summary }),
    h(Chart, { title: "Events a step", lines: shown.rate, write: compact.format, onRange }),
    h(Chart, { title: "Error rate", lines: shown.errorRate, write: percent, onRange }),
    shown.latency.length > 0 &&
      h(Chart, { title: `${topic.measures[0]}, ${unit}`, lines: shown.latency, write: compact.format, onRange }),
    h(Table, {
      title: "Log levels",
      heads: ["level", "events", "share"],
      rows: summary.levels.map(({ level, count, share }) => [level, compact.format(count), percent(share)]),
      empty: "No events in this range: take a longer one.",
    }),
    h(Table, {
      title: "Average response time by API",
      heads: ["API", "events", "average"],
      rows: summary.averageResponseTimeByApi.slice(0, 10).map((
        api,
      ) => [nameOf(api), compact.format(api.count), compact.format(api.averageResponseTime ?? 0)]),
      empty: "No response times in this range.",
    }),
    h(Table, {
      title: "Top error-prone APIs",
      heads: ["API", "errors", "rate"],
      rows: summary.topErrorProneApis.map((api) => [nameOf(api), compact.format(api.errors), percent(api.errorRate)]),
      empty: "No errors in this range.",
    }),
  );
}

function Dashboard() {
  const [view, setView] = useState(() => readView(location.search));
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const back = () => setView(readView(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = async () => {
      try {
        const next = await load(view);
        if (!isLeft) setShown(next), setProblem("");
      } catch (error) {
        if (!isLeft) setProblem(error instanceof Error ? error.message : String(error));
      }
      if (!isLeft && view.range.kind === "relative") timer = setTimeout(refresh, REFRESH_MS);
    };
    refresh();
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [view]);
  const go = (next: ViewState) => {
    history.pushState(null, "", location.pathname + writeView(next));
    setView(next);
  };
  const onRange = (fromMs: number, toMs: number) => go({ ...view, range: { kind: "absolute", fromMs, toMs } });
  const select = (label: string, value: string, options: readonly string[], chosen: (value: string) => void) =>
    h(
      "select",
      { "aria-label": label, value, onChange: (event: Event) => chosen((event.target as HTMLSelectElement).value) },
      options.map((option) => h("option", { value: option }, option)),
    );
  const { from, to } = rangeParameters(view.range);
  const current = view.range.kind === "relative" ? from : `${from} – ${to}`;
  return [
    h(
      "header",
      null,
      h("h1", null, "Millrace"),
      select(
        "Topic",
        shown?.topic?.name ?? "",
        shown?.topics.map(({ name }) => name) ?? [],
        (topic) => go({ ...view, topic }),
      ),
      select(
        "Range",
        current,
        [...new Set([...RANGES, current])],
        (value) => go({ ...view, range: { kind: "relative", from: value } }),
      ),
      h("button", { type: "button", onClick: () => go(frozen(view, Date.now())) }, "Share: freeze this range"),
    ),
    problem !== "" && h("p", { role: "alert" }, problem),
    shown === null ? h("p", { class: "panel" }, "Loading…") : h(Overview, { shown, onRange }),
  ];
}

const root = document.getElementById("dashboard");
if (root !== null) render(h(Dashboard, {}), root);
