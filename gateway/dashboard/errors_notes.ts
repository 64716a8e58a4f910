/** What the page of errors says where there is nothing to show, or something is amiss; each with what to do next. */
import { type ComponentChildren, h } from "preact";
import { useRef } from "preact/hooks";
import type { AnalyzerState, Errors } from "./errors_api.ts";
import { Badge, Foreign, Note } from "./errors_parts.ts";
import { Ago } from "./errors_times.ts";
import { agoOf, counted } from "./errors_words.ts";
import { Menu } from "./menu.ts";

/** In place of everything, where there is nothing of it; null where there is. */
export function Nothing({ errors }: { readonly errors: Errors }) {
  const { topic, analyzer, incidents, fingerprints } = errors;
  if (topic === null) {
    return h(Note, {
      title: "No topic has records yet",
      command: "deno task produce --file access.log --topic access",
    }, h("p", null, "Send some:"));
  }
  if (analyzer.readAt === null) {
    return h(Note, { title: "No analyzer has read this topic yet", command: "deno task analyzer" }, [
      h("p", null, [
        "The analyzer reads ",
        h("b", null, h(Foreign, { text: topic })),
        " from its beginning, groups its errors and explains them. Where it was just started, give it a moment. ",
        h("code", null, "deno task dev"),
        " has one, unless ",
        h("code", null, "analyzer.enabled"),
        " is false; beside a cluster start one:",
      ]),
    ]);
  }
  if (analyzer.errors === 0 && incidents.length === 0 && fingerprints.length === 0) {
    return h(Note, { title: "No errors" }, [
      h("p", null, [
        `The analyzer has read ${counted(analyzer.records, "record")} of `,
        h("b", null, h(Foreign, { text: topic })),
        ", and none is of level ERROR or FATAL. Other topics may have some; what could not be parsed is in the ",
        h("a", { href: `/dashboard?${new URLSearchParams({ topic })}` }, "quarantine of the dashboard"),
        ".",
      ]),
    ]);
  }
  return null;
}

/** Nobody gave a key: that is a choice, and no failure. */
const isWithoutKey = (trouble: string): boolean => /\bkey\b.*\bset\b|api_?key/i.test(trouble);

/**
 * Why summaries have the facts alone, and what to do about it, above the lists: where it was there from the start, and then
 * for good. What comes later is said in the bar, for a list that is read must not move.
 */
export function Trouble({ topic, trouble }: { readonly topic: string | null; readonly trouble: string | null }) {
  const first = useRef({ topic, trouble });
  if (first.current.topic !== topic) first.current = { topic, trouble };
  if (first.current.trouble === null) return null;
  return h("section", { class: "trouble", "aria-label": "Summaries" }, [
    h(Badge, { kind: trouble === null ? "ai" : "facts" }, trouble === null ? "Summaries" : "Facts only"),
    h("p", null, trouble === null ? "Models write them again." : h(Reason, { trouble })),
  ]);
}

function Reason({ trouble }: { readonly trouble: string }) {
  const limit = /mistral\.(\w+) is [\d.]+/.exec(trouble)?.[1];
  return [
    "New summaries have the facts alone: ",
    h(Foreign, { text: trouble }),
    ". ",
    limit !== undefined && ["Raise ", h("code", null, `mistral.${limit}`), " in millrace.yaml, or wait."],
    isWithoutKey(trouble) && [
      "With a key a model explains what may be behind them: ",
      h("code", null, "MISTRAL_API_KEY=… deno task dev"),
    ],
  ];
}

/** How far the analyzer is, who writes its summaries, and what they have cost. What it has in it does not change its height. */
export function AnalyzerBar({ analyzer, nowMs }: { readonly analyzer: AnalyzerState; readonly nowMs: number }) {
  const { readAt, records, errors, author, trouble, asked, tokens, usd } = analyzer;
  const entry = (name: string, ...what: ComponentChildren[]) =>
    h("div", { key: name }, [h("dt", null, name), h("dd", null, what)]);
  return h("dl", { class: "analyzer", "aria-label": "The analyzer" }, [
    entry("Errors", `${errors.toLocaleString("en")} in ${counted(records, "record")}`),
    trouble === null
      ? entry("Summaries", ...author === "" ? ["none yet"] : ["by ", h(Foreign, { text: author })])
      : entry(
        "Summaries",
        author === "" ? "none yet, " : "facts only, ",
        h(Menu, { title: "why", form: () => h("p", { class: "told" }, h(Reason, { trouble })) }),
      ),
    entry(
      "AI so far",
      asked === 0
        ? "not asked"
        : `${counted(asked, "summary", "summaries")}, ${counted(tokens, "token")}, ${dollars(usd)}`,
    ),
    entry("Last kept", readAt === null ? "nothing" : h(Ago, { iso: readAt, nowMs })),
  ]);
}

export const dollars = (usd: number): string => `$${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;

/** The API does not answer: what was there before is still shown. */
export function Stale({ problem, okMs, nowMs }: {
  readonly problem: string;
  readonly okMs: number | null;
  readonly nowMs: number;
}) {
  return h("p", { role: "alert", class: okMs === null ? undefined : "floating" }, [
    h(Foreign, { text: problem }),
    okMs !== null && ` Below is what was known ${agoOf(okMs, nowMs)}.`,
  ]);
}
