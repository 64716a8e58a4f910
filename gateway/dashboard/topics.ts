/** The page of topics: what there is, how far it is stored, and the records of the log themselves. */
import { h, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type LogRecords, logRecords, type TopicInfo, topicsAnswer, wordsOf } from "./api.ts";
import { Choice, Heading } from "./controls.ts";
import { inert } from "./inert.ts";
import { compact } from "./parts.ts";
import { type LagPoint, LagTrend } from "./lag_trend.ts";
import { browseParameters, type BrowseState, readBrowse, writeBrowse } from "./topics_state.ts";

const REFRESH_MS = 3000;
/** Points of a topic's lag that are kept: a quarter of an hour. */
const TREND_MAX = 300;

/** Topics, asked for again and again, with the trend of their lag since the page was opened. */
function useTopics(): [readonly TopicInfo[] | null, ReadonlyMap<string, readonly LagPoint[]>, string] {
  const [topics, setTopics] = useState<readonly TopicInfo[] | null>(null);
  const [trends, setTrends] = useState<ReadonlyMap<string, readonly LagPoint[]>>(new Map());
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
        setTrends((before) =>
          new Map(answer.topics.map(({ name, lagSeconds, lagRecords }) => [
            name,
            [...before.get(name) ?? [], { atMs, seconds: lagSeconds, records: lagRecords }].slice(-TREND_MAX),
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
  return [topics, trends, problem];
}

function Page() {
  const [topics, trends, problem] = useTopics();
  const [state, setState] = useState(() => readBrowse(location.search));
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
  return [
    h("header", null, h(Heading, { current: "topics" })),
    problem !== "" && h("p", { role: "alert" }, problem),
    h(
      "main",
      null,
      topics === null ? problem === "" && h("p", { class: "panel" }, "Loading…") : shown === undefined
        ? h(
          "p",
          { class: "panel" },
          "There is no topic yet. Send some records: ",
          h("code", null, "deno task produce --file access.log --topic access"),
        )
        : [
          h(TopicList, { topics, shown, trends, onTopic: (topic) => go({ topic, partition: 0, at: "", q: "" }) }),
          h(Partitions, {
            topic: shown,
            onPartition: (partition) => go({ ...state, topic: shown.name, partition, at: "" }),
          }),
          h(Records, { topic: shown, state: { ...state, topic: shown.name }, go }),
        ],
    ),
  ];
}

function TopicList({ topics, shown, trends, onTopic }: {
  readonly topics: readonly TopicInfo[];
  readonly shown: TopicInfo;
  readonly trends: ReadonlyMap<string, readonly LagPoint[]>;
  readonly onTopic: (name: string) => void;
}) {
  const heads = ["topic", "format", "partitions", "records in the log", "stored", "unparsed", "lag", "lag, s", "trend"];
  return h(
    "section",
    { class: "panel wide" },
    h("h2", null, "Topics"),
    h(
      "table",
      null,
      h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
      h(
        "tbody",
        null,
        topics.map((topic) => {
          const { name, format, partitions, totals, lagRecords, lagSeconds } = topic;
          const held = partitions.reduce((sum, { start, end }) => sum + end - start, 0);
          return h("tr", { key: name, "aria-current": name === shown.name ? "true" : undefined }, [
            h(
              "th",
              { scope: "row" },
              h("button", { type: "button", class: "link", onClick: () => onTopic(name) }, name),
            ),
            h("td", null, format ?? "not known yet"),
            h("td", null, partitions.length),
            h("td", null, compact.format(held)),
            h("td", null, compact.format(totals.events + totals.unparsed)),
            h("td", null, compact.format(totals.unparsed)),
            h("td", null, compact.format(lagRecords)),
            h("td", null, lagSeconds.toFixed(1)),
            h("td", null, h(LagTrend, { points: trends.get(name) ?? [] })),
          ]);
        }),
      ),
    ),
  );
}

function Partitions({ topic, onPartition }: {
  readonly topic: TopicInfo;
  readonly onPartition: (partition: number) => void;
}) {
  const heads = ["partition", "start", "end", "stored up to", "lag", "lag, s", "watermark"];
  return h(
    "section",
    { class: "panel wide" },
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
            h("td", null, watermark === null ? "none yet" : watermark.slice(0, 19).replace("T", " ")),
          ])
        ),
      ),
    ),
  );
}

function Records({ topic, state, go }: {
  readonly topic: TopicInfo;
  readonly state: BrowseState;
  readonly go: (next: BrowseState) => void;
}) {
  const [page, setPage] = useState<LogRecords | null>(null);
  const [problem, setProblem] = useState("");
  const asked = browseParameters(state).toString();
  useEffect(() => {
    let isLeft = false;
    setPage(null);
    ask(`/api/v1/topics/${topic.name}/records`, logRecords, browseParameters(state)).then((next) => {
      if (!isLeft) setPage(next), setProblem("");
    }, (error) => {
      if (!isLeft) setProblem(wordsOf(error));
    });
    return () => {
      isLeft = true;
    };
  }, [topic.name, asked]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const given = new FormData(event.currentTarget);
    go({ ...state, at: String(given.get("at") ?? ""), q: String(given.get("q") ?? "") });
  };
  return h(
    "section",
    { class: "panel records", "aria-label": "Records of the log" },
    h("h2", null, `Records of ${topic.name}, partition ${state.partition}`),
    h("form", { class: "controls", onSubmit: submit, key: `${topic.name}/${asked}` }, [
      h(Choice, {
        label: "Partition",
        value: String(state.partition),
        options: topic.partitions.map(({ partition }) => [String(partition), `partition ${partition}`]),
        onChoice: (partition) => go({ ...state, partition: Number(partition), at: "" }),
      }),
      h("input", {
        name: "at",
        defaultValue: state.at,
        placeholder: "offset, earliest, latest or a time",
        "aria-label": "From: an offset, earliest, latest or a time",
      }),
      h("input", {
        name: "q",
        type: "search",
        defaultValue: state.q,
        placeholder: "key or value contains",
        "aria-label": "Text that key or value contains",
      }),
      h("button", { type: "submit" }, "Show"),
      page !== null && page.next < page.end &&
      h(
        "button",
        { type: "button", onClick: () => go({ ...state, at: String(page.next) }) },
        `Next, from ${page.next}`,
      ),
      h("button", { type: "button", onClick: () => go({ ...state, at: "earliest" }) }, "First"),
      h("button", { type: "button", onClick: () => go({ ...state, at: "" }) }, "Newest"),
    ]),
    problem !== "" && h("p", { role: "alert" }, problem),
    page === null ? problem === "" && h("p", null, "Loading…") : page.records.length === 0
      ? h(
        "p",
        null,
        page.next < page.end
          ? `None up to offset ${page.next}: go on from there.`
          : "No record fits from there to the end.",
      )
      : h(
        "ol",
        null,
        page.records.map(({ offset, timestamp, key, value, valueBytes }) =>
          h("li", { key: offset }, [
            h(
              "details",
              null,
              h("summary", null, [
                h("time", { dateTime: timestamp }, timestamp.slice(0, 23).replace("T", " ")),
                h("b", { class: "level" }, offset),
                key !== null && h("bdi", { class: "service" }, inert(key)),
                h("bdi", { class: "said" }, value === null ? "(no value)" : inert(value)),
              ]),
              h(
                "p",
                null,
                `${valueBytes.toLocaleString("en")} bytes, ${key === null ? "no key" : `key ${inert(key)}`}`,
              ),
              h(
                "pre",
                { tabIndex: 0, "aria-label": "record as it lies in the log" },
                h("bdi", null, inert(value ?? "")),
              ),
            ),
          ])
        ),
      ),
  );
}

const root = document.getElementById("topics");
if (root !== null) render(h(Page, {}), root);
