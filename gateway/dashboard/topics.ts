/** The page of topics: what there is, how far it is stored, who reads it, and the records of the log themselves. */
import { h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type TopicInfo, topicsAnswer, wordsOf } from "./api.ts";
import { Announcer } from "./announcer.ts";
import { Heading } from "./controls.ts";
import { type FlowPoint, lagTrend, withPoint } from "./flow.ts";
import { ConsumerGroups } from "./groups.ts";
import { LogRecordsPanel } from "./log_records.ts";
import { compact, Outage } from "./parts.ts";
import { startSettings, useSettings } from "./settings.ts";
import { Sparkline } from "./sparkline.ts";
import { stampOf } from "./times.ts";
import { type BrowseState, firstFilled, readBrowse, writeBrowse } from "./topics_state.ts";

const REFRESH_MS = 3000;

type Flows = ReadonlyMap<string, readonly FlowPoint[]>;

/** Topics, asked for again and again, with how they flowed since the page was opened. */
function useTopics(): [readonly TopicInfo[] | null, Flows, string] {
  const [topics, setTopics] = useState<readonly TopicInfo[] | null>(null);
  const [flows, setFlows] = useState<Flows>(new Map());
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = async () => {
      try {
        const answer = await ask("/api/v1/topics", topicsAnswer);
        if (isLeft) return;
        const atMs = Date.now();
        setTopics(answer.topics);
        setFlows((before) =>
          new Map(answer.topics.map(({ name, lagSeconds, lagRecords, totals: { events, unparsed } }) => [
            name,
            withPoint(before.get(name) ?? [], { atMs, stored: events + unparsed, lagSeconds, lagRecords }),
          ]))
        );
        setProblem("");
      } catch (error) {
        if (!isLeft) setProblem(wordsOf(error));
      }
      if (!isLeft) timer = setTimeout(refresh, REFRESH_MS);
    };
    refresh();
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, []);
  return [topics, flows, problem];
}

/** What is shown of a topic whose partition nobody has chosen stays so while others get their first record. */
function usePartition(topic: TopicInfo | undefined, { partition }: BrowseState): number {
  const known = useRef(new Map<string, number>()).current;
  if (partition !== null || topic === undefined) return partition ?? 0;
  const filled = known.get(topic.name) ?? firstFilled(topic.partitions);
  if (filled !== null) known.set(topic.name, filled);
  return filled ?? 0;
}

function Page() {
  const [topics, flows, problem] = useTopics();
  const [state, setState] = useState(() => readBrowse(location.search));
  useSettings(); // drawn again in another zone
  useEffect(() => {
    const back = () => setState(readBrowse(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go = (next: BrowseState) => {
    history.pushState(null, "", location.pathname + writeBrowse(next));
    setState(next);
  };
  const shown = topics?.find(({ name }) => name === state.topic) ?? topics?.[0];
  const partition = usePartition(shown, state);
  return [
    h("header", null, h(Heading, { current: "topics" })),
    problem !== "" && h(Outage, { problem, knownMs: shown && flows.get(shown.name)?.at(-1)?.atMs }),
    h(
      "main",
      { "data-stale": problem !== "" && topics !== null },
      topics === null ? problem === "" && h("p", { class: "panel" }, "Loading…") : shown === undefined
        ? h(
          "div",
          { class: "panel empty" },
          h("p", null, "There is no topic yet. Send some records:"),
          h("pre", null, "deno task produce --file access.log --topic access"),
        )
        : [
          h(TopicList, {
            topics,
            shown,
            flows,
            onTopic: (topic) => go({ topic, partition: null, at: "", q: "", key: "" }),
          }),
          h(Partitions, {
            topic: shown,
            onPartition: (partition) => go({ ...state, topic: shown.name, partition, at: "" }),
          }),
          h(ConsumerGroups, { topic: shown, atMs: flows.get(shown.name)?.at(-1)?.atMs ?? 0 }),
          h(LogRecordsPanel, { topic: shown, state: { ...state, topic: shown.name, partition }, go }),
        ],
    ),
    h(Announcer, {}),
  ];
}

function TopicList({ topics, shown, flows, onTopic }: {
  readonly topics: readonly TopicInfo[];
  readonly shown: TopicInfo;
  readonly flows: Flows;
  readonly onTopic: (name: string) => void;
}) {
  const heads = ["topic", "format", "partitions", "records in the log", "stored", "unparsed", "lag", "lag, s", "trend"];
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Topics"),
    h("div", { class: "wide-table", tabIndex: 0, role: "region", "aria-label": "Topics" }, [
      h(
        "table",
        null,
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            heads.map((head) => h("th", { scope: "col", class: head === "format" ? "words" : undefined }, head)),
          ),
        ),
        h(
          "tbody",
          null,
          topics.map((topic) => {
            const { name, format, partitions, totals, lagRecords, lagSeconds } = topic;
            const held = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
            const flow = flows.get(name) ?? [];
            const label = `lag is ${lagTrend(flow)}: ${compact.format(lagRecords)} records`;
            return h("tr", { key: name, "aria-current": name === shown.name ? "true" : undefined }, [
              h(
                "th",
                { scope: "row" },
                h("button", { type: "button", class: "link", onClick: () => onTopic(name) }, name),
              ),
              h("td", { class: "words" }, format ?? "not known yet"),
              h("td", null, partitions.length),
              h("td", null, compact.format(held)),
              h("td", null, compact.format(totals.events + totals.unparsed)),
              h("td", null, compact.format(totals.unparsed)),
              h("td", null, compact.format(lagRecords)),
              h("td", null, lagSeconds.toFixed(1)),
              h("td", { class: "drawn" }, h(Sparkline, { values: flow.map(({ lagRecords }) => lagRecords), label })),
            ]);
          }),
        ),
      ),
    ]),
  );
}

function Partitions({ topic, onPartition }: {
  readonly topic: TopicInfo;
  readonly onPartition: (partition: number) => void;
}) {
  const heads = ["partition", "start", "end", "stored up to", "lag", "lag, s", "watermark"];
  return h(
    "section",
    { class: "panel span-3" },
    h("h2", null, `Partitions of ${topic.name}`),
    topic.gaps.length > 0 && h(
      "p",
      { role: "alert" },
      `The log no longer held ${
        topic.gaps.map(({ partition, start, end }) => `offsets ${start} to ${end - 1} of partition ${partition}`).join(
          ", ",
        )
      } when they were to be read.`,
    ),
    h("div", { class: "wide-table", tabIndex: 0, role: "region", "aria-label": `Partitions of ${topic.name}` }, [
      h(
        "table",
        null,
        h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
        h(
          "tbody",
          null,
          topic.partitions.map(({ partition, start, end, checkpoint, lagRecords, lagSeconds, watermark }) =>
            h("tr", { key: partition }, [
              h("th", { scope: "row" }, [
                h("button", {
                  type: "button",
                  class: "link",
                  "aria-label": `records of partition ${partition}`,
                  onClick: () => onPartition(partition),
                }, partition),
              ]),
              ...[start, end, checkpoint, lagRecords].map((value) => h("td", null, value.toLocaleString("en"))),
              h("td", null, lagSeconds.toFixed(1)),
              h("td", null, watermark === null ? "none yet" : stampOf(Date.parse(watermark))),
            ])
          ),
        ),
      ),
    ]),
  );
}

startSettings();
const root = document.getElementById("topics");
if (root !== null) render(h(Page, {}), root);
