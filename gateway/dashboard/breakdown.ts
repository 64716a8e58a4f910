/** Events by the values of a dimension, largest first: the way from services to endpoints to events. */
import { h } from "preact";
import type { Summary, TopicInfo } from "./api.ts";
import { inert } from "./inert.ts";
import type { Breakdown } from "./load.ts";
import { compact, type Narrow, percent, Value } from "./parts.ts";
import { Sparkline } from "./sparkline.ts";

/** Points of a sparkline: more are not told apart. */
const POINTS_MAX = 60;

export function BreakdownTable({ breakdown, topic, narrow, onBy }: {
  readonly breakdown: Breakdown;
  readonly topic: TopicInfo;
  readonly narrow: Narrow;
  readonly onBy: (field: string) => void;
}) {
  const { field, rows } = breakdown;
  const most = Math.max(1, ...rows.map(({ count }) => count));
  return [
    h(
      "div",
      { class: "tabs small", role: "group", "aria-label": "Broken down by" },
      topic.dimensions.map((name) =>
        h("button", { key: name, type: "button", "aria-pressed": name === field, onClick: () => onBy(name) }, name)
      ),
    ),
    rows.length === 0
      ? h("p", { class: "empty" }, "No events in this range.")
      : h("div", { class: "scroll tall", tabIndex: 0, role: "region", "aria-label": `Events by ${field}` }, [
        h("table", { class: "breakdown" }, [
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              [field, "over time", "events", "errors"].map((head) =>
                h("th", { scope: "col", class: head === "over time" ? "over-time" : undefined }, head)
              ),
            ),
          ),
          h(
            "tbody",
            null,
            rows.map(({ value, count, errors, points }) =>
              h("tr", { key: value }, [
                h("th", { scope: "row" }, h(Value, { field, value, narrow })),
                h(
                  "td",
                  { class: "over-time" },
                  h(Sparkline, { values: fewer(points), label: `${inert(value) || "none"} over time` }),
                ),
                h("td", null, [
                  h("span", { class: "share", style: { "--share": count / most } }, compact.format(count)),
                ]),
                h(
                  "td",
                  { "data-alarm": errors > 0 },
                  errors === 0 ? "0" : `${compact.format(errors)} · ${percent(errors / count)}`,
                ),
              ])
            ),
          ),
        ]),
      ]),
  ];
}

/** The same shape in fewer points: the largest of each few. */
function fewer(points: readonly number[]): number[] {
  const every = Math.ceil(points.length / POINTS_MAX);
  return Array.from(
    { length: Math.ceil(points.length / every) },
    (_, i) => Math.max(...points.slice(i * every, (i + 1) * every)),
  );
}

export function LevelShares({ levels, narrow }: { readonly levels: Summary["levels"]; readonly narrow: Narrow }) {
  if (levels.length === 0) return h("p", { class: "empty" }, "No events in this range.");
  return h(
    "table",
    { class: "breakdown" },
    h("thead", null, h("tr", null, ["level", "events", "share"].map((head) => h("th", { scope: "col" }, head)))),
    h(
      "tbody",
      null,
      levels.map(({ level, count, share }) =>
        h("tr", { key: level }, [
          h("th", { scope: "row" }, h(Value, { field: "level", value: level, narrow })),
          h("td", null, compact.format(count)),
          h("td", null, h("span", { class: "share", style: { "--share": share } }, percent(share))),
        ])
      ),
    ),
  );
}
