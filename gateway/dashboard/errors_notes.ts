/** What the page of errors says where there is nothing to show, or something is amiss; each with what to do next. */
import { h } from "preact";
import type { AnalyzerState, Errors } from "./errors_api.ts";
import { Badge, Foreign, Note } from "./errors_parts.ts";
import { Ago } from "./errors_times.ts";
import { agoOf, counted } from "./errors_words.ts";

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

/** Why summaries have the facts alone, and what to do about it. */
export function Trouble({ trouble }: { readonly trouble: string }) {
  const limit = /mistral\.(\w+) is [\d.]+/.exec(trouble)?.[1];
  return h("section", { class: "trouble", "aria-label": "Summaries" }, [
    h(Badge, { kind: "facts" }, "Facts only"),
    h("p", null, [
      "New summaries have the facts alone: ",
      h(Foreign, { text: trouble }),
      ". ",
      limit !== undefined && ["Raise ", h("code", null, `mistral.${limit}`), " in millrace.yaml, or wait."],
      isWithoutKey(trouble) && [
        "With a key a model explains what may be behind them: ",
        h("code", null, "MISTRAL_API_KEY=… deno task dev"),
      ],
    ]),
  ]);
}

/** How far the analyzer is, who writes its summaries, and what they have cost. */
export function AnalyzerBar({ analyzer, nowMs }: { readonly analyzer: AnalyzerState; readonly nowMs: number }) {
  const { readAt, records, errors, author, trouble, asked, tokens, usd } = analyzer;
  return h("dl", { class: "analyzer", "aria-label": "The analyzer" }, [
    h("div", null, [
      h("dt", null, "Errors"),
      h("dd", null, [`${errors.toLocaleString("en")} in ${counted(records, "record")}`]),
    ]),
    h("div", null, [
      h("dt", null, "Summaries"),
      h("dd", null, [
        trouble !== null || author === ""
          ? author === "" ? "none yet" : "facts only"
          : ["by ", h(Foreign, { text: author })],
      ]),
    ]),
    asked > 0 && h("div", null, [
      h("dt", null, "AI so far"),
      h("dd", null, `${counted(asked, "summary", "summaries")}, ${counted(tokens, "token")}, ${dollars(usd)}`),
    ]),
    readAt !== null && h("div", null, [h("dt", null, "Last kept"), h("dd", null, h(Ago, { iso: readAt, nowMs }))]),
  ]);
}

export const dollars = (usd: number): string => `$${usd < 1 ? usd.toFixed(4) : usd.toFixed(2)}`;

/** The API does not answer: what was there before is still shown. */
export function Stale({ problem, okMs, nowMs }: {
  readonly problem: string;
  readonly okMs: number | null;
  readonly nowMs: number;
}) {
  return h("p", { role: "alert" }, [
    h(Foreign, { text: problem }),
    okMs !== null && ` Below is what was known ${agoOf(okMs, nowMs)}.`,
  ]);
}
