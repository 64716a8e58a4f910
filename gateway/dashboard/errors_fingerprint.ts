/** A kind of error, opened: its lines, what varies in them, why they are one kind, and how to correct that. */
import { h } from "preact";
import { useState } from "preact/hooks";
import type { Decide } from "./errors_actions.ts";
import type { Fingerprint } from "./errors_api.ts";
import { Corrections } from "./errors_corrections.ts";
import { Evidence, keptLines } from "./errors_evidence.ts";
import { eventsLink } from "./errors_links.ts";
import { Foreign, Spark, TemplateText } from "./errors_parts.ts";
import type { ErrorsView } from "./errors_state.ts";
import { commonText, templateParts, variedValues } from "./errors_template.ts";
import { Ago, minuteOf } from "./errors_times.ts";
import { counted, trendOf } from "./errors_words.ts";

const DAY_MS = 86_400_000;
const STEP_MINUTES = 5;

export interface FingerprintDetailProps {
  readonly fingerprint: Fingerprint;
  /** The id that was asked for: another one where it was merged. */
  readonly asked: string;
  readonly topic: string;
  readonly nowMs: number;
  readonly decide: Decide;
  readonly go: (changes: Partial<ErrorsView>) => void;
}

export function FingerprintDetail(props: FingerprintDetailProps) {
  const { fingerprint, asked, topic, nowMs, go } = props;
  const { id, incident } = fingerprint;
  const lines = keptLines(fingerprint);
  return h("div", { class: "card" }, [
    h("div", { class: "card-main" }, [
      asked !== id && h("p", { class: "author" }, `${asked} was merged: it counts as this one now.`),
      h("section", null, [
        h("h3", null, "Over time", h("small", null, ` ${trendOf(fingerprint.spark)}`)),
        h(History, { fingerprint, nowMs }),
      ]),
      h("section", null, [
        h(
          "h4",
          null,
          "Lines",
          h("small", null, ` ${lines.length} that differ, of ${counted(fingerprint.count, "event")}`),
        ),
        lines.length === 0
          ? h("p", { class: "hint" }, "None is kept yet: the next one will be.")
          : h(Evidence, { lines, topic, scope: `fingerprint-${id}`, marked: [], nowMs }),
      ]),
      h(WhyGrouped, { fingerprint }),
      h(Corrections, props),
    ]),
    h("aside", { class: "card-side", "aria-label": "Where there is more" }, [
      h(Links, { fingerprint, topic, nowMs }),
      incident !== null && h("p", { class: "links" }, [
        h("button", {
          type: "button",
          class: "link",
          onClick: () => go({ opened: { kind: "incident", id: incident } }),
        }, "Its incident"),
      ]),
      h(Values, { fingerprint, topic, nowMs }),
    ]),
  ]);
}

/** The last two hours, drawn large and as a table. */
function History({ fingerprint: { spark }, nowMs }: Pick<FingerprintDetailProps, "fingerprint" | "nowMs">) {
  const [isOpen, setOpen] = useState(false);
  const nowMinute = Math.floor(nowMs / 60_000) + 1;
  const startOf = (at: number) => (nowMinute - (spark.length - at) * STEP_MINUTES) * 60_000;
  return h("div", { class: "history" }, [
    h(Spark, { spark, height: 56, isWide: true }),
    h("p", { class: "axis", "aria-hidden": "true" }, [
      h("span", null, minuteOf(startOf(0), nowMs)),
      h("span", null, minuteOf(startOf(spark.length / 2), nowMs)),
      h("span", null, "now"),
    ]),
    h(
      "details",
      { onToggle: (event: { currentTarget: HTMLDetailsElement }) => setOpen(event.currentTarget.open) },
      h("summary", null, "As a table"),
      isOpen &&
        h("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "Occurrences by five minutes" }, [
          h("table", null, [
            h("thead", null, h("tr", null, ["from", "events"].map((head) => h("th", { scope: "col" }, head)))),
            h(
              "tbody",
              null,
              spark.map((count, at) =>
                h("tr", { key: at }, [
                  h("th", { scope: "row" }, minuteOf(startOf(at), nowMs)),
                  h("td", null, count.toLocaleString("en")),
                ])
              ).reverse(),
            ),
          ]),
        ]),
    ),
  ]);
}

/** What makes messages this kind of error: what is the same in them, and what varied so far. */
function WhyGrouped({ fingerprint }: Pick<FingerprintDetailProps, "fingerprint">) {
  const { template, service, level, splitFrom, splits, merged, exemplars } = fingerprint;
  const varied = variedValues(template, exemplars.map(({ text }) => text));
  const wildcards = templateParts(template).filter(({ kind }) => kind === "varies").length;
  return h("section", { class: "why" }, [
    h("h3", null, "Why these are one kind"),
    h("p", null, [
      "Events of level ",
      h("b", null, h(Foreign, { text: level })),
      service === "" ? " without a service" : [" from ", h("b", null, h(Foreign, { text: service }))],
      wildcards === 0 ? " that say exactly this:" : " that say this, whatever stands at the marks:",
    ]),
    h("p", { class: "template-line" }, h(TemplateText, { template })),
    wildcards > 0 && h(
      "dl",
      { class: "varied" },
      varied.map((values, at) => [
        h("dt", null, wildcards === 1 ? "varied" : `mark ${at + 1}`),
        h(
          "dd",
          null,
          values.length === 0 ? h("span", { class: "hint" }, "not seen in the lines that are kept") : values.map((
            value,
            each,
          ) => [each > 0 && " ", h("code", { key: value }, h(Foreign, { text: value || "(nothing)" }))]),
        ),
      ]),
    ),
    splitFrom !== null && h("p", { class: "hint" }, [
      "A person split it off: its messages contain ",
      h("code", null, h(Foreign, { text: splitFrom.contains })),
      ".",
    ]),
    splits.length > 0 && h("p", { class: "hint" }, [
      "Told apart by a person, as kinds of their own from then on: messages with ",
      splits.map((text, at) => [at > 0 && ", ", h("code", { key: text }, h(Foreign, { text }))]),
      ".",
    ]),
    merged.length > 0 && h("div", null, [
      h("p", { class: "hint" }, "Others count as this one, because a person or a wider template said so:"),
      h(
        "ul",
        { class: "kinds" },
        merged.map(({ id, template, count }) =>
          h("li", { key: id }, [
            h(TemplateText, { template }),
            h("small", null, counted(count, "event until then", "events until then")),
          ])
        ),
      ),
    ]),
  ]);
}

function Links({ fingerprint, topic, nowMs }: Pick<FingerprintDetailProps, "fingerprint" | "topic" | "nowMs">) {
  const { service, level, template, splitFrom, firstSeen, lastSeen } = fingerprint;
  const toMs = Date.parse(lastSeen);
  const fromMs = Math.max(Date.parse(firstSeen), toMs - DAY_MS);
  const q = splitFrom?.contains ?? commonText(template);
  return h("p", { class: "links" }, [
    h(
      "a",
      { href: eventsLink({ topic, service, levels: [level], fromMs, toMs, q }) },
      "Matching events on the dashboard",
    ),
    h("small", null, [
      `${minuteOf(fromMs, nowMs)} to ${minuteOf(toMs, nowMs)}`,
      q !== "" && [", with ", h("q", null, h(Foreign, { text: q }))],
    ]),
    h("small", null, [
      "First seen ",
      h(Ago, { iso: firstSeen, nowMs }),
      ", last ",
      h(Ago, { iso: lastSeen, nowMs }),
      ".",
    ]),
  ]);
}

/** By field, the values that were most frequent. */
function Values({ fingerprint, topic }: Pick<FingerprintDetailProps, "fingerprint" | "topic" | "nowMs">) {
  const { values, count, service, level, firstSeen, lastSeen } = fingerprint;
  if (values.length === 0) return null;
  const toMs = Date.parse(lastSeen);
  const fromMs = Math.max(Date.parse(firstSeen), toMs - DAY_MS);
  const fields = [...new Set(values.map(({ field }) => field))];
  return h("section", { class: "values" }, [
    h("h3", null, "Most frequent values"),
    fields.map((field) => [
      h("h4", null, field),
      h(
        "ul",
        { key: field },
        values.filter((each) => each.field === field).map(({ value, count: of }) => {
          const share = Math.min(1, of / Math.max(1, count));
          // A pseudonym is not what the record has.
          const isRedacted = templateParts(value).some(({ kind }) => kind === "redacted");
          const shown = h(Foreign, { text: value });
          return h("li", { key: value, style: { "--share": share } }, [
            isRedacted ? shown : h("a", {
              href: eventsLink({ topic, service, levels: [level], fromMs, toMs, values: [[field, value]] }),
              title: "Its events on the dashboard",
            }, shown),
            h("small", null, `${of.toLocaleString("en")} · ${Math.round(share * 100)} %`),
          ]);
        }),
      ),
    ]),
  ]);
}
