/** Records that could not be parsed, with the reason. */
import { h } from "preact";
import { ask, quarantineAnswer, type QuarantineRecord, type TopicInfo } from "./api.ts";
import { inert } from "./inert.ts";
import { parametersOf } from "./load.ts";
import { usePages } from "./pages.ts";
import { RecordList } from "./record_list.ts";
import { momentOf, stampOf, zoneName } from "./times.ts";
import type { ViewState } from "./url_state.ts";

export function Quarantine({ view, topic }: { readonly view: ViewState; readonly topic: TopicInfo }) {
  const query = parametersOf(view, topic);
  const pages = usePages(JSON.stringify(query), view.range.kind === "relative", (cursor, limit, signal) => {
    const more: [string, string][] = [["limit", String(limit)]];
    if (cursor !== null) more.push(["cursor", cursor]);
    return ask("/api/v1/quarantine", quarantineAnswer, [...query, ...more], signal);
  });
  return h(RecordList<QuarantineRecord>, {
    label: "Quarantine: records that could not be parsed",
    empty: h("p", null, "Every record that came in this range could be parsed."),
    pages,
    total: null,
    look: zoneName(),
    row: ({ recordTime, reason, raw }) => [
      h("time", { dateTime: recordTime, title: stampOf(Date.parse(recordTime)) }, momentOf(Date.parse(recordTime))),
      h("span", { class: "level reason" }, reason.replaceAll("_", " ")),
      h("span", { class: "said" }, h("bdi", null, inert(raw.slice(0, 2000)))),
    ],
    detail: ({ recordTime, partition, offset, reason, raw }) => [
      h("p", null, [
        `${stampOf(Date.parse(recordTime))}, partition ${partition}, offset ${offset}: ${
          reason.replaceAll("_", " ")
        }. `,
        h(
          "a",
          { href: `/topics?${new URLSearchParams({ topic: topic.name, partition: `${partition}`, at: `${offset}` })}` },
          "Where it lies in the log",
        ),
      ]),
      h("pre", { tabIndex: 0, "aria-label": "record as it came" }, h("bdi", null, inert(raw))),
    ],
  });
}
