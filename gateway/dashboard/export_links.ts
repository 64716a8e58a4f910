/** Files of exactly this view, with how many rows each has, and the command that fetches them. */
import { h } from "preact";
import { useState } from "preact/hooks";
import { ask, countAnswer, type TopicInfo, wordsOf } from "./api.ts";
import { minuteConditions, parametersOf } from "./load.ts";
import type { ViewState } from "./url_state.ts";

const FORMATS = ["csv", "parquet", "ndjson"];
const TABLES = ["events", "minutes", "hours", "quarantine"] as const;
type ExportTable = (typeof TABLES)[number];
const grouped = new Intl.NumberFormat("en");

export function ExportLinks({ view, topic }: { readonly view: ViewState; readonly topic: TopicInfo }) {
  const [chosen, setChosen] = useState<readonly [ExportTable, string]>(["events", "csv"]);
  const queryOf = (table: ExportTable): [string, string][] => {
    const conditions = table === "events"
      ? view.where.map((condition): [string, string] => ["where", condition])
      : table === "quarantine"
      ? []
      : minuteConditions(view, topic);
    return [["table", table], ...parametersOf(view, topic), ...conditions];
  };
  const addressOf = (table: ExportTable, format: string) =>
    `/api/v1/export?${new URLSearchParams([...queryOf(table), ["format", format]])}`;
  const address = JSON.stringify(TABLES.map(queryOf));
  return [
    h(RowCounts, { key: address, queryOf }),
    h(
      "ul",
      { class: "plain exports" },
      TABLES.map((table) =>
        h("li", { key: table }, [
          h("span", null, table),
          FORMATS.map((format) => [
            h("a", {
              key: format,
              href: addressOf(table, format),
              download: "",
              "aria-label": `${table} as ${format}`,
              onFocus: () => setChosen([table, format]),
              onMouseEnter: () => setChosen([table, format]),
            }, format),
            " ",
          ]),
        ])
      ),
    ),
    view.q !== "" &&
    h(
      "p",
      { class: "soft" },
      "Exports have all events of range and conditions: the searched text does not narrow them.",
    ),
    h(
      "pre",
      { tabIndex: 0, "aria-label": "the same with curl" },
      `curl -OJ "${location.origin}${addressOf(...chosen)}"`,
    ),
  ];
}

/** Counted when somebody wants to know: it may take a while. */
function RowCounts({ queryOf }: { readonly queryOf: (table: ExportTable) => [string, string][] }) {
  const [told, setTold] = useState<readonly string[] | null>(null);
  const count = async () => {
    setTold(["counting…"]);
    const counts: string[] = [];
    for (const table of TABLES) {
      try {
        const { rows, isAll } = await ask("/api/v1/count", countAnswer, queryOf(table));
        counts.push(`${table}: ${grouped.format(rows)} rows${isAll ? "" : ", and those in the archive"}`);
      } catch (error) {
        counts.push(`${table}: ${wordsOf(error)}`);
      }
      setTold([...counts]);
    }
  };
  return h("div", { class: "estimate", "aria-live": "polite" }, [
    told === null
      ? h("button", { type: "button", onClick: count }, "How many rows?")
      : h("ul", { class: "plain soft" }, told.map((line) => h("li", { key: line }, line))),
  ]);
}
