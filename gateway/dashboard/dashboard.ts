/** The dashboard: the address is its state, the API its only source. */
import { h, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { wordsOf } from "./api.ts";
import { withCondition } from "./conditions.ts";
import { Chips, Choice, Heading } from "./controls.ts";
import { Events } from "./events.ts";
import { ExportLinks } from "./export_links.ts";
import { repeat, useLive } from "./live.ts";
import { load, type Shown } from "./load.ts";
import { Overview } from "./overview.ts";
import { Quarantine } from "./quarantine.ts";
import { frozen, rangeParameters, readView, type ViewState, writeView } from "./url_state.ts";

/** A pause of whoever types, after which is searched. */
const TYPING_MS = 300;
const RANGES: Readonly<Record<string, string>> = {
  "now-15m": "last 15 minutes",
  "now-1h": "last hour",
  "now-6h": "last 6 hours",
  "now-1d": "last day",
  "now-7d": "last 7 days",
};

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
  return [view, go];
}

/** What the view shows, asked for again as long as its range moves. */
function useShown(view: ViewState): [Shown | null, string] {
  const [shown, setShown] = useState<Shown | null>(null);
  const [problem, setProblem] = useState("");
  const { topic, range, where } = view;
  useLive(range.kind === "relative" ? shown?.topic?.name : undefined);
  useEffect(() => {
    let isLeft = false;
    const stop = repeat(async () => {
      try {
        const next = await load(view);
        if (!isLeft) setShown(next), setProblem("");
      } catch (error) {
        if (!isLeft) setProblem(wordsOf(error));
      }
    }, range.kind === "relative");
    return () => {
      isLeft = true;
      stop();
    };
  }, [topic, JSON.stringify(range), where.join("\n")]); // not the text, which is the events' alone
  return [shown, problem];
}

function Dashboard() {
  const [view, go] = useView();
  const [shown, problem] = useShown(view);
  const narrow = (field: string, value: string, isIncluded: boolean) =>
    go({ ...view, where: withCondition(view.where, field, value, isIncluded) });
  const onRange = (fromMs: number, toMs: number) => go({ ...view, range: { kind: "absolute", fromMs, toMs } });
  const { topic, summary } = shown ?? {};
  return [
    h(Controls, { view, go, shown }),
    problem !== "" && h("p", { role: "alert" }, problem),
    h(
      "main",
      null,
      shown === null
        ? problem === "" && h("p", { class: "panel" }, "Loading…")
        : topic === undefined || summary === undefined
        ? h(
          "p",
          { class: "panel" },
          "No topic has records yet. Send some: ",
          h("code", null, "deno task produce --file access.log --topic access"),
        )
        : [
          h(Overview, { shown, topic, summary, narrow, onRange }),
          h(Events, { view, topic, narrow }),
          topic.totals.unparsed > 0 && h(Quarantine, { view, topic }),
          h(ExportLinks, { view, topic }),
        ],
    ),
  ];
}

function Controls({ view, go, shown }: { readonly view: ViewState; readonly go: Go; readonly shown: Shown | null }) {
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Back and forward change the text, too; whoever is typing is not disturbed.
    if (input.current !== null && typing.current === undefined) input.current.value = view.q;
  }, [view.q]);
  const { from, to } = rangeParameters(view.range);
  const isRelative = view.range.kind === "relative";
  const current = isRelative ? from : `${from} – ${to}`;
  return h(
    "header",
    null,
    h(Heading, { current: "dashboard" }),
    h("input", {
      type: "search",
      "aria-label": "Text that events contain",
      placeholder: "search events",
      ref: input,
      defaultValue: view.q,
      onInput: (event: { currentTarget: HTMLInputElement }) => {
        const q = event.currentTarget.value;
        clearTimeout(typing.current);
        typing.current = setTimeout(() => {
          typing.current = undefined;
          go({ ...readView(location.search), q }, false); // what was clicked meanwhile stays
        }, TYPING_MS);
      },
    }),
    h(Choice, {
      label: "Topic",
      value: shown?.topic?.name ?? "",
      options: shown?.topics.map(({ name }) => [name]) ?? [],
      onChoice: (topic) => go({ ...view, topic, where: [] }),
    }),
    h(Choice, {
      label: "Range",
      value: current,
      options: Object.entries({ [current]: current, ...RANGES }),
      onChoice: (value) => go({ ...view, range: { kind: "relative", from: value } }),
    }),
    isRelative &&
      h("button", {
        type: "button",
        title: "The address then shows the same to everybody, also tomorrow",
        onClick: () => go(frozen(view, Date.now())),
      }, "Freeze to share"),
    h(Chips, { where: view.where, onChange: (where) => go({ ...view, where }) }),
  );
}

const root = document.getElementById("dashboard");
if (root !== null) render(h(Dashboard, {}), root);
