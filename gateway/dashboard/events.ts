/** The events of a view, and how many there are. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, askAhead, countAnswer, type EventRecord, eventsAnswer, type TopicInfo } from "./api.ts";
import { EventDetail, EventRow } from "./event_row.ts";
import { parametersOf } from "./load.ts";
import { FIRST_PAGE, usePages } from "./pages.ts";
import type { Narrow } from "./parts.ts";
import { RecordList } from "./record_list.ts";
import { zoneName } from "./times.ts";
import type { ViewState } from "./url_state.ts";

const grouped = new Intl.NumberFormat("en");
/** After the list, and not with each letter that is typed. */
const COUNT_AFTER_MS = 700;

/** Range, conditions and text as the API takes them. */
export function eventParameters(view: ViewState, topic: Pick<TopicInfo, "name">): [string, string][] {
  const query: [string, string][] = [
    ...parametersOf(view, topic),
    ...view.where.map((condition): [string, string] => ["where", condition]),
  ];
  if (view.q !== "") query.push(["q", view.q]);
  return query;
}

const PATH = "/api/v1/events";

/** Asks for the newest events before the list is there to do so: they are what a page is waited for. */
export function askEventsAhead(view: ViewState, topic: string): void {
  if (view.tab === "events") askAhead(PATH, [...eventParameters(view, { name: topic }), ["limit", String(FIRST_PAGE)]]);
}

export function Events({ view, topic, narrow, onRange, empty }: {
  readonly view: ViewState;
  readonly topic: TopicInfo;
  readonly narrow: Narrow;
  readonly onRange: (fromMs: number, toMs: number) => void;
  readonly empty: preact.ComponentChildren;
}) {
  const query = eventParameters(view, topic);
  const name = JSON.stringify(query);
  const pages = usePages(name, view.range.kind === "relative", async (cursor, limit, signal) => {
    const more: [string, string][] = [["limit", String(limit)], ...cursor === null ? [] : [["cursor", cursor] as const]]
      .map(([key, value]) => [key, value]);
    const { events, nextCursor } = await ask(PATH, eventsAnswer, [...query, ...more], signal);
    return { records: events, nextCursor };
  });
  return h(RecordList<EventRecord>, {
    label: "Events, newest first",
    empty,
    pages,
    total: useTotal(query, name),
    look: zoneName() + view.q,
    row: (event) => h(EventRow, { event, wanted: view.q }),
    detail: (event) => h(EventDetail, { event, topic: topic.name, wanted: view.q, narrow, onAround: onRange }),
  });
}

/** How many events there are, once nobody types any more; null while that is not known. */
function useTotal(query: [string, string][], name: string): string | null {
  const [total, setTotal] = useState<string | null>(null);
  useEffect(() => {
    const left = new AbortController();
    setTotal(null);
    const timer = setTimeout(() => {
      ask("/api/v1/count", countAnswer, [["table", "events"], ...query], left.signal).then(
        ({ rows, isAll }) => setTotal(`${grouped.format(rows)}${isAll ? "" : " or more"}`),
        () => {}, // others count already: the list says enough
      );
    }, COUNT_AFTER_MS);
    return () => {
      left.abort();
      clearTimeout(timer);
    };
  }, [name]);
  return total;
}
