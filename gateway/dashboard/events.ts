/** The events of a view, newest first: what they say, their fields to narrow by, and the record as it came. */
import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type EventRecord, eventsAnswer, type TopicInfo } from "./api.ts";
import { inert } from "./inert.ts";
import { parametersOf } from "./load.ts";
import { type Narrow, Value } from "./parts.ts";
import type { ViewState } from "./url_state.ts";

const PAGE = 100;
const REFRESH_MS = 5000;

interface Page {
  readonly events: readonly EventRecord[];
  readonly nextCursor: string | null;
}

const keyOf = ({ partition, offset }: EventRecord): string => `${partition}/${offset}`;

export function Events({ view, topic, narrow }: {
  readonly view: ViewState;
  readonly topic: TopicInfo;
  readonly narrow: Narrow;
}) {
  const [page, setPage] = useState<Page | null>(null);
  /** Came while somebody was reading: shown when asked for. */
  const [waiting, setWaiting] = useState<Page | null>(null);
  const [problem, setProblem] = useState("");
  const isHeld = useRef(false);
  const list = useRef<HTMLOListElement>(null);
  const query: [string, string][] = [
    ...parametersOf(view, topic),
    ...view.where.map((condition): [string, string] => ["where", condition]),
    ["limit", String(PAGE)],
  ];
  if (view.q !== "") query.push(["q", view.q]);

  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    isHeld.current = false;
    setPage(null);
    setWaiting(null);
    const refresh = async (isFirst: boolean) => {
      try {
        const next = await ask("/api/v1/events", eventsAnswer, query);
        if (isLeft) return;
        const isRead = isHeld.current || list.current?.querySelector("details[open]") !== null;
        if (isFirst || !isRead) setPage(next);
        else setWaiting(next);
        setProblem("");
      } catch (error) {
        if (!isLeft) setProblem(error instanceof Error ? error.message : String(error));
      }
      if (!isLeft && view.range.kind === "relative") timer = setTimeout(refresh, REFRESH_MS, false);
    };
    refresh(true);
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [view, topic.name]);

  const older = async (cursor: string) => {
    isHeld.current = true; // or the next refresh would take the older ones away
    try {
      const next = await ask("/api/v1/events", eventsAnswer, [...query, ["cursor", cursor]]);
      setPage((before) => ({ ...next, events: [...before?.events ?? [], ...next.events] }));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  const showWaiting = () => {
    isHeld.current = false;
    setPage(waiting);
    setWaiting(null);
  };
  const known = new Set(page?.events.map(keyOf));
  const fresh = waiting === null ? 0 : waiting.events.filter((event) => !known.has(keyOf(event))).length;

  return h(
    "section",
    { class: "panel events", "aria-label": "Events" },
    h("h2", null, "Events, newest first"),
    problem !== "" && h("p", { role: "alert" }, problem),
    fresh > 0 && h(
      "button",
      { type: "button", class: "pill", onClick: showWaiting },
      `${fresh === PAGE ? `${PAGE} or more` : fresh} new: show them`,
    ),
    page === null
      ? problem === "" && h("p", null, "Loading…")
      : page.events.length === 0
      ? h("p", null, "No event of this range fits: take a longer range, fewer conditions, or another text.")
      : h("ol", { ref: list }, page.events.map((event) => h(Event, { key: keyOf(event), event, narrow }))),
    page !== null && page.nextCursor !== null &&
      h("button", { type: "button", onClick: () => older(page.nextCursor ?? "") }, "Show older ones"),
  );
}

/** What an event says in a line. */
function saidBy({ fields, raw }: EventRecord): string {
  const { message, method, endpoint, status } = fields;
  if (message !== undefined) return message;
  const request = [status, method, endpoint].filter((part) => part !== undefined).join(" ");
  return request === "" ? raw : request;
}

function Event({ event, narrow }: { readonly event: EventRecord; readonly narrow: Narrow }) {
  const { timestamp, fields, measures, partition, offset, raw } = event;
  const level = fields.level ?? "";
  return h(
    "li",
    null,
    h(
      "details",
      null,
      h(
        "summary",
        null,
        h("time", { dateTime: timestamp }, timestamp.slice(0, 23).replace("T", " ")),
        h("b", { class: "level", "data-level": level }, inert(level) || "–"),
        fields.service !== undefined && h("bdi", { class: "service" }, inert(fields.service)),
        h("bdi", { class: "said" }, inert(saidBy(event))),
      ),
      h("dl", { class: "fields" }, [
        ...Object.entries(fields).map(([field, value]) => [
          h("dt", null, field),
          h("dd", null, h(Value, { field, value, narrow })),
        ]),
        ...Object.entries(measures).map(([name, value]) => [h("dt", null, name), h("dd", null, String(value))]),
        [h("dt", null, "partition, offset"), h("dd", null, `${partition}, ${offset}`)],
      ]),
      h("pre", { tabIndex: 0, "aria-label": "record as it came" }, h("bdi", null, inert(raw))),
    ),
  );
}
