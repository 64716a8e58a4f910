/** What the dashboard's panels are made of. */
import { type ComponentChildren, h } from "preact";
import { inert } from "./inert.ts";
import { stampOf } from "./times.ts";

export const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const percent = (ratio: number): string => `${(ratio * 100).toFixed(2)} %`;

const AGES: readonly (readonly [limit: number, seconds: number, unit: string])[] = [
  [120, 1, "s"],
  [7200, 60, "min"],
  [172_800, 3600, "h"],
  [63_072_000, 86_400, "days"],
  [Infinity, 31_557_600, "years"],
];

/** A length of time in its usual unit. */
export function lengthOf(seconds: number): string {
  const [, size, unit] = AGES.find(([limit]) => seconds < limit) ?? AGES[AGES.length - 1];
  return `${compact.format(seconds / size)} ${unit}`;
}

/** What a point of a series is of: "per minute", "per 5 minutes", "per hour", "per day". */
export function stepWords(step: string): string {
  const minutes = Number.parseInt(step);
  const [size, unit] = minutes % 1440 === 0 ? [1440, "day"] : minutes % 60 === 0 ? [60, "hour"] : [1, "minute"];
  return minutes === size ? `per ${unit}` : `per ${minutes / size} ${unit}s`;
}

/** That the gateway cannot be asked, over what was known before, where there is any: it moves nothing. */
export function Outage({ problem, knownMs }: { readonly problem: string; readonly knownMs: number | undefined }) {
  if (knownMs === undefined) return h("p", { role: "alert" }, problem);
  // A time, not an age: it stays true while nothing is drawn.
  return h("p", { role: "alert", class: "floating" }, `${problem} What is shown is of ${stampOf(knownMs).slice(11)}.`);
}

/** Narrows the view to a value, or leaves the value out. */
export type Narrow = (field: string, value: string, isIncluded: boolean) => void;

export function Figure({ name, value, note }: {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}) {
  return h(
    "div",
    { class: "figure" },
    h("dt", null, name),
    h("dd", null, value),
    note && h("dd", { class: "note" }, note),
  );
}

/** A value of a field: a click shows it alone, the minus beside it everything else. */
export function Value({ field, value, narrow }: {
  readonly field: string;
  readonly value: string;
  readonly narrow: Narrow;
}) {
  const shown = value === "" ? "(none)" : inert(value);
  return h(
    "span",
    { class: "value" },
    h("button", { type: "button", title: `only ${field} ${shown}`, onClick: () => narrow(field, value, true) }, [
      h("bdi", null, shown),
    ]),
    h("button", {
      type: "button",
      class: "exclude",
      "aria-label": `without ${field} ${shown}`,
      title: `without ${field} ${shown}`,
      onClick: () => narrow(field, value, false),
    }, "−"),
  );
}

export function Table({ heads, rows, empty }: {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly ComponentChildren[])[];
  readonly empty: string;
}) {
  if (rows.length === 0) return h("p", { class: "empty" }, empty);
  const body = rows.map((row) => h("tr", null, row.map((cell) => h("td", null, cell))));
  return h(
    "table",
    null,
    h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", null, body),
  );
}
