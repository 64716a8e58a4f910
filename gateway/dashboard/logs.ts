/** The panel of records: events to search, events as they come, and what could not be parsed. */
import { type ComponentChildren, h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary, TopicInfo } from "./api.ts";
import { chosenValues, withValues } from "./conditions.ts";
import { Events } from "./events.ts";
import { inert } from "./inert.ts";
import { compact, type Narrow } from "./parts.ts";
import { Quarantine } from "./quarantine.ts";
import { Tail, type TailMode } from "./tail.ts";
import type { Tab, ViewState } from "./url_state.ts";

/** A pause of whoever types, after which is searched. */
const TYPING_MS = 250;

const NONE: Summary["levels"] = [];
const TITLES: Readonly<Record<Tab, string>> = { events: "Events", tail: "Live tail", quarantine: "Quarantine" };

export interface LogsProps {
  readonly view: ViewState;
  readonly topic: TopicInfo;
  /** Absent as long as the figures are not there. */
  readonly summary: Summary | undefined;
  readonly narrow: Narrow;
  readonly onRange: (fromMs: number, toMs: number) => void;
  readonly onView: (changes: Partial<ViewState>, isStep?: boolean) => void;
  readonly tailMode: TailMode;
  readonly onTailMode: (mode: TailMode) => void;
  /** Said where no event fits. */
  readonly empty: ComponentChildren;
}

export function Logs(props: LogsProps) {
  const { view, topic, summary, narrow, onRange, onView, tailMode, onTailMode, empty } = props;
  const { unparsed } = topic.totals;
  return [
    h("div", { class: "bar" }, [
      h(
        "div",
        { class: "tabs", role: "group", "aria-label": "What is listed" },
        (["events", "tail", "quarantine"] as const).map((tab) =>
          h(
            "button",
            {
              key: tab,
              type: "button",
              "aria-pressed": view.tab === tab,
              onClick: () => onView({ tab }),
            },
            TITLES[tab],
            tab === "quarantine" && unparsed > 0 && h("span", { class: "badge" }, compact.format(unparsed)),
          )
        ),
      ),
      view.tab !== "quarantine" && h(Search, { q: view.q, onSearch: (q) => onView({ q }, false) }),
      view.tab !== "quarantine" && topic.dimensions.includes("level") &&
      h(Levels, { levels: summary?.levels ?? NONE, where: view.where, onWhere: (where) => onView({ where }) }),
    ]),
    view.tab === "events" && h(Events, { view, topic, narrow, onRange, empty }),
    view.tab === "tail" && h(Tail, {
      // Other filters are another tail.
      key: tailParameters(view),
      topic: topic.name,
      filter: [...view.where.map(inert), ...view.q === "" ? [] : [`“${inert(view.q)}”`]].join(", "),
      wanted: view.q,
      mode: tailMode,
      onMode: onTailMode,
      narrow,
      onRange,
    }),
    view.tab === "quarantine" && h(Quarantine, { view, topic }),
  ];
}

/** What chooses the events of a tail, as the API takes it. */
export function tailParameters({ where, q }: ViewState): string {
  const query = new URLSearchParams(where.map((condition) => ["where", condition]));
  if (q !== "") query.set("q", q);
  return query.toString();
}

function Search({ q, onSearch }: { readonly q: string; readonly onSearch: (q: string) => void }) {
  const typing = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const latest = useRef(onSearch);
  latest.current = onSearch;
  useEffect(() => {
    // Back and forward change the text, too; whoever is typing is not disturbed.
    if (input.current !== null && typing.current === undefined) input.current.value = q;
  }, [q]);
  return h("input", {
    type: "search",
    "aria-label": "Text that events contain",
    placeholder: "text that events contain",
    ref: input,
    defaultValue: q,
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      const text = event.currentTarget.value;
      clearTimeout(typing.current);
      typing.current = setTimeout(() => {
        typing.current = undefined;
        latest.current(text);
      }, TYPING_MS);
    },
  });
}

function Levels({ levels, where, onWhere }: {
  readonly levels: Summary["levels"];
  readonly where: readonly string[];
  readonly onWhere: (where: readonly string[]) => void;
}) {
  const chosen = chosenValues(where, "level");
  // Those that were there before the view was narrowed to others.
  const [seen, setSeen] = useState<ReadonlyMap<string, number>>(new Map());
  useEffect(() => {
    setSeen((before) => new Map([...before, ...levels.map(({ level, count }) => [level, count] as const)]));
  }, [levels]);
  const toggle = (level: string) => {
    const next = new Set(chosen ?? []);
    if (!next.delete(level)) next.add(level);
    onWhere(withValues(where, "level", [...next]));
  };
  return h(
    "div",
    { class: "levels", role: "group", "aria-label": "Levels" },
    [...seen.keys()].filter((level) => level !== "UNPARSED").map((level) =>
      h("button", {
        key: level,
        type: "button",
        class: "level",
        "data-level": level,
        "aria-pressed": chosen?.includes(level) ?? false,
        onClick: () => toggle(level),
      }, inert(level) || "no level")
    ),
  );
}
