/** Records that could not be parsed, with the reason: shown where a topic has any. */
import { h } from "preact";
import { ask, quarantineAnswer, type QuarantineRecord, type TopicInfo } from "./api.ts";
import { inert } from "./inert.ts";
import { parametersOf } from "./load.ts";
import { keyOf, PAGE, usePages } from "./pages.ts";
import { RecordList } from "./record_list.ts";
import type { ViewState } from "./url_state.ts";

export function Quarantine({ view, topic }: { readonly view: ViewState; readonly topic: TopicInfo }) {
  const query: [string, string][] = [...parametersOf(view, topic), ["limit", String(PAGE)]];
  const pages = usePages(JSON.stringify(query), view.range.kind === "relative", (cursor) => {
    const more: [string, string][] = cursor === null ? [] : [["cursor", cursor]];
    return ask("/api/v1/quarantine", quarantineAnswer, [...query, ...more]);
  });
  return h(RecordList<QuarantineRecord>, {
    title: "Quarantine: records that could not be parsed",
    empty: "None in this range, by the time they came.",
    pages,
    item: (record) =>
      h(
        "li",
        { key: keyOf(record) },
        h(
          "details",
          null,
          h("summary", null, [
            h("time", { dateTime: record.recordTime }, record.recordTime.slice(0, 23).replace("T", " ")),
            h("b", { class: "level" }, record.reason.replaceAll("_", " ")),
            h("bdi", { class: "said" }, inert(record.raw)),
          ]),
          h("p", null, `partition ${record.partition}, offset ${record.offset}`),
          h("pre", { tabIndex: 0, "aria-label": "record as it came" }, h("bdi", null, inert(record.raw))),
        ),
      ),
  });
}
