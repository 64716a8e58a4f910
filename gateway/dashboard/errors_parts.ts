/** What the page of errors is made of: badges, templates, spark lines. */
import { type ComponentChildren, h } from "preact";
import { templateParts } from "./errors_template.ts";
import { trendOf } from "./errors_words.ts";
import { inert } from "./inert.ts";

export type BadgeKind = "new" | "spike" | "calm" | "quiet" | "ai" | "facts" | "good";

export function Badge({ kind, title, children }: {
  readonly kind: BadgeKind;
  readonly title?: string;
  readonly children?: ComponentChildren;
}) {
  return h("span", { class: "badge", "data-kind": kind, title }, children);
}

/** A template: what varies in it does not look like what is the same. */
export function TemplateText({ template }: { readonly template: string }) {
  return h(
    "bdi",
    { class: "template" },
    templateParts(template).map(({ text, kind }) =>
      kind === "same" ? inert(text) : h("span", {
        class: kind,
        title: kind === "varies" ? "differs from one message to the next" : "taken out, for it may be private",
      }, inert(text))
    ),
  );
}

const [BAR, GAP] = [4, 1];

/** Occurrences of the last two hours by five minutes, as bars and in words. */
export function Spark({ spark, height = 28, isWide = false }: {
  readonly spark: readonly number[];
  readonly height?: number;
  readonly isWide?: boolean;
}) {
  const width = spark.length * (BAR + GAP) - GAP;
  const max = Math.max(1, ...spark);
  const said = trendOf(spark);
  return h(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      width: isWide ? "100%" : width,
      height,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": said,
    },
    h("title", null, said),
    spark.map((count, at) => {
      // One occurrence is seen, however many others there are.
      const tall = count === 0 ? 1 : Math.max(2, count / max * (height - 1));
      return h("rect", {
        key: at,
        x: at * (BAR + GAP),
        y: height - tall,
        width: BAR,
        height: tall,
        class: count === 0 ? "none" : undefined,
      });
    }),
  );
}

/** Text of somebody else's: shown as it is, doing nothing. */
export const Foreign = ({ text }: { readonly text: string }) => h("bdi", null, inert(text));

/** What is said in place of what there is not, and what to do about it. */
export function Note({ title, children, command }: {
  readonly title: string;
  readonly children?: ComponentChildren;
  readonly command?: string;
}) {
  return h(
    "section",
    { class: "note-panel" },
    h("h2", null, title),
    children,
    command !== undefined &&
      h("pre", { tabIndex: 0, "aria-label": "the next command" }, command),
  );
}

/** What came while a list was read; it takes no room, for the list must not move. */
export function Pill({ fresh, release }: { readonly fresh: number; readonly release: () => void }) {
  return h(
    "div",
    { class: "pill-place" },
    fresh > 0 && h("button", { type: "button", class: "pill", onClick: release }, `${fresh} new: show`),
  );
}
