/** The access report, drawn: by the page, and into the file that `report access` writes. */
import { type ComponentChildren, h } from "preact";
import { inert } from "./inert.ts";
import { Figure, type Narrow, Value } from "./parts.ts";
import {
  type AccessReport,
  type ReportColumn,
  reportFigures,
  type ReportTable,
  reportTables,
} from "./report_tables.ts";

/** About as high as the letters beside it. */
const BAR_PX = 14;
/** Of what is there at all. */
const LEAST_PERCENT = 1.5;

const grouped = new Intl.NumberFormat("en");

export function ReportView({ report, narrow }: {
  readonly report: AccessReport;
  /** Absent where nobody can click. */
  readonly narrow?: Narrow;
}) {
  if (report.lines === 0) {
    return h("p", { class: "panel" }, [
      "No request fits: take a longer period, or fewer conditions. ",
      h("code", null, "deno task produce --file access.log --topic access"),
      " sends some.",
    ]);
  }
  return [
    h("dl", { class: "strip" }, reportFigures(report).map((figure) => h(Figure, { key: figure.name, ...figure }))),
    reportTables(report).map((table) => h(Counted, { key: table.name, table, narrow })),
  ];
}

/** A table whose first number is drawn beside it. */
function Counted({ table, narrow }: { readonly table: ReportTable; readonly narrow?: Narrow }) {
  const { title, columns, rows } = table;
  const drawn = columns.findIndex(({ kind }) => kind === "number");
  const max = Math.max(1, ...rows.map((row) => Number(row[drawn])));
  return h(
    "section",
    // Wide ones scroll where there is little room: then the keyboard has to reach them.
    columns.length > 2 ? { class: "panel", tabIndex: 0, role: "region", "aria-label": title } : { class: "panel" },
    h("h2", null, title),
    rows.length === 0 ? h("p", null, "None.") : h(
      "table",
      { class: "counted" },
      h(
        "thead",
        null,
        h("tr", null, [
          h("th", { scope: "col" }, columns[0].name),
          h("td", { class: "bar", "aria-hidden": "true" }),
          columns.slice(1).map(({ name }) => h("th", { scope: "col" }, name)),
        ]),
      ),
      h(
        "tbody",
        null,
        rows.map((row) =>
          h("tr", { key: String(row[0]) }, [
            h(
              "th",
              { scope: "row", "data-kind": columns[0].field === undefined ? "label" : "value" },
              cellOf(columns[0], row[0], narrow),
            ),
            h("td", { class: "bar", "aria-hidden": "true" }, [
              h(Bar, { share: Number(row[drawn]) / max }),
            ]),
            row.slice(1).map((value, i) => h("td", null, cellOf(columns[i + 1], value, narrow))),
          ])
        ),
      ),
    ),
  );
}

/** Drawn, not styled: a page with a strict policy and a file that stands alone show the same. */
const Bar = ({ share }: { readonly share: number }) =>
  h("svg", { width: "100%", height: BAR_PX }, [
    h("rect", {
      width: `${share === 0 ? 0 : Math.max(LEAST_PERCENT, share * 100).toFixed(2)}%`,
      height: BAR_PX,
      rx: 2,
    }),
  ]);

function cellOf({ field, kind }: ReportColumn, value: string | number, narrow: Narrow | undefined): ComponentChildren {
  if (kind === "number") return grouped.format(Number(value));
  if (field !== undefined && narrow !== undefined) return h(Value, { field, value: String(value), narrow });
  return h("bdi", null, inert(String(value)));
}
