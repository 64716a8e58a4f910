/** The dashboard: the address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Announcer } from "./announcer.ts";
import { askAhead, wordsOf } from "./api.ts";
import { withCondition } from "./conditions.ts";
import { Chips, Choice, Heading } from "./controls.ts";
import { askEventsAhead } from "./events.ts";
import { type FlowPoint, withPoint } from "./flow.ts";
import { repeat, useLive } from "./live.ts";
import { inert } from "./inert.ts";
import { newestMs } from "./liveliest.ts";
import { load, type Shown } from "./load.ts";
import { tailParameters } from "./logs.ts";
import { nothingFits, Overview } from "./overview.ts";
import { lengthOf, Outage } from "./parts.ts";
import { RangeControl } from "./range_control.ts";
import { startSettings, useSettings } from "./settings.ts";
import { SettingsDialog } from "./settings_dialog.ts";
import { Strip } from "./strip.ts";
import type { TailMode } from "./tail.ts";
import { zoneName } from "./times.ts";
import { frozen, readView, type ViewState, writeView } from "./url_state.ts";
import { useLinkedView, ViewsMenu } from "./views_menu.ts";

/** Behind by so much, figures are not those of now. */
const LAGGING_SECONDS = 30;

type Go = (next: ViewState, isStep?: boolean) => void;

/** The view of the address, and how to go to another; `isStep` false takes the place of the one before in the history. */
function useView(): [ViewState, Go] {
  const [view, setView] = useState(() => readView(location.search));
  useEffect(() => {
    const back = () => setView(readView(location.search));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);
  const go: Go = (next, isStep = true) => {
    const address = location.pathname + writeView(next);
    if (isStep) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    setView(next);
  };
  useLinkedView((query) => go(readView(query), false));
  return [view, go];
}

interface Loaded {
  readonly shown: Shown | null;
  readonly problem: string;
  readonly flow: readonly FlowPoint[];
  readonly refresh: () => Promise<void>;
}

/** What the view shows, asked for again as long as its range moves. */
function useShown(view: ViewState, tail: string | null): Loaded {
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");
  const [flow, setFlow] = useState<readonly FlowPoint[]>([]);
  const latest = useRef<() => Promise<void>>(() => Promise.resolve());
  const unnamed = useRef<string | null>(null);
  const { slaTarget, refreshSeconds } = useSettings();
  const { topic, range, where, by } = view;
  const isMoving = range.kind === "relative" && refreshSeconds > 0;
  const topicName = shown?.topic?.name;
  useLive(isMoving || tail !== null ? topicName : undefined, tail);
  useEffect(() => setFlow([]), [topicName]);
  // Not after the first frame, which has nothing yet.
  useLayoutEffect(() => {
    let isLeft = false;
    const turns = { asked: 0, shown: 0 };
    const refresh = async () => {
      const turn = ++turns.asked;
      try {
        const early = (known: Shown) => {
          if (isLeft) return;
          if (known.topic !== undefined && turn === 1) askEventsAhead(view, known.topic.name);
          setShown((before) => before?.topic?.name === known.topic?.name ? before : known);
        };
        const next = await load(view, { target: slaTarget, before: unnamed.current }, early);
        if (isLeft || turn < turns.shown) return; // asked for before what is shown
        turns.shown = turn;
        if (topic === null) unnamed.current = next.topic?.name ?? null;
        setShown(next);
        setProblem("");
        if (next.topic !== undefined) {
          const { totals: { events, unparsed }, lagRecords, lagSeconds } = next.topic;
          setFlow((points) =>
            withPoint(points, { atMs: next.atMs, stored: events + unparsed, lagRecords, lagSeconds })
          );
        }
      } catch (error) {
        if (!isLeft) setProblem(wordsOf(error));
      }
    };
    latest.current = refresh;
    const stop = repeat(refresh, isMoving);
    return () => {
      isLeft = true;
      stop();
    };
    // Not the text, which is the events' alone.
  }, [topic, JSON.stringify(range), where.join("\n"), by, slaTarget, refreshSeconds]);
  return { shown, problem, flow, refresh: () => latest.current() };
}

function Dashboard() {
  const [view, go] = useView();
  const [tailMode, setTailMode] = useState<TailMode>("running");
  const [isSettings, setSettings] = useState(false);
  const isTailing = view.tab === "tail" && tailMode !== "stopped";
  const { shown, problem, flow, refresh } = useShown(view, isTailing ? tailParameters(view) : null);
  const latest = useRef(view);
  latest.current = view;
  const onView = (changes: Partial<ViewState>, isStep?: boolean) => go({ ...latest.current, ...changes }, isStep);
  const narrow = (field: string, value: string, isIncluded: boolean) =>
    onView({ where: withCondition(latest.current.where, field, value, isIncluded) });
  const onRange = (fromMs: number, toMs: number) => onView({ range: { kind: "absolute", fromMs, toMs } });
  const { topic, summary } = shown ?? {};
  return [
    h(Controls, { view, go, shown, onSettings: () => setSettings(true) }),
    h(Banner, { shown, problem }),
    h(
      "main",
      { "data-stale": problem !== "" && shown !== null },
      shown === null
        ? problem === "" && h("p", { class: "panel span-6" }, "Loading…")
        : topic === undefined
        ? h(NoTopic, { view, topics: shown.topics })
        : [
          h(Strip, {
            topic,
            status: shown.status,
            analyzer: shown.analyzer,
            flow,
            nowMs: shown.atMs,
            onQuarantine: () => onView({ tab: "quarantine" }),
          }),
          h(Overview, {
            shown,
            view,
            topic,
            summary,
            narrow,
            onRange,
            onView,
            tailMode,
            onTailMode: setTailMode,
            onSettings: () => setSettings(true),
            refresh,
            empty: nothingFits({ view, topic, onView, newestMs: newestMs(topic) }),
          }),
        ],
    ),
    h(SettingsDialog, { page: "dashboard", isOpen: isSettings, onClose: () => setSettings(false) }),
    h(Announcer, {}),
  ];
}

/** What to do where there is nothing at all, or not what the address names. */
function NoTopic({ view, topics }: { readonly view: ViewState; readonly topics: Shown["topics"] }) {
  if (view.topic === null || topics.length === 0) {
    return h("div", { class: "panel empty" }, [
      h("p", null, "No topic has records yet. Send some, or let some be made:"),
      h("pre", null, "deno task produce --file access.log --topic access\ndeno task dev"),
    ]);
  }
  const linkTo = (topic: string) => location.pathname + writeView({ ...view, topic, where: [], by: "" });
  return h("div", { class: "panel empty" }, [
    h("p", { role: "alert" }, `there is no topic ${inert(view.topic)}`),
    h("p", null, [
      "Topics: ",
      topics.map(({ name }, at) => [at > 0 && ", ", h("a", { href: linkTo(name) }, name)]),
      ".",
    ]),
    h("p", null, ["The first record makes it: ", h("code", null, "deno task produce --file FILE --topic TOPIC")]),
  ]);
}

/** What holds for all that is shown: that it is old, or behind. */
function Banner({ shown, problem }: { readonly shown: Shown | null; readonly problem: string }) {
  if (problem !== "") {
    return h(Outage, { problem, knownMs: shown?.atMs });
  }
  const topic = shown?.topic;
  if (topic === undefined) return null;
  if (topic.gaps.length > 0) {
    const gaps = topic.gaps.map(({ partition, start, end }) => `${end - start} of partition ${partition}`).join(", ");
    return h("p", { role: "alert" }, `Records are missing: the log no longer held ${gaps} when they were to be read.`);
  }
  if (topic.lagSeconds < LAGGING_SECONDS) return null;
  return h("p", { class: "banner floating", role: "status" }, [
    `Behind by ${lengthOf(topic.lagSeconds)}: the newest minutes are not complete yet. `,
    h("a", { href: `/topics?${new URLSearchParams({ topic: topic.name })}` }, "Which partitions"),
    ", or ",
    h("code", null, "deno task doctor"),
    " says why.",
  ]);
}

function Controls({ view, go, shown, onSettings }: {
  readonly view: ViewState;
  readonly go: Go;
  readonly shown: Shown | null;
  readonly onSettings: () => void;
}) {
  useSettings(); // of which the zone is one
  return h(
    "header",
    null,
    h(Heading, { current: "dashboard" }),
    h("div", { class: "tools" }, [
      h(ViewsMenu, {
        page: "dashboard",
        holds: "topic, range, conditions, text",
        query: writeView(view),
        onOpen: ({ query }) => go(readView(query)),
      }),
      h(Share, { view, go }),
      h("button", { type: "button", onClick: onSettings }, "Settings"),
    ]),
    h("div", { class: "scope" }, [
      h(Choice, {
        label: "Topic",
        value: shown?.topic?.name ?? "",
        options: [
          ...shown !== null && shown.topic === undefined ? [["", "choose a topic"]] : [],
          ...shown?.topics.map(({ name }) => [name]) ?? [],
        ],
        onChoice: (topic) => go({ ...view, topic, where: [], by: "" }),
      }),
      h(RangeControl, { range: view.range, onRange: (range) => go({ ...view, range }) }),
      h("button", {
        type: "button",
        class: "link zone",
        title: `Times are of ${zoneName()}; the settings have others`,
        onClick: onSettings,
      }, zoneName()),
      h(Chips, { where: view.where, onChange: (where) => go({ ...view, where }) }),
    ]),
  );
}

/** Freezes the range, so that a link shows the same to everybody, also tomorrow, and copies it. */
function Share({ view, go }: { readonly view: ViewState; readonly go: Go }) {
  const [told, setTold] = useState("");
  const share = async () => {
    go(frozen(view, Date.now()));
    try {
      await navigator.clipboard.writeText(location.href);
      setTold("Link copied");
    } catch {
      setTold("The address has it"); // the browser does not let pages copy
    }
    setTimeout(() => setTold(""), 2_000);
  };
  return h("button", {
    type: "button",
    title: "Freezes the range: the link then shows the same to everybody, also tomorrow",
    onClick: share,
  }, told === "" ? "Share" : told);
}

/** What is drawn first is asked for first, before anything is drawn. */
function askFirst(): void {
  const view = readView(location.search);
  askAhead("/api/v1/topics");
  askAhead("/api/v1/status");
  if (view.topic !== null) askEventsAhead(view, view.topic);
}

askFirst();
startSettings();
const root = document.getElementById("dashboard");
if (root !== null) render(h(Dashboard, {}), root);
