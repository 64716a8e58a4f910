/** The page of the access report: the address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type TopicInfo, topicsAnswer, wordsOf } from "./api.ts";
import { withCondition } from "./conditions.ts";
import { Chips, Choice, Heading } from "./controls.ts";
import { readReportView, reportParameters, type ReportViewState, writeReportView } from "./report_state.ts";
import { type AccessReport, accessReport } from "./report_tables.ts";
import { ReportView } from "./report_view.ts";
import { startSettings } from "./settings.ts";

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
      h(Choice, {
        label: "Period",
        value: view.from,
        options: Object.entries({ ...PERIODS, ...(view.from in PERIODS ? {} : { [view.from]: `since ${view.from}` }) }),
        onChoice: (from) => go({ ...view, from, to: "" }),
      }),
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

startSettings();
const root = document.getElementById("report");
if (root !== null) render(h(Page, {}), root);
