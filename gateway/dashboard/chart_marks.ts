/** What is marked on a chart, for who points at it, and as a list with links. */
import { h } from "preact";
import type { Mark } from "./chart.ts";
import { membersOf, namesOf } from "./mark_groups.ts";
import { Menu } from "./menu.ts";
import { markColour } from "./plot.ts";
import { whenOf } from "./times.ts";

const LISTED_MAX = 4;
/** Named beside the pointer: more would hide the chart. */
const TIPPED_MAX = 6;

const KINDS: Readonly<Record<Mark["kind"], string>> = { open: "", alert: "Alert: ", incident: "Incident: " };

/** What a mark is of, with the word for it. */
export const titleOf = ({ kind, label }: Mark): string => `${KINDS[kind]}${label}`;

/** A mark in words, with its times. */
export function saidOf(mark: Mark): string {
  const { kind, label, members, fromMs, toMs, isOver = false } = mark;
  if (kind === "open") return label;
  const title = members === undefined ? titleOf(mark) : `${label} (${namesOf(members)})`;
  return `${title}, ${whenOf(fromMs)} to ${isOver ? whenOf(toMs) : "now"}`;
}

/** Those that hold within a step; what is not final is no event. */
export function marksAt(marks: readonly Mark[] = [], fromMs: number, toMs: number): readonly Mark[] {
  return marks.filter((mark) => mark.kind !== "open" && mark.fromMs < toMs && mark.toMs > fromMs);
}

/** Alerts first: people have said that these matter. */
const byKind = (marks: readonly Mark[]): readonly Mark[] =>
  (["alert", "incident"] as const).flatMap((wanted) => marks.filter(({ kind }) => kind === wanted));

const timesOf = ({ fromMs, toMs, isOver }: Mark): string =>
  `${whenOf(fromMs)}${isOver === true ? `–${whenOf(toMs)}` : ""}`;

/** Each with its link; a group is a button that opens the list of its own. Always of one line's height at least. */
export function MarkList({ marks }: { readonly marks: readonly Mark[] }) {
  const told = byKind(marks);
  const rest = told.slice(LISTED_MAX);
  if (told.length === 0) return h("p", { class: "marks none" }, "No alert or incident in this range.");
  return h("ul", { class: "marks", "aria-label": "Marked times" }, [
    ...told.slice(0, LISTED_MAX).map((mark) =>
      h(
        "li",
        { key: `${mark.kind}${mark.fromMs}`, "data-kind": mark.kind, title: saidOf(mark), style: styleOf(mark) },
        [
          h("span", { class: "kind" }, mark.members === undefined ? mark.kind : ""),
          ` ${timesOf(mark)} `,
          mark.members === undefined
            ? h(Linked, { mark })
            : h(Menu, { title: mark.label, form: () => h(Members, { marks: [mark] }) }),
        ],
      )
    ),
    rest.length > 0 &&
    h("li", { key: "rest" }, h(Menu, { title: `and ${rest.length} more`, form: () => h(Members, { marks: rest }) })),
  ]);
}

const Members = ({ marks }: { readonly marks: readonly Mark[] }) =>
  h(
    "ul",
    { class: "told" },
    marks.flatMap(membersOf).map((each, at) => h("li", { key: at }, [`${timesOf(each)} `, h(Linked, { mark: each })])),
  );

const Linked = ({ mark: { href, label } }: { readonly mark: Mark }) =>
  href === undefined ? h("span", null, label) : h("a", { href }, label);

const styleOf = (mark: Mark) => ({ "--swatch": `var(${markColour(mark)})` });

/** What begins or ends about where the pointer is; over the chart, on the side that the pointer is not on. */
export function MarkTip({ marks, ms, range: { fromMs, toMs } }: {
  readonly marks: readonly Mark[];
  readonly ms: number;
  readonly range: { readonly fromMs: number; readonly toMs: number };
}) {
  const nearMs = (toMs - fromMs) / 60;
  const isNear = (mark: Mark) =>
    Math.abs(mark.fromMs - ms) <= nearMs || (mark.isOver === true && Math.abs(mark.toMs - ms) <= nearMs);
  const near = byKind(marks).flatMap(membersOf).filter(isNear);
  if (near.length === 0) return null;
  return h("ul", { class: "mark-tip", "data-side": ms < (fromMs + toMs) / 2 ? "right" : "left" }, [
    ...near.slice(0, TIPPED_MAX).map((mark, at) =>
      h("li", { key: at, "data-kind": mark.kind, style: styleOf(mark) }, `${timesOf(mark)} ${titleOf(mark)}`)
    ),
    near.length > TIPPED_MAX && h("li", null, `and ${near.length - TIPPED_MAX} more`),
  ]);
}
