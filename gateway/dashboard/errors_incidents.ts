/** Incidents: open ones first, each to be opened in its place. */
import { h, type RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Decide } from "./errors_actions.ts";
import { useArranged } from "./errors_arranged.ts";
import type { Errors, Incident } from "./errors_api.ts";
import { Card } from "./errors_card.ts";
import { Badge, Foreign, Pill, Spark, TemplateText } from "./errors_parts.ts";
import type { ErrorsView } from "./errors_state.ts";
import { Ago, minuteOf } from "./errors_times.ts";
import { counted } from "./errors_words.ts";
import { SeverityMark } from "./severity.ts";

export interface IncidentsProps {
  readonly errors: Errors;
  readonly view: ErrorsView;
  readonly name: string;
  readonly decide: Decide;
  readonly go: (changes: Partial<ErrorsView>) => void;
}

const keyOf = ({ id }: Incident): string => id;

const STATES = ["open", "acknowledged", "resolved"] as const;
const SEVERITIES = ["critical", "error", "warning", "info"] as const;

/**
 * Those of the view: of the wanted text, and over ones only where they are wanted, or opened. What nobody has looked at comes
 * first, then the gravest, then the latest to begin: an order that does not change with each occurrence.
 */
function shownIncidents(incidents: readonly Incident[], { q, hasResolved, opened }: ErrorsView): Incident[] {
  const wanted = q.toLowerCase();
  const ranked = incidents.toSorted((a, b) =>
    STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    Date.parse(b.openedAt) - Date.parse(a.openedAt)
  );
  return ranked.filter(({ id, state, title, fingerprints }) =>
    (hasResolved || state !== "resolved" || opened?.id === id) &&
    [title, ...fingerprints.map(({ template }) => template)].join("\n").toLowerCase().includes(wanted)
  );
}

export function Incidents(props: IncidentsProps) {
  const { errors, view, go } = props;
  const list = useRef<HTMLUListElement>(null);
  const { opened } = errors;
  const known = opened?.kind === "incident" && !errors.incidents.some(({ id }) => id === opened.id)
    ? [opened.details.incident, ...errors.incidents] // older than those that are listed
    : errors.incidents;
  const { items, fresh, release } = useArranged(shownIncidents(known, view), {
    name: JSON.stringify([errors.topic, view.service, view.q, view.hasResolved]),
    keyOf,
    list,
    isOpen: view.opened?.kind === "incident",
  });
  const open = known.filter(({ state }) => state !== "resolved");
  const acknowledged = open.filter(({ state }) => state === "acknowledged").length;
  const resolved = known.length - open.length;
  return h("section", { class: "incidents", "aria-labelledby": "incidents-title" }, [
    h("div", { class: "section-head" }, [
      h("h2", { id: "incidents-title" }, "Incidents"),
      h("span", { class: "hint" }, `${open.length - acknowledged} open, ${acknowledged} acknowledged`),
      resolved > 0 && h("button", {
        type: "button",
        "aria-pressed": view.hasResolved ? "true" : "false",
        onClick: () => go({ hasResolved: !view.hasResolved }),
      }, view.hasResolved ? "Without resolved ones" : `Also ${resolved} resolved`),
    ]),
    h(Pill, { fresh, release }),
    items.length === 0 ? h(None, { view, resolved, go }) : h(
      "ul",
      { class: "incident-list", ref: list },
      items.map((incident) => h(Row, { key: incident.id, ...props, incident, list })),
    ),
  ]);
}

function None({ view, resolved, go }: {
  readonly view: ErrorsView;
  readonly resolved: number;
  readonly go: IncidentsProps["go"];
}) {
  if (view.q !== "" || view.service !== null) {
    return h("p", { class: "nothing" }, [
      "No incident fits. ",
      h("button", { type: "button", class: "link", onClick: () => go({ q: "", service: null }) }, "Show those of all"),
    ]);
  }
  return h("p", { class: "nothing" }, [
    h("span", { class: "calm", "aria-hidden": "true" }, "✓"),
    resolved > 0 ? `Nothing is going on: all of ${counted(resolved, "incident")} are over.` : "Nothing is going on.",
  ]);
}

function Row({ incident, errors, view, name, decide, go }: IncidentsProps & {
  readonly incident: Incident;
  readonly list: RefObject<HTMLElement | null>;
}) {
  const { id, severity, service, state, count, spark, fingerprints, openedAt, lastSeen } = incident;
  const { nowMs, opened } = errors;
  const isOpen = view.opened?.kind === "incident" && view.opened.id === id;
  const item = useRef<HTMLLIElement>(null);
  const close = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    item.current?.querySelector("button")?.focus();
    go({ opened: null });
  };
  useEffect(() => {
    // A link leads to it, wherever it is in the list.
    if (isOpen) item.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const details = opened?.kind === "incident" && opened.id === id ? opened.details : null;
  return h("li", { ref: item, "data-severity": severity, "data-state": state, "data-open": isOpen, onKeyDown: close }, [
    h("div", { class: "incident" }, [
      h(SeverityMark, { severity }),
      h("div", { class: "what" }, [
        h("h3", null, [
          h("button", {
            type: "button",
            "aria-expanded": isOpen ? "true" : "false",
            "aria-controls": `card-${id}`,
            onClick: () => go({ opened: isOpen ? null : { kind: "incident", id } }),
          }, h(TemplateText, { template: titleOf(incident) })),
        ]),
        h("p", { class: "tags" }, [
          h("span", { class: "service-name" }, h(Foreign, { text: service || "several services" })),
          fingerprints.length > 1 && h("span", null, counted(fingerprints.length, "kind", "kinds")),
          h(States, { incident, nowMs }),
        ]),
      ]),
      h(Spark, { spark }),
      h("p", { class: "figure-count" }, [
        h("b", null, count.toLocaleString("en")),
        h("small", null, count === 1 ? "event" : "events"),
      ]),
      h("p", { class: "when" }, [
        h(Ago, { iso: openedAt, nowMs, prefix: "opened " }),
        h(Ago, { iso: lastSeen, nowMs, prefix: "seen " }),
      ]),
    ]),
    isOpen && h(
      "div",
      { id: `card-${id}` },
      details === null ? h("p", { class: "nothing" }, "Loading…") : h(Card, {
        details,
        nowMs,
        name,
        decide,
        onFingerprint: (fingerprint) => go({ opened: { kind: "fingerprint", id: fingerprint } }),
      }),
    ),
  ]);
}

/** Facts alone begin their title with the service, which stands below it here. */
const titleOf = ({ title, service }: Incident): string =>
  service !== "" && title.startsWith(`${service}: `) ? title.slice(service.length + 2) : title;

function States({ incident: { state, acknowledged, silenced, summary }, nowMs }: {
  readonly incident: Incident;
  readonly nowMs: number;
}) {
  return [
    state === "resolved" && h(Badge, { kind: "calm" }, "✓ Resolved"),
    state === "acknowledged" &&
    h(Badge, { kind: "good" }, ["✓ ", h(Foreign, { text: acknowledged?.by || "acknowledged" })]),
    silenced !== null && h(Badge, { kind: "quiet" }, `Silenced until ${minuteOf(Date.parse(silenced.until), nowMs)}`),
    summary?.isModel && h(Badge, { kind: "ai", title: "A model wrote title and summary" }, "AI"),
  ];
}
