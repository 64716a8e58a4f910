/** What the heads of all pages have in common. */
import { h } from "preact";
import { inert } from "./inert.ts";

const PAGES = [
  ["dashboard", "/dashboard", "Dashboard"],
  ["errors", "/errors", "Errors"],
  ["report", "/report", "Access report"],
  ["topics", "/topics", "Topics"],
] as const;
export type PageName = (typeof PAGES)[number][0];

/** The name, and the way to the other pages. */
export function Heading({ current }: { readonly current: PageName }) {
  return [
    h("h1", null, h("a", { href: "/" }, "Millrace")),
    h(
      "nav",
      { "aria-label": "Pages" },
      PAGES.map(([name, href, title]) =>
        h("a", { key: name, href, "aria-current": name === current ? "page" : undefined }, title)
      ),
    ),
  ];
}

/** One of several. */
export function Choice({ label, value, options, onChoice }: {
  readonly label: string;
  readonly value: string;
  /** Value and text; the value alone is its own text. */
  readonly options: readonly (readonly string[])[];
  readonly onChoice: (value: string) => void;
}) {
  return h(
    "select",
    {
      "aria-label": label,
      value,
      onChange: (event: { currentTarget: HTMLSelectElement }) => onChoice(event.currentTarget.value),
    },
    options.map(([value, text = value]) => h("option", { key: value, value }, text)),
  );
}

/** The conditions of a view, each with a button that takes it away. */
export function Chips({ where, onChange }: {
  readonly where: readonly string[];
  readonly onChange: (where: readonly string[]) => void;
}) {
  if (where.length === 0) return null;
  return h(
    "ul",
    { class: "chips", "aria-label": "Conditions" },
    where.map((condition) =>
      h("li", { key: condition }, [
        h("bdi", null, inert(condition)),
        h("button", {
          type: "button",
          "aria-label": `remove ${inert(condition)}`,
          onClick: () => onChange(where.filter((other) => other !== condition)),
        }, "×"),
      ])
    ),
  );
}
