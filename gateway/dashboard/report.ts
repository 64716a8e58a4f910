/** The page of the access report: the address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type TopicInfo, topicsAnswer, wordsOf } from "./api.ts";
import { withCondition } from "./conditions.ts";
import { Chips, Choice, Heading } from "./controls.ts";
import { readReportView, reportParameters, type ReportViewState, writeReportView } from "./report_state.ts";
import { type AccessReport, accessReport } from "./report_tables.ts";
import { OtherRange } from "./range_control.ts";
import { ReportView } from "./report_view.ts";
import { startSettings, useSettings } from "./settings.ts";
import { stampOf } from "./times.ts";
import type { ViewRange } from "./url_state.ts";

const DAY_MS = 86_400_000;
const PERIODS: Readonly<Record<string, string>> = {
  "": "everything",
  "now-1d": "last day",
  "now-7d": "last 7 days",
  "now-30d": "last 30 days",
};

interface Loaded {
  readonly topics: readonly TopicInfo[];
  readonly topic?: string;
  readonly report?: AccessReport;
}

/** Access logs first: they are what the report is about. */
function chosen(topics: readonly TopicInfo[], wanted: string | null): string | undefined {
  if (wanted !== null) return wanted;
  return (topics.find(({ measures }) => measures.includes("content_size")) ?? topics[0])?.name;
}

async function load(view: ReportViewState): Promise<Loaded> {
  const { topics } = await ask("/api/v1/topics", topicsAnswer);
  const topic = chosen(topics, view.topic);
  if (topic === undefined) return { topics };
  const report = await ask("/api/v1/reports/access", accessReport, reportParameters(view, topic));
  return { topics, topic, report };
}

function Page() {
  useSettings(); // of which the zone is one
  const [view, setView] = useState(() => readReportView(location.search));
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [problem, setProblem] = useState("");
  const address = writeReportView(view);
  useEffect(() => {
    const back = () => setView(readReportView(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  useEffect(() => {
    let isLeft = false;
    load(view).then((next) => {
      if (!isLeft) setLoaded(next), setProblem("");
    }, (error) => {
      if (!isLeft) setProblem(wordsOf(error));
    });
    return () => {
      isLeft = true;
    };
  }, [address]);
  const go = (next: ReportViewState) => {
    history.pushState(null, "", location.pathname + writeReportView(next));
    setView(next);
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { topic, topics = [], report } = loaded ?? {};
  return [
    h(
      "header",
      null,
      h(Heading, { current: "report" }),
      h(Choice, {
        label: "Topic",
        value: topic ?? "",
        options: topics.map(({ name }) => [name]),
        onChoice: (name) => go({ ...view, topic: name, where: [] }),
      }),
      h(Period, { view, days: report?.byDay ?? [], onPeriod: (period) => go({ ...view, ...period }) }),
      h(Choice, {
        label: "Time zone of days and hours",
        value: view.tz,
        options: [...new Set(["UTC", zone, view.tz])].map((name) => [name]),
        onChoice: (tz) => go({ ...view, tz }),
      }),
      h(Chips, { where: view.where, onChange: (where) => go({ ...view, where }) }),
    ),
    problem !== "" && h("p", { role: "alert" }, problem),
    h(
      "main",
      { class: "report", "aria-busy": loaded === null },
      loaded === null
        ? problem === "" && h("p", { class: "panel" }, "Counting…")
        : report === undefined || topic === undefined
        ? h(
          "p",
          { class: "panel" },
          "No topic has records yet. Send an access log: ",
          h("code", null, "deno task produce --file access.log --topic access"),
        )
        : [
          h(ReportView, {
            report,
            narrow: (field, value, isIncluded) =>
              go({ ...view, where: withCondition(view.where, field, value, isIncluded) }),
          }),
          h("section", { class: "panel" }, [
            h("h2", null, "As files"),
            h("p", null, "Every table as CSV and Parquet, and this page as one file of HTML:"),
            h(
              "pre",
              { tabIndex: 0, "aria-label": "the command that writes them" },
              `deno task report access --topic ${topic} --out report`,
            ),
          ]),
        ],
    ),
  ];
}

const OTHER = "other";

/** All of it, the last days, or any range. */
function Period({ view: { from, to }, days, onPeriod }: {
  readonly view: ReportViewState;
  readonly days: AccessReport["byDay"];
  readonly onPeriod: (period: { readonly from: string; readonly to: string }) => void;
}) {
  const [isOther, setOther] = useState(false);
  const value = to === "" && from in PERIODS ? from : `${from}/${to}`;
  return h("div", { class: "menu" }, [
    h(Choice, {
      label: "Period",
      value,
      options: [...Object.entries({ ...PERIODS, ...(value in PERIODS ? {} : { [value]: saidOf(from, to) }) }), [
        OTHER,
        "other…",
      ]],
      onChoice: (chosen) => chosen === OTHER ? setOther(true) : onPeriod({ from: chosen, to: "" }),
    }),
    isOther && h(OtherRange, {
      range: rangeOf(from, to, days),
      onRange: (range) => {
        setOther(false);
        if (range.kind === "relative") return onPeriod({ from: range.from, to: "" });
        onPeriod({ from: new Date(range.fromMs).toISOString(), to: new Date(range.toMs).toISOString() });
      },
      onClose: () => setOther(false),
    }),
  ]);
}

/** A time as people read it, where it is one. */
const timeOf = (text: string): string => Number.isNaN(Date.parse(text)) ? text : stampOf(Date.parse(text)).slice(0, -3);

function saidOf(from: string, to: string): string {
  if (to === "") return `since ${timeOf(from)}`;
  return from === "" ? `until ${timeOf(to)}` : `${timeOf(from)} – ${timeOf(to)}`;
}

/** What other ranges are changed from: the one that is shown, or the days that there are. */
function rangeOf(from: string, to: string, days: AccessReport["byDay"]): ViewRange {
  const [fromMs, toMs] = [from, to].map((text) => Date.parse(text));
  if (fromMs < toMs) return { kind: "absolute", fromMs, toMs };
  const [firstMs, lastMs] = [days[0], days.at(-1)].map((each) => Date.parse(each?.day ?? ""));
  return firstMs <= lastMs
    ? { kind: "absolute", fromMs: firstMs, toMs: lastMs + DAY_MS }
    : { kind: "relative", from: "now-7d" };
}

startSettings();
const root = document.getElementById("report");
if (root !== null) render(h(Page, {}), root);
