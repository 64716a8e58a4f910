/** Live tail: events as they are stored, held while somebody looks at them, with everything that is left out counted. */
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EventRecord } from "./api.ts";
import { EventDetail, EventRow } from "./event_row.ts";
import { onTail, type StreamState, useStreamState } from "./live.ts";
import { isRead, keyOf } from "./pages.ts";
import type { Narrow } from "./parts.ts";
import { EMPTY_TAIL, KEPT_MAX, released, type TailState, withNews } from "./tail_state.ts";
import { zoneName } from "./times.ts";
import { VirtualList } from "./virtual_list.ts";

const grouped = new Intl.NumberFormat("en");

/** What the tail is doing: paused it gathers, stopped it does not listen. */
export type TailMode = "running" | "paused" | "stopped";

const SAID: Readonly<Record<StreamState, string>> = {
  closed: "Stopped: what came is kept.",
  connecting: "Connecting…",
  open: "Live.",
  broken: "The gateway does not answer: this page tries again by itself, and misses nothing of the last hour.",
  refused: "The gateway refused to tell events as they come: too many follow it. The Events tab is asked for instead.",
};

export function Tail({ topic, filter, wanted, mode, onMode, narrow, onRange }: {
  readonly topic: string;
  /** What chooses events, in words. */
  readonly filter: string;
  readonly wanted: string;
  readonly mode: TailMode;
  readonly onMode: (mode: TailMode) => void;
  readonly narrow: Narrow;
  readonly onRange: (fromMs: number, toMs: number) => void;
}) {
  const viewport = useRef<HTMLDivElement>(null);
  const stream = useStreamState();
  const [state, setState] = useState<TailState>(EMPTY_TAIL);
  const held = useRef(mode);
  held.current = mode;
  useEffect(
    () => onTail((news) => setState((before) => withNews(before, news, isHeld(held.current, viewport.current)))),
    [],
  );
  // What waited because the list was read is shown with the next news, or at once where somebody asks for it.
  useEffect(() =>
    onTail(() => {
      if (!isHeld(held.current, viewport.current)) {
        setState((before) => before.waiting.length > 0 ? released(before) : before);
      }
    }), []);
  const { rows, waiting } = state;
  const show = () => {
    if (viewport.current !== null) viewport.current.scrollTop = 0;
    setState(released);
  };
  return [
    h("div", { class: "list-head" }, [
      h(Buttons, { mode, onMode, onClear: () => setState(EMPTY_TAIL), rows: [...waiting, ...rows], topic }),
      h("span", { class: "live-state", "data-state": mode === "running" ? stream : mode }, [
        mode === "paused" ? "Paused: what comes waits." : SAID[mode === "stopped" ? "closed" : stream],
      ]),
      waiting.length > 0 &&
      h("button", { type: "button", class: "pill", onClick: show }, `${grouped.format(waiting.length)} new: show them`),
    ]),
    h(Counts, { state }),
    rows.length === 0
      ? h(
        "div",
        { class: "empty" },
        mode === "stopped"
          ? h("p", null, "Start to follow what is stored from now on.")
          : h("p", null, `Waiting for events${filter === "" ? "" : ` with ${filter}`}: none has come yet.`),
      )
      : h(VirtualList<EventRecord>, {
        label: "Live tail, newest first",
        items: rows,
        keyOf,
        viewport,
        look: zoneName() + wanted,
        row: (event) => h(EventRow, { event, wanted }),
        detail: (event) => h(EventDetail, { event, topic, wanted, narrow, onAround: onRange }),
      }),
  ];
}

const isHeld = (mode: TailMode, viewport: HTMLElement | null): boolean => mode !== "running" || isRead(viewport);

function Buttons({ mode, onMode, onClear, rows, topic }: {
  readonly mode: TailMode;
  readonly onMode: (mode: TailMode) => void;
  readonly onClear: () => void;
  readonly rows: readonly EventRecord[];
  readonly topic: string;
}) {
  const button = (text: string, onClick: () => void, isMain = false) =>
    h("button", { type: "button", class: isMain ? "main" : undefined, onClick }, text);
  return h("span", { class: "buttons" }, [
    mode === "running" && button("Pause", () => onMode("paused")),
    mode === "paused" && button("Resume", () => onMode("running"), true),
    mode === "stopped" ? button("Start", () => onMode("running"), true) : button("Stop", () => onMode("stopped")),
    rows.length > 0 && button("Clear", onClear),
    rows.length > 0 && button("Save as NDJSON", () => save(rows, `${topic}-tail.ndjson`)),
  ]);
}

/** A file of what is here, oldest first. */
function save(rows: readonly EventRecord[], name: string): void {
  const text = rows.toReversed().map((event) => `${JSON.stringify(event)}\n`).join("");
  const href = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = href;
  link.download = name;
  link.click();
  URL.revokeObjectURL(href);
}

const DROPPED = "skipped, too fast";

function Counts({ state: { rows, waiting, records, matched, dropped, trimmed } }: { readonly state: TailState }) {
  const figures: readonly (readonly [string, number, string])[] = [
    ["received", records, "Records stored since the tail was started, whatever is in them"],
    ["matching", matched, "Events among them that match the conditions, the levels and the text"],
    ["in this list", rows.length + waiting.length, `Events to look at here: the newest ${grouped.format(KEPT_MAX)}`],
    ["rolled off", trimmed, "Matching events that were in this list and made room for newer ones"],
    [
      DROPPED,
      dropped,
      "Matching events that came faster than this page could be told: narrow the filter, or see the Events tab, which " +
      "has them all",
    ],
  ];
  return h(
    "dl",
    { class: "counts" },
    figures.map(([name, value, title]) =>
      h("div", { title, "data-alarm": name === DROPPED && value > 0 }, [
        h("dt", null, name),
        h("dd", null, grouped.format(value)),
      ])
    ),
  );
}
