/** An event in a list: what it says in a line, and opened its fields to narrow by and the record as it came. */
import { h } from "preact";
import { useState } from "preact/hooks";
import type { EventRecord } from "./api.ts";
import { inert } from "./inert.ts";
import { MarkedText } from "./marked_text.ts";
import { type Narrow, Value } from "./parts.ts";
import { momentOf, stampOf } from "./times.ts";

const AROUND_MS = 60_000;
const TOLD_MS = 1_500;

/** What an event says in a line. */
function saidBy({ fields, raw }: EventRecord): string {
  const { message, method, endpoint, status } = fields;
  if (message !== undefined) return message;
  const request = [status, method, endpoint].filter((part) => part !== undefined).join(" ");
  return request === "" ? raw : request;
}

export function EventRow({ event, wanted }: { readonly event: EventRecord; readonly wanted: string }) {
  const { timestamp, fields } = event;
  const ms = Date.parse(timestamp);
  const level = fields.level ?? "";
  return [
    h("time", { dateTime: timestamp, title: stampOf(ms) }, momentOf(ms)),
    h("span", { class: "level", "data-level": level }, inert(level) || "–"),
    h("bdi", { class: "service" }, inert(fields.service ?? fields.host ?? "")),
    h("span", { class: "said" }, h(MarkedText, { text: saidBy(event), wanted, isShort: true })),
  ];
}

export function EventDetail({ event, topic, wanted, narrow, onAround }: {
  readonly event: EventRecord;
  readonly topic: string;
  readonly wanted: string;
  readonly narrow: Narrow;
  /** Shows everything of the topic around a time. */
  readonly onAround: (fromMs: number, toMs: number) => void;
}) {
  const { timestamp, fields, measures, partition, offset, raw } = event;
  const ms = Date.parse(timestamp);
  const place = new URLSearchParams({ topic, partition: String(partition), at: String(offset) });
  return [
    h("div", { class: "actions" }, [
      h(Copy, { text: raw }),
      h(
        "button",
        { type: "button", onClick: () => onAround(ms - AROUND_MS, ms + AROUND_MS) },
        "Everything a minute around it",
      ),
      h("a", { href: `/topics?${place}` }, "Where it lies in the log"),
    ]),
    h("dl", { class: "fields" }, [
      h("dt", null, "time"),
      h("dd", null, timestamp),
      ...Object.entries(fields).map(([field, value]) => [
        h("dt", null, field),
        h("dd", null, h(Value, { field, value, narrow })),
      ]),
      ...Object.entries(measures).map(([name, value]) => [h("dt", null, name), h("dd", null, String(value))]),
      [h("dt", null, "partition, offset"), h("dd", null, `${partition}, ${offset}`)],
    ]),
    h("pre", { tabIndex: 0, "aria-label": "record as it came" }, h(MarkedText, { text: raw, wanted })),
  ];
}

function Copy({ text }: { readonly text: string }) {
  const [told, setTold] = useState("Copy record");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold("Copied");
    } catch {
      setTold("The browser does not let it"); // without TLS, but for this machine
    }
    setTimeout(() => setTold("Copy record"), TOLD_MS);
  };
  return h("button", { type: "button", onClick: copy }, told);
}
