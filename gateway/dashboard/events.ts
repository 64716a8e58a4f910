/** The events of a view: what they say, their fields to narrow by, and the record as it came. */
import { h } from "preact";
import { ask, type EventRecord, eventsAnswer, type TopicInfo } from "./api.ts";
import { inert } from "./inert.ts";
import { parametersOf } from "./load.ts";
import { keyOf, PAGE, usePages } from "./pages.ts";
import { type Narrow, Value } from "./parts.ts";
import { RecordList } from "./record_list.ts";
import type { ViewState } from "./url_state.ts";

export function Events({ view, topic, narrow }: {
  readonly view: ViewState;
  readonly topic: TopicInfo;
  readonly narrow: Narrow;
}) {
  const query: [string, string][] = [
    ...parametersOf(view, topic),
    ...view.where.map((condition): [string, string] => ["where", condition]),
    ["limit", String(PAGE)],
  ];
  if (view.q !== "") query.push(["q", view.q]);
  const pages = usePages(JSON.stringify(query), view.range.kind === "relative", async (cursor) => {
    const more: [string, string][] = cursor === null ? [] : [["cursor", cursor]];
    const { events, nextCursor } = await ask("/api/v1/events", eventsAnswer, [...query, ...more]);
    return { records: events, nextCursor };
  });
  return h(RecordList<EventRecord>, {
    title: "Events, newest first",
    empty: "No event of this range fits: take a longer range, fewer conditions, or another text.",
    pages,
    item: (event) => h(Event, { key: keyOf(event), event, narrow }),
  });
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
