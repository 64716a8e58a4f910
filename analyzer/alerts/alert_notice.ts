/** Alerts of a group as one notice: what was observed, what was expected, from what, and where to look. Pure. */
import type { Notice, Severity } from "../notify/notice.ts";
import { type Instance, type Labels, type Verdict, worse } from "./alert.ts";
import { formatMinutes, isoMinute, MINUTE_MS } from "./durations.ts";
import type { Rule } from "./rule.ts";
import { DIMENSIONS } from "../../core/minutes/fields.ts";
import { writeCondition } from "../../core/store/where.ts";

/** An alert, as it is told of. */
export interface Told {
  readonly instance: Instance;
  /** Null where its rule is gone. */
  readonly rule: Rule | null;
  readonly labels: Labels;
}

/** What ways of telling get of an alert: a notice, and the channels that its route names (none: all). */
export interface AlertNotice extends Notice {
  readonly channels: readonly string[];
}

export interface NoticeParts {
  readonly id: string;
  readonly channels: readonly string[];
  readonly groupLabels: Labels;
  readonly state: Notice["state"];
  readonly alerts: readonly Told[];
  readonly openedMs: number;
  readonly nowMs: number;
  /** Base of the dashboard's address, or null where there is none. */
  readonly dashboardUrl: string | null;
  /** Held back from now on, and until when. */
  readonly silencedUntilMs: number | null;
  /** Who silenced it in a message, if anybody did there. */
  readonly silencedBy?: string | null;
  /** Who has seen to it; null: nobody said so. */
  readonly acknowledged?: { readonly by: string; readonly atMs: number } | null;
}

const LISTED_MAX = 10;

export function noticeOf(parts: NoticeParts): AlertNotice {
  const { id, state, alerts, groupLabels, openedMs, nowMs, channels } = parts;
  const [first] = alerts;
  return {
    id,
    kind: "alert",
    state,
    severity: severityOf(alerts),
    topic: groupLabels.topic ?? sameOf(alerts, "topic"),
    service: groupLabels.service ?? sameOf(alerts, "service"),
    title: alerts.length === 1 ? titleOf(first) : `${alerts.length} alerts: ${rulesOf(alerts)}${placeOf(alerts)}`,
    summary: alerts.map(({ rule }) => rule?.summary ?? "").find((text) => text !== "") ?? "",
    facts: [...(alerts.length === 1 ? factsOf(first) : listed(alerts)), ...heldBack(parts)],
    causes: [],
    nextSteps: [...new Set(alerts.flatMap(({ rule }) => rule?.runbook ? [`Runbook: ${rule.runbook}`] : []))],
    evidence: [],
    thread: [],
    author: "rules on minutes",
    links: parts.dashboardUrl === null ? [] : linksOf(parts.dashboardUrl, alerts),
    openedMs,
    updatedMs: nowMs,
    channels,
  };
}

export function severityOf(alerts: readonly Told[]): Severity {
  return alerts.map(({ instance }) => instance.severity).reduce(worse, "info");
}

/** The value that all share, or the empty text. */
function sameOf(alerts: readonly Told[], label: string): string {
  const values = new Set(alerts.map(({ labels }) => labels[label] ?? ""));
  return values.size === 1 ? [...values][0] : "";
}

function rulesOf(alerts: readonly Told[]): string {
  return [...new Set(alerts.map(({ instance }) => instance.rule))].join(", ");
}

function placeOf(alerts: readonly Told[]): string {
  const [service, topic] = [sameOf(alerts, "service"), sameOf(alerts, "topic")];
  return service !== "" ? ` on ${service}` : topic === "" ? "" : ` on topic ${topic}`;
}

function titleOf({ instance }: Told): string {
  const { rule, labels, topic, verdict } = instance;
  const own = Object.entries(labels).filter(([name]) => name !== "fingerprint").map(([, value]) => value);
  const where = own.length === 0 ? `topic ${topic}` : own.join(" ");
  return `${rule} on ${where}: ${figure(verdict.observed, verdict.unit)}${limitOf(verdict)}`;
}

function limitOf({ low, high, observed, unit }: Verdict): string {
  if (observed === null) return "";
  if (high !== null && observed > high) return ` (normal up to ${figure(high, unit)})`;
  return low !== null && observed < low ? ` (normal from ${figure(low, unit)})` : "";
}

/** Everything known of one alert. */
function factsOf({ instance }: Told): { label: string; value: string }[] {
  const { verdict, latest, state, startedAt, since } = instance;
  const facts: [string, string | null][] = [
    ["Observed", `${figure(verdict.observed, verdict.unit)} in ${formatMinutes(verdict.windowMinutes)}`],
    ["Expected", verdict.expected === null ? null : figure(verdict.expected, verdict.unit)],
    ["Normal", bandText(verdict)],
    ["Baseline", verdict.baseline],
    ["Samples", String(verdict.samples)],
    ["Detail", verdict.detail ?? null],
    ["Now", latest === verdict ? null : figure(latest.observed, latest.unit)],
    ["Since", isoMinute(startedAt)],
    ["State", state === "resolved" ? `resolved at ${isoMinute(since)}` : state],
    ["Late", instance.isLate ? "seen when events came late" : null],
    ["Corrected", correctionOf(instance)],
  ];
  return facts.flatMap(([label, value]) => value === null ? [] : [{ label, value }]);
}

function correctionOf({ corrected }: Instance): string | null {
  if (corrected === null) return null;
  return `with events that came late it would have been ${figure(corrected.observed, corrected.unit)}: normal`;
}

function bandText({ low, high, unit }: Verdict): string | null {
  if (low === null && high === null) return null;
  if (low === null) return `up to ${figure(high, unit)}`;
  return high === null ? `from ${figure(low, unit)}` : `${figure(low, unit)} to ${figure(high, unit)}`;
}

/** A line an alert, the worst first. */
function listed(alerts: readonly Told[]): { label: string; value: string }[] {
  const lines = alerts.slice(0, LISTED_MAX).map(({ instance }) => {
    const { verdict, labels, rule, state, startedAt } = instance;
    const own = Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(" ");
    const band = bandText(verdict);
    const pieces = [
      `observed ${figure(verdict.observed, verdict.unit)}`,
      verdict.expected === null ? null : `expected ${figure(verdict.expected, verdict.unit)}`,
      band === null ? null : `normal ${band}`,
      `${verdict.baseline}, ${verdict.samples} samples`,
      `${state} since ${isoMinute(startedAt)}`,
    ];
    return {
      label: own === "" ? rule : `${rule} (${own})`,
      value: pieces.filter((piece) => piece !== null).join("; "),
    };
  });
  const more = alerts.length - lines.length;
  return more <= 0 ? lines : [...lines, { label: "More", value: `${more} more alerts` }];
}

function heldBack(
  { silencedUntilMs, silencedBy = null, acknowledged = null }: NoticeParts,
): { label: string; value: string }[] {
  const by = silencedBy === null ? "" : `, by ${silencedBy}`;
  const until = silencedUntilMs === null ? "" : isoMinute(silencedUntilMs / MINUTE_MS);
  return [
    ...until === "" ? [] : [{ label: "Silenced", value: `until ${until}${by}` }],
    ...acknowledged === null
      ? []
      : [{ label: "Acknowledged", value: `at ${isoMinute(acknowledged.atMs / MINUTE_MS)}, by ${acknowledged.by}` }],
  ];
}

/** A figure as people read it. */
export function figure(value: number | null, unit: string): string {
  if (value === null) return "no data";
  if (unit === "share") return `${shortNumber(value * 100)} %`;
  return `${shortNumber(value)} ${unit}`.trim();
}

function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

/** The dashboard at the very minutes of the first alert, and of each other topic's. */
function linksOf(base: string, alerts: readonly Told[]): { label: string; url: string }[] {
  const seen = new Set<string>();
  return alerts.flatMap(({ instance, rule }) => {
    const url = dashboardLink(base, instance, rule);
    if (seen.has(url) || seen.size >= 3) return [];
    seen.add(url);
    return [{ label: `Dashboard: ${instance.rule}`, url }];
  });
}

/** Minutes shown before an alert's first. */
const BEFORE = 60;

export function dashboardLink(
  base: string,
  { topic, labels, startedAt, seenAt, verdict }: Instance,
  rule: Rule | null,
) {
  const from = startedAt - Math.max(BEFORE, Math.min(verdict.windowMinutes, 1440));
  const query = new URLSearchParams({ topic, from: isoMinute(from), to: isoMinute(seenAt + 1) });
  const own = DIMENSIONS.filter((name) => Object.hasOwn(labels, name)).map((name) =>
    writeCondition({ name, op: "in", values: [labels[name]] })
  );
  for (const condition of new Set([...(rule?.where ?? []), ...own])) query.append("where", condition);
  return `${base.replace(/\/$/, "")}/dashboard?${query}`;
}
