/** Kinds of errors: how often, against what is usual, since when; each to be opened below its row. */
import { h } from "preact";
import { useRef } from "preact/hooks";
import type { Decide } from "./errors_actions.ts";
import { type Errors, type Fingerprint, FINGERPRINTS_MAX } from "./errors_api.ts";
import { useArranged } from "./errors_arranged.ts";
import { FingerprintDetail } from "./errors_fingerprint.ts";
import { Badge, Foreign, Pill, Spark, TemplateText } from "./errors_parts.ts";
import type { ErrorsView, Sort } from "./errors_state.ts";
import { Ago } from "./errors_times.ts";
import { counted, rateOf } from "./errors_words.ts";

export interface FingerprintsProps {
  readonly errors: Errors;
  readonly view: ErrorsView;
  readonly decide: Decide;
  readonly go: (changes: Partial<ErrorsView>) => void;
}

/** Columns; those with a sort are sorted by it, largest or latest first. */
const COLUMNS: readonly { readonly title: string; readonly name: string; readonly sort?: Sort }[] = [
  { title: "Kind of error", name: "kind" },
  { title: "Last 2 hours", name: "trend", sort: "recent" },
  { title: "Rate", name: "rate", sort: "change" },
  { title: "Total", name: "total", sort: "count" },
  { title: "First seen", name: "first", sort: "new" },
  { title: "Last seen", name: "last" },
];
const SORT_WORDS: Readonly<Record<Sort, string>> = {
  recent: "most in the last two hours",
  change: "furthest above usual",
  count: "most in all",
  new: "newest",
};

const keyOf = ({ id }: Fingerprint): string => id;

export function Fingerprints(props: FingerprintsProps) {
  const { errors, view, go } = props;
  const list = useRef<HTMLTableSectionElement>(null);
  const { opened } = errors;
  const isElsewhere = opened?.kind === "fingerprint" && !errors.fingerprints.some(({ id }) => id === opened.details.id);
  const known = isElsewhere ? [opened.details, ...errors.fingerprints] : errors.fingerprints;
  const { items, fresh, release } = useArranged(known, {
    name: JSON.stringify([errors.topic, view.service, view.q, view.sort]),
    keyOf,
    list,
    isOpen: view.opened?.kind === "fingerprint",
  });
  const shown = Math.min(errors.fingerprintsTotal, FINGERPRINTS_MAX);
  return h("section", { class: "fingerprints", "aria-labelledby": "fingerprints-title" }, [
    h("div", { class: "section-head" }, [
      h("h2", { id: "fingerprints-title" }, "Kinds of errors"),
      h(
        "span",
        { class: "hint" },
        errors.fingerprintsTotal > shown
          ? `${shown} of ${errors.fingerprintsTotal.toLocaleString("en")}, ${
            SORT_WORDS[view.sort]
          } first: narrow by text or service to see others`
          : `${shown}, ${SORT_WORDS[view.sort]} first`,
      ),
    ]),
    h(Pill, { fresh, release }),
    items.length === 0
      ? h("p", { class: "nothing" }, [
        "No kind of error fits. ",
        h("button", { type: "button", class: "link", onClick: () => go({ q: "", service: null }) }, "Show all"),
      ])
      : h("table", { class: "fingerprint-table", role: "table" }, [
        h(
          "thead",
          { role: "rowgroup" },
          h("tr", { role: "row" }, COLUMNS.map((column) => h(Head, { key: column.name, column, view, go }))),
        ),
        h(
          "tbody",
          { role: "rowgroup", ref: list },
          items.map((fingerprint) => h(Row, { key: fingerprint.id, ...props, fingerprint })),
        ),
      ]),
  ]);
}

function Head({ column: { title, name, sort }, view, go }: {
  readonly column: (typeof COLUMNS)[number];
  readonly view: ErrorsView;
  readonly go: FingerprintsProps["go"];
}) {
  const isSorted = sort !== undefined && view.sort === sort;
  return h(
    "th",
    { role: "columnheader", scope: "col", class: name, "aria-sort": isSorted ? "descending" : undefined },
    sort === undefined ? title : h(
      "button",
      { type: "button", title: `${SORT_WORDS[sort]} first`, onClick: () => go({ sort }) },
      [isSorted && h("span", { "aria-hidden": "true" }, "▾ "), title],
    ),
  );
}

function Row({ fingerprint, errors, view, decide, go }: FingerprintsProps & { readonly fingerprint: Fingerprint }) {
  const { id, spark, recent, count, firstSeen, lastSeen, mergesInto } = fingerprint;
  const { nowMs, opened } = errors;
  const button = useRef<HTMLElement>(null);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    button.current?.querySelector("button")?.focus();
    go({ opened: null });
  };
  const details = opened?.kind === "fingerprint" && opened.details.id === id ? opened : null;
  const isOpen = view.opened?.kind === "fingerprint" && (view.opened.id === id || details?.id === view.opened.id);
  const rate = rateOf(fingerprint.ratePerMinute, fingerprint.usualPerMinute);
  const toggle = () => go({ opened: isOpen ? null : { kind: "fingerprint", id } });
  return [
    h("tr", {
      role: "row",
      class: "fingerprint",
      "data-open": isOpen,
      onClick: (event: MouseEvent) => onRow(event, toggle),
    }, [
      h(
        "th",
        { role: "rowheader", scope: "row", class: "kind", ref: button },
        h(Kind, { fingerprint, isOpen, toggle }),
      ),
      h("td", { role: "cell", class: "trend" }, [
        h(Spark, { spark }),
        h("b", null, recent.toLocaleString("en")),
      ]),
      h("td", { role: "cell", class: "rate" }, [
        h("span", null, rate.now),
        h("small", { class: "change", "data-direction": rate.direction }, rate.change),
      ]),
      h("td", { role: "cell", class: "total", "data-head": "total" }, count.toLocaleString("en")),
      h("td", { role: "cell", class: "first", "data-head": "first" }, h(Ago, { iso: firstSeen, nowMs })),
      h("td", { role: "cell", class: "last", "data-head": "last" }, h(Ago, { iso: lastSeen, nowMs })),
    ]),
    isOpen && h("tr", { role: "row", class: "fingerprint-detail", onKeyDown: close }, [
      h("td", { role: "cell", colSpan: COLUMNS.length, id: `detail-${id}` }, [
        details === null || errors.topic === null
          ? h("p", { class: "nothing" }, mergesInto === null ? "Loading…" : "It is being merged…")
          : h(FingerprintDetail, {
            fingerprint: details.details,
            asked: details.id,
            topic: errors.topic,
            nowMs,
            decide,
            go,
          }),
      ]),
    ]),
  ];
}

/** A click anywhere on a row opens it, but for whoever selects text or means what is clicked itself. */
function onRow(event: MouseEvent, toggle: () => void): void {
  if (!(event.target instanceof Element) || event.target.closest("button, a") !== null) return;
  if (getSelection()?.isCollapsed === false) return;
  toggle();
}

function Kind({ fingerprint, isOpen, toggle }: {
  readonly fingerprint: Fingerprint;
  readonly isOpen: boolean;
  readonly toggle: () => void;
}) {
  const { id, name, template, level, service, isNew, isSpike, merged, splitFrom, mergesInto } = fingerprint;
  return [
    h("button", {
      type: "button",
      class: "kind-name",
      "aria-expanded": isOpen ? "true" : "false",
      "aria-controls": `detail-${id}`,
      onClick: toggle,
    }, name === null ? h(TemplateText, { template }) : h("b", null, h(Foreign, { text: name }))),
    name !== null && h("div", { class: "named" }, h(TemplateText, { template })),
    h("p", { class: "tags" }, [
      h("span", { class: "level", "data-level": level }, h(Foreign, { text: level })),
      h("span", { class: "service-name" }, h(Foreign, { text: service || "no service" })),
      isNew && h(Badge, { kind: "new", title: "First seen within a day" }, "New"),
      isSpike && h(Badge, { kind: "spike", title: "Far more than usual in the last minutes" }, "▲ Spike"),
      merged.length > 0 &&
      h(Badge, { kind: "quiet", title: "Others count as this one" }, `${counted(merged.length, "other")} merged in`),
      splitFrom !== null && h(Badge, { kind: "quiet", title: "A person told it apart" }, "Split off"),
      mergesInto !== null && h(Badge, { kind: "quiet" }, "Being merged…"),
    ]),
  ];
}
