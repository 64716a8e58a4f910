/** Lines of an error, numbered as summaries name them, with the way to each record. */
import { h } from "preact";
import type { Fingerprint } from "./errors_api.ts";
import { recordLink } from "./errors_links.ts";
import { Foreign } from "./errors_parts.ts";
import { messageIn } from "./errors_template.ts";
import { secondOf } from "./errors_times.ts";
import { stampOf } from "./times.ts";

export interface EvidenceLine {
  /** E1, E2… */
  readonly id: string;
  readonly text: string;
  /** Null where the line is no longer among those that are kept. */
  readonly place: { readonly time: string; readonly partition: number; readonly offset: number } | null;
}

/** The lines that are kept of a fingerprint, in the order of their times. */
export function keptLines({ exemplars }: Pick<Fingerprint, "exemplars">): EvidenceLine[] {
  return exemplars.toSorted((a, b) =>
    Date.parse(a.time) - Date.parse(b.time) || a.partition - b.partition || a.offset - b.offset
  ).map(({ text, ...place }, at) => ({ id: `E${at + 1}`, text, place }));
}

/** The lines that a summary was written from; those that are still kept have their place. */
export function summaryLines(
  evidence: readonly { readonly id: string; readonly text: string }[],
  fingerprint: Pick<Fingerprint, "exemplars"> | undefined,
): EvidenceLine[] {
  const places = new Map(fingerprint?.exemplars.map(({ text, ...place }) => [text, place]));
  return evidence.map(({ id, text }) => ({ id, text, place: places.get(text) ?? null }));
}

export function Evidence({ lines, topic, scope, marked, nowMs }: {
  readonly lines: readonly EvidenceLine[];
  readonly topic: string;
  /** Tells the ids of one list from those of another. */
  readonly scope: string;
  /** Those that somebody wants to see. */
  readonly marked: readonly string[];
  readonly nowMs: number;
}) {
  return h(
    "ol",
    { class: "evidence" },
    lines.map(({ id, text, place }) => {
      const said = messageIn(text);
      return h("li", { key: id, id: `${scope}-${id}`, "data-marked": marked.includes(id) ? "true" : undefined }, [
        h("span", { class: "eid" }, id, marked.includes(id) && h("span", { class: "unseen" }, " (marked)")),
        h("div", { class: "line" }, [
          place !== null && h(
            "time",
            { dateTime: place.time, title: stampOf(Date.parse(place.time)) },
            secondOf(Date.parse(place.time), nowMs),
          ),
          said === text ? h("code", null, h(Foreign, { text })) : h("details", null, [
            h("summary", null, h("code", null, h(Foreign, { text: said }))),
            h("pre", { tabIndex: 0, "aria-label": `${id}, the record` }, h(Foreign, { text })),
          ]),
        ]),
        place === null ? h("span", { class: "place" }, "no longer kept") : h(
          "a",
          {
            class: "place",
            href: recordLink(topic, place.partition, place.offset),
            title: "The record in the log, by partition and offset",
          },
          h("span", { class: "unseen" }, `${id}: the record at `),
          `${place.partition} · ${place.offset}`,
        ),
      ]);
    }),
  );
}
