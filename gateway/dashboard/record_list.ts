/** A list of records, newest first, with what came meanwhile and what is older. */
import { type ComponentChildren, h } from "preact";
import { keyOf, LISTED_MAX, type Pages } from "./pages.ts";
import { VirtualList } from "./virtual_list.ts";

const grouped = new Intl.NumberFormat("en");

export function RecordList<T extends { readonly partition: number; readonly offset: number }>(
  { label, empty, pages, total, row, detail, look }: {
    readonly label: string;
    /** Said where there is none. */
    readonly empty: ComponentChildren;
    readonly pages: Pages<T>;
    /** How many there are in all, where that is known. */
    readonly total: string | null;
    readonly row: (record: T) => ComponentChildren;
    readonly detail: (record: T) => ComponentChildren;
    /** What rows depend on beside their record. */
    readonly look: string;
  },
) {
  const { page, fresh, problem, showFresh, showOlder, isLoadingOlder, viewport } = pages;
  const count = page?.records.length ?? 0;
  const rest = page === null || page.nextCursor === null
    ? "all there are"
    : count >= LISTED_MAX
    ? "as many as a list has; export the view for all of them"
    : isLoadingOlder
    ? "loading older ones…"
    : "older ones follow as you scroll";
  return [
    problem !== "" && h("p", { role: "alert" }, problem),
    h("div", { class: "list-head" }, [
      page !== null && count > 0 &&
      h("span", { class: "soft" }, `${grouped.format(count)}${total === null ? "" : ` of ${total}`}: ${rest}`),
      fresh > 0 && h(
        "button",
        { type: "button", class: "pill", onClick: showFresh },
        `${grouped.format(fresh)} new: show them`,
      ),
    ]),
    page === null
      ? problem === "" && h("p", { class: "empty" }, "Loading…")
      : count === 0
      ? h("div", { class: "empty" }, empty)
      : h(VirtualList<T>, { label, items: page.records, keyOf, row, detail, look, viewport, onEnd: showOlder }),
  ];
}
