/** Files of exactly this view, and the command that fetches them. */
import { h } from "preact";
import type { TopicInfo } from "./api.ts";
import { minuteConditions, parametersOf } from "./load.ts";
import type { ViewState } from "./url_state.ts";

const FORMATS = ["csv", "parquet", "ndjson"];

export function ExportLinks({ view, topic }: { readonly view: ViewState; readonly topic: TopicInfo }) {
  const addressOf = (table: string, format: string) => {
    const conditions = table === "events"
      ? view.where.map((condition): [string, string] => ["where", condition])
      : minuteConditions(view, topic);
    const query = [["table", table], ["format", format], ...parametersOf(view, topic), ...conditions];
    return `/api/v1/export?${new URLSearchParams(query)}`;
  };
  const linksOf = (table: string) =>
    h("li", null, [
      `${table}: `,
      FORMATS.map((format) => [h("a", { href: addressOf(table, format), download: "" }, format), " "]),
    ]);
  return h(
    "section",
    { class: "panel" },
    h("h2", null, "Export this view"),
    h("ul", { class: "plain" }, ["events", "minutes", "hours"].map(linksOf)),
    view.q !== "" &&
      h("p", null, "Exports have all events of range and conditions: the searched text does not narrow them."),
    h(
      "pre",
      { tabIndex: 0, "aria-label": "the same with curl" },
      `curl -OJ "${location.origin}${addressOf("events", "csv")}"`,
    ),
  );
}
