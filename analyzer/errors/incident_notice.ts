/** An incident as a notice: what people are told of it, whatever the way. Pure. */
import type { Decisions } from "../../core/incidents/decisions.ts";
import type { FingerprintDocument, IncidentDocument } from "../../core/incidents/documents.ts";
import { type Notice, SEVERITIES, type Severity, type ThreadEntry } from "../notify/notice.ts";
import type { Summary } from "../summaries/summary.ts";
import { evidenceOf, membersOf, parametersOf } from "./error_facts.ts";
import { ratePerMinute, usualPerMinute } from "../../core/incidents/counts.ts";
import { inert } from "./inert.ts";

const MINUTE_MS = 60_000;
/** Lines of a card; the page has all. */
const EVIDENCE_SHOWN = 5;
const MEMBERS_SHOWN = 8;
/** Of the range that links show, before the first occurrence and after the last. */
const MARGIN_MS = 10 * MINUTE_MS;

export interface NoticeParts {
  readonly topicId: string;
  readonly topic: string;
  readonly decisions: Decisions;
  readonly rootOf: (id: string) => FingerprintDocument | undefined;
  /** The facts alone, where there is no summary yet. */
  readonly factsOnly: (fingerprint: FingerprintDocument, incident: IncidentDocument) => Summary;
  /** Where people reach the dashboard, without a slash at its end; null: nobody said. */
  readonly dashboardUrl: string | null;
  readonly nowMs: number;
}

export const noticeId = (topicId: string, incident: string): string => `error/${topicId}/${incident}`;

/** Null where nothing of it is known any more. */
export function noticeOf(incident: IncidentDocument, parts: NoticeParts): Notice | null {
  const { decisions, dashboardUrl, topic, topicId, nowMs } = parts;
  const members = membersOf(incident, parts.rootOf);
  const [lead] = members;
  if (lead === undefined) return null;
  const summary = lead.analysis?.summary ?? parts.factsOnly(lead, incident);
  const acknowledged = decisions.acknowledgementOf(incident.id);
  const name = decisions.nameOf(lead.id);
  return {
    id: noticeId(topicId, incident.id),
    kind: "error",
    state: incident.state === "resolved" ? "resolved" : acknowledged === null ? "open" : "acknowledged",
    severity: worst(members.map(({ analysis }) => analysis?.summary.severity ?? summary.severity)),
    topic,
    service: inert(incident.service),
    title: name === null ? summary.title : inert(name),
    summary: summary.whatHappened,
    facts: factsShown(incident, members, parts),
    causes: summary.causes,
    nextSteps: summary.nextSteps,
    evidence: (lead.analysis?.evidence ?? evidenceOf(lead)).slice(0, EVIDENCE_SHOWN),
    author: lead.analysis?.author ?? "facts only",
    links: dashboardUrl === null ? [] : linksOf(dashboardUrl, incident, lead, topic),
    thread: threadOf(incident, parts),
    openedMs: incident.openedMs,
    updatedMs: incident.state === "resolved" ? incident.resolvedMs ?? nowMs : nowMs,
  };
}

function worst(severities: readonly Severity[]): Severity {
  return SEVERITIES.find((severity) => severities.includes(severity)) ?? "error";
}

function factsShown(
  incident: IncidentDocument,
  members: readonly FingerprintDocument[],
  { decisions, nowMs }: NoticeParts,
): { label: string; value: string }[] {
  const [lead, ...others] = members;
  const usual = usualPerMinute(lead, nowMs);
  const rate = ratePerMinute(lead, nowMs);
  const count = members.reduce((sum, member) => sum + member.count, 0);
  const facts = [
    { label: "Occurrences", value: `${count}${others.length === 0 ? "" : `, of ${members.length} kinds`}` },
    {
      label: "Rate",
      value: `${rounded(rate)} a minute${usual === null ? ", no history yet" : `, usually ${rounded(usual)}`}`,
    },
    { label: "First seen", value: iso(lead.firstMs) },
    { label: "Last seen", value: iso(incident.lastMs) },
    { label: "Template", value: inert(lead.template) },
  ];
  const parameters = parametersOf(lead);
  if (parameters.length > 0) facts.push({ label: "Mostly", value: parameters.slice(0, 4).join("; ") });
  if (others.length > 0) {
    const named = others.slice(0, MEMBERS_SHOWN).map(({ template, count }) => `${inert(template)} (${count})`);
    const more = others.length > MEMBERS_SHOWN ? ` and ${others.length - MEMBERS_SHOWN} more` : "";
    facts.push({ label: "With it", value: named.join("; ") + more });
  }
  const acknowledged = decisions.acknowledgementOf(incident.id);
  if (acknowledged !== null) {
    facts.push({ label: "Acknowledged", value: `by ${inert(acknowledged.by)}, ${iso(acknowledged.atMs)}` });
  }
  const silence = silenceOf(incident, lead, decisions, nowMs);
  if (silence !== null) {
    facts.push({ label: "Silenced", value: `until ${iso(silence.untilMs)} by ${inert(silence.by)}` });
  }
  return facts;
}

/** The silence that keeps an incident from being told, or null. */
export function silenceOf(
  incident: IncidentDocument,
  lead: FingerprintDocument,
  decisions: Decisions,
  nowMs: number,
): ReturnType<Decisions["silenceOf"]> {
  return decisions.silenceOf({ incident: incident.id, service: incident.service, fingerprint: lead.id }, nowMs);
}

function threadOf(incident: IncidentDocument, { rootOf }: NoticeParts): ThreadEntry[] {
  return incident.log.map(({ id, text, fingerprint }) => {
    const of = fingerprint === null ? undefined : rootOf(fingerprint);
    const said = of?.analysis?.isModel ? ` ${of.analysis.summary.whatHappened}` : "";
    return { id, text: inert(text) + said, evidence: of === undefined ? [] : evidenceOf(of).slice(0, 2) };
  });
}

function linksOf(
  dashboardUrl: string,
  incident: IncidentDocument,
  lead: FingerprintDocument,
  topic: string,
): { label: string; url: string }[] {
  const range = new URLSearchParams({
    topic,
    from: iso(incident.openedMs - MARGIN_MS),
    to: iso(Math.ceil((incident.lastMs + MARGIN_MS) / MINUTE_MS) * MINUTE_MS),
  });
  const events = new URLSearchParams(range);
  events.append("where", `level=${lead.level}`);
  // A bar stands between values, unless it is escaped.
  if (lead.service !== "") events.append("where", `service=${lead.service.replace(/[\\|]/g, "\\$&")}`);
  return [
    { label: "Matching events", url: `${dashboardUrl}/dashboard?${events}` },
    { label: "This incident", url: `${dashboardUrl}/errors?${new URLSearchParams({ topic, incident: incident.id })}` },
  ];
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
const rounded = (value: number): string =>
  value >= 10 ? Math.round(value).toString() : (Math.round(value * 10) / 10).toString();
