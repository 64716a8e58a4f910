/** An incident, opened: what happened, what may be behind it, by which lines, and what people did about it. */
import { h } from "preact";
import { useState } from "preact/hooks";
import { Actions, type Decide, Verdicts } from "./errors_actions.ts";
import type { ErrorSummary, Fingerprint, Incident, IncidentDetails } from "./errors_api.ts";
import { Evidence, type EvidenceLine, keptLines, summaryLines } from "./errors_evidence.ts";
import { eventsLink } from "./errors_links.ts";
import { Badge, Foreign, TemplateText } from "./errors_parts.ts";
import { Ago, minuteOf } from "./errors_times.ts";
import { counted, REASONS } from "./errors_words.ts";

export interface CardProps {
  readonly details: IncidentDetails;
  readonly nowMs: number;
  readonly name: string;
  readonly decide: Decide;
  readonly onFingerprint: (id: string) => void;
}

export function Card(props: CardProps) {
  const { details: { incident, fingerprints }, nowMs, decide, name } = props;
  const { summary } = incident;
  const lead = fingerprints[0];
  const scope = `incident-${incident.id}`;
  const [marked, setMarked] = useState<readonly string[]>([]);
  const lines = summary === null ? lead === undefined ? [] : keptLines(lead) : summaryLines(summary.evidence, lead);
  const show = (id: string) => {
    setMarked((before) => before.includes(id) ? before.filter((other) => other !== id) : [...before, id]);
    document.getElementById(`${scope}-${id}`)?.scrollIntoView({ block: "nearest" });
  };
  return h("div", { class: "card" }, [
    h("div", { class: "card-main" }, [
      h(Author, { ...props, summary }),
      summary !== null && h(SummaryText, { summary, lines, marked, show }),
      h("section", null, [
        h("h4", null, "Evidence", h("small", null, ` ${lines.length} of ${counted(incident.count, "event")}`)),
        lines.length === 0
          ? h("p", { class: "hint" }, "No line of it is kept any more.")
          : h(Evidence, { lines, topic: incident.topic, scope, marked, nowMs }),
      ]),
    ]),
    h("aside", { class: "card-side", "aria-label": "What to do about it" }, [
      h(Actions, { incident, decide, nowMs }),
      h(Links, { incident, nowMs }),
      h(Kinds, props),
      h(Thread, { incident, nowMs }),
      h(Verdicts, { incident, name, decide }),
    ]),
  ]);
}

/** Who wrote the summary, or why nobody did: said before anything is read of it. */
function Author({ details: { incident, fingerprints }, summary, nowMs }: CardProps & {
  readonly summary: ErrorSummary | null;
}) {
  if (summary === null) {
    const awaits = fingerprints[0]?.awaits ?? null;
    const why = awaits !== null
      ? `A summary is being written: it is ${REASONS[awaits] ?? awaits}.`
      : incident.isTold
      ? "No summary was written of it."
      : "It was over before it was read: no summary was asked for, and nobody was told.";
    return h("p", { class: "author" }, [h(Badge, { kind: "quiet" }, "No summary"), why]);
  }
  if (summary.isModel) {
    return h("p", { class: "author" }, [
      h(Badge, { kind: "ai" }, "AI summary"),
      h("span", null, [
        "by ",
        h(Foreign, { text: summary.author }),
        ", ",
        h(Ago, { iso: summary.writtenAt, nowMs }),
        ". A model can be wrong: check it against the lines.",
      ]),
    ]);
  }
  return h("p", { class: "author" }, [
    h(Badge, { kind: "facts" }, "Facts only"),
    h("span", null, ["No model wrote this: ", h(Foreign, { text: summary.author.replace(/^facts only: /, "") }), "."]),
  ]);
}

const CONFIDENCE = { low: 1, medium: 2, high: 3 } as const;

function SummaryText({ summary, lines, marked, show }: {
  readonly summary: ErrorSummary;
  readonly lines: readonly EvidenceLine[];
  readonly marked: readonly string[];
  readonly show: (id: string) => void;
}) {
  const known = new Set(lines.map(({ id }) => id));
  return [
    h("section", null, [
      h("h4", null, "What happened"),
      h("p", { class: "happened" }, h(Foreign, { text: summary.whatHappened })),
    ]),
    summary.causes.length > 0 && h("section", null, [
      h("h4", null, "Possible causes"),
      h(
        "ul",
        { class: "causes" },
        summary.causes.map(({ text, confidence, evidence }, at) =>
          h("li", { key: at }, [
            h("span", { class: "confidence", "data-confidence": confidence }, [
              h(
                "span",
                { class: "dots", "aria-hidden": "true" },
                [1, 2, 3].map((n) => h("i", { key: n, "data-on": n <= CONFIDENCE[confidence] })),
              ),
              `${confidence} confidence`,
            ]),
            h("p", null, [
              h(Foreign, { text }),
              " ",
              evidence.filter((id) => known.has(id)).map((id) =>
                h("button", {
                  key: id,
                  type: "button",
                  class: "eid",
                  "aria-pressed": marked.includes(id) ? "true" : "false",
                  title: `Mark line ${id}`,
                  onClick: () => show(id),
                }, id)
              ),
            ]),
          ])
        ),
      ),
    ]),
    summary.nextSteps.length > 0 && h("section", null, [
      h("h4", null, "Next steps"),
      h("ol", { class: "steps" }, summary.nextSteps.map((text, at) => h("li", { key: at }, h(Foreign, { text })))),
    ]),
  ];
}

function Links({ incident, nowMs }: { readonly incident: Incident; readonly nowMs: number }) {
  const [fromMs, toMs] = [Date.parse(incident.openedAt), Date.parse(incident.lastSeen)];
  const href = eventsLink({
    topic: incident.topic,
    service: incident.service,
    levels: ["ERROR", "FATAL"],
    fromMs,
    toMs,
  });
  return h("p", { class: "links" }, [
    h("a", { href }, "Matching events on the dashboard"),
    h("small", null, `${minuteOf(fromMs, nowMs)} to ${minuteOf(toMs, nowMs)}, ten minutes around it`),
  ]);
}

function Kinds({ details: { incident, fingerprints }, onFingerprint }: CardProps) {
  const named = new Map<string, Fingerprint>(fingerprints.map((each) => [each.id, each]));
  return h("section", null, [
    h("h4", null, counted(incident.fingerprints.length, "kind of error", "kinds of errors")),
    h(
      "ul",
      { class: "kinds" },
      incident.fingerprints.map(({ id, reason, template, count }) => {
        const name = named.get(id)?.name ?? null;
        return h("li", { key: id }, [
          h("button", { type: "button", class: "link", onClick: () => onFingerprint(id) }, [
            name === null ? h(TemplateText, { template }) : h(Foreign, { text: name }),
          ]),
          h("small", null, `${REASONS[reason] ?? reason} · ${counted(count, "event")}`),
        ]);
      }),
    ),
  ]);
}

/** What came up since, oldest first: what the thread of its message has. */
function Thread({ incident, nowMs }: { readonly incident: Incident; readonly nowMs: number }) {
  const { openedAt, log, acknowledged, resolvedAt } = incident;
  const entries = [
    { time: openedAt, text: "opened" },
    ...log,
    ...acknowledged === null
      ? []
      : [{ time: acknowledged.time, text: `acknowledged by ${acknowledged.by || "somebody"}` }],
    ...resolvedAt === null ? [] : [{ time: resolvedAt, text: "resolved: it has not occurred for a while" }],
  ].toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  return h("section", null, [
    h("h4", null, "So far"),
    h(
      "ol",
      { class: "thread" },
      entries.map(({ time, text }, at) =>
        h("li", { key: at }, [
          h("time", { dateTime: time }, minuteOf(Date.parse(time), nowMs)),
          h(Foreign, { text }),
        ])
      ),
    ),
  ]);
}
