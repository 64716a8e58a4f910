/** A list of records, newest first, with what came meanwhile and what is older. */
import { type ComponentChildren, h } from "preact";
import { PAGE, type Pages } from "./pages.ts";

export function RecordList<T>({ title, empty, pages, item }: {
  readonly title: string;
  /** Said where there is none. */
  readonly empty: string;
  readonly pages: Pages<T>;
  readonly item: (record: T) => ComponentChildren;
}) {
  const { page, fresh, problem, showFresh, showOlder, list } = pages;
  return h(
    "section",
    { class: "panel records", "aria-label": title },
    h("h2", null, title),
    problem !== "" && h("p", { role: "alert" }, problem),
    fresh > 0 && h(
      "button",
      { type: "button", class: "pill", onClick: showFresh },
      `${fresh === PAGE ? `${PAGE} or more` : fresh} new: show them`,
    ),
    page === null
      ? problem === "" && h("p", null, "Loading…")
      : page.records.length === 0
      ? h("p", null, empty)
      : h("ol", { ref: list }, page.records.map(item)),
    page !== null && page.nextCursor !== null &&
      h("button", { type: "button", onClick: showOlder }, "Show older ones"),
  );
}
