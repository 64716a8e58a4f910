/** What the page of errors asks of the API, and what it tells it. */
import * as z from "zod/mini";
import { ask, wordsOf } from "./api.ts";
import type { ErrorsView } from "./errors_state.ts";
import type { Verdict } from "./errors_words.ts";
import { liveliest } from "./liveliest.ts";

const severity = z.enum(["critical", "error", "warning", "info"]);
export type Severity = z.infer<typeof severity>;

const summary = z.object({
  title: z.string(),
  severity,
  category: z.string(),
  whatHappened: z.string(),
  causes: z.array(
    z.object({ text: z.string(), confidence: z.enum(["low", "medium", "high"]), evidence: z.array(z.string()) }),
  ),
  nextSteps: z.array(z.string()),
  author: z.string(),
  isModel: z.boolean(),
  writtenAt: z.string(),
  evidence: z.array(z.object({ id: z.string(), text: z.string() })),
});
export type ErrorSummary = z.infer<typeof summary>;

const fingerprint = z.object({
  id: z.string(),
  name: z.nullable(z.string()),
  service: z.string(),
  level: z.string(),
  template: z.string(),
  splitFrom: z.nullable(z.object({ id: z.string(), contains: z.string() })),
  count: z.number(),
  recent: z.number(),
  ratePerMinute: z.number(),
  usualPerMinute: z.nullable(z.number()),
  isNew: z.boolean(),
  isSpike: z.boolean(),
  firstSeen: z.string(),
  lastSeen: z.string(),
  spark: z.array(z.number()),
  incident: z.nullable(z.string()),
  values: z.array(z.object({ field: z.string(), value: z.string(), count: z.number() })),
  exemplars: z.array(z.object({ text: z.string(), time: z.string(), partition: z.number(), offset: z.number() })),
  merged: z.array(z.object({ id: z.string(), template: z.string(), count: z.number() })),
  mergesInto: z.nullable(z.string()),
  splits: z.array(z.string()),
  summary: z.nullable(summary),
  awaits: z.nullable(z.string()),
});
export type Fingerprint = z.infer<typeof fingerprint>;

const incident = z.object({
  id: z.string(),
  topic: z.string(),
  service: z.string(),
  state: z.enum(["open", "acknowledged", "resolved"]),
  severity,
  title: z.string(),
  count: z.number(),
  openedAt: z.string(),
  lastSeen: z.string(),
  spark: z.array(z.number()),
  resolvedAt: z.nullable(z.string()),
  isTold: z.boolean(),
  fingerprints: z.array(z.object({ id: z.string(), reason: z.string(), template: z.string(), count: z.number() })),
  log: z.array(z.object({ time: z.string(), text: z.string() })),
  summary: z.nullable(summary),
  acknowledged: z.nullable(z.object({ by: z.string(), time: z.string() })),
  silenced: z.nullable(z.object({
    until: z.string(),
    by: z.string(),
    comment: z.string(),
    target: z.enum(["fingerprint", "incident", "service"]),
    id: z.string(),
  })),
  verdicts: z.array(z.object({ by: z.string(), verdict: z.string(), comment: z.string() })),
});
export type Incident = z.infer<typeof incident>;

const analyzer = z.object({
  readAt: z.nullable(z.string()),
  records: z.number(),
  errors: z.number(),
  author: z.string(),
  trouble: z.nullable(z.string()),
  asked: z.number(),
  tokens: z.number(),
  usd: z.number(),
});
export type AnalyzerState = z.infer<typeof analyzer>;

export const incidentsAnswer = z.object({ incidents: z.array(incident), total: z.number(), analyzer });
const incidentAnswer = z.object({ incident, fingerprints: z.array(fingerprint) });
export type IncidentDetails = z.infer<typeof incidentAnswer>;
const fingerprintsAnswer = z.object({
  fingerprints: z.array(fingerprint),
  total: z.number(),
  services: z.array(z.string()),
  analyzer,
});
const decided = z.object({ decided: z.string(), at: z.string() });
const problem = z.object({ detail: z.string() });

const INCIDENTS_MAX = 200;
export const FINGERPRINTS_MAX = 200;

/** What is opened, or why there is nothing of it. */
export type OpenedDetails =
  | { readonly kind: "incident"; readonly id: string; readonly details: IncidentDetails }
  | { readonly kind: "fingerprint"; readonly id: string; readonly details: Fingerprint }
  | { readonly kind: "missing"; readonly id: string; readonly reason: string }
  | null;

export interface Errors {
  readonly topics: readonly string[];
  /** Null where there is no topic at all; else nothing below is empty for want of one. */
  readonly topic: string | null;
  readonly incidents: readonly Incident[];
  readonly incidentsTotal: number;
  readonly fingerprints: readonly Fingerprint[];
  readonly fingerprintsTotal: number;
  readonly services: readonly string[];
  readonly analyzer: AnalyzerState;
  readonly opened: OpenedDetails;
  readonly nowMs: number;
}

/** Everything that a view shows. Throws an Error in words. */
export async function loadErrors(view: ErrorsView): Promise<Errors> {
  const { topics } = await ask("/api/v1/topics", topicsWithMarks);
  const topic = view.topic ?? liveliest(topics)?.name ?? null;
  const names = topics.map(({ name }) => name);
  if (topic === null) return { ...NOTHING, topics: names, nowMs: Date.now() };
  if (!names.includes(topic)) throw new Error(`there is no topic ${topic}: choose one of those above`);
  const service: [string, string][] = view.service === null ? [] : [["service", view.service]];
  const ofTopic: [string, string][] = [["topic", topic], ...service];
  const text: [string, string][] = view.q === "" ? [] : [["q", view.q]];
  const [incidents, fingerprints, opened] = await Promise.all([
    ask("/api/v1/incidents", incidentsAnswer, [...ofTopic, ["limit", String(INCIDENTS_MAX)]]),
    ask("/api/v1/fingerprints", fingerprintsAnswer, [
      ...ofTopic,
      ...text,
      ["sort", view.sort],
      ["limit", String(FINGERPRINTS_MAX)],
    ]),
    loadOpened(view, topic),
  ]);
  return {
    topics: names,
    topic,
    incidents: incidents.incidents,
    incidentsTotal: incidents.total,
    fingerprints: fingerprints.fingerprints,
    fingerprintsTotal: fingerprints.total,
    services: fingerprints.services,
    analyzer: fingerprints.analyzer,
    opened,
    nowMs: Date.now(),
  };
}

const NOTHING: Omit<Errors, "topics" | "nowMs"> = {
  topic: null,
  incidents: [],
  incidentsTotal: 0,
  fingerprints: [],
  fingerprintsTotal: 0,
  services: [],
  analyzer: { readAt: null, records: 0, errors: 0, author: "", trouble: null, asked: 0, tokens: 0, usd: 0 },
  opened: null,
};

async function loadOpened({ opened }: ErrorsView, topic: string): Promise<OpenedDetails> {
  if (opened === null) return null;
  const { kind, id } = opened;
  const path = `/api/v1/${kind}s/${encodeURIComponent(id)}`;
  try {
    return kind === "incident"
      ? { kind, id, details: await ask(path, incidentAnswer, [["topic", topic]]) }
      : { kind, id, details: await ask(path, fingerprint, [["topic", topic]]) };
  } catch (error) {
    return { kind: "missing", id, reason: wordsOf(error) };
  }
}

/** Fingerprints of a topic that contain a text, to merge into. */
export async function findFingerprints(topic: string, q: string): Promise<readonly Fingerprint[]> {
  const query: [string, string][] = [["topic", topic], ["sort", "count"], ["limit", "20"]];
  return (await ask("/api/v1/fingerprints", fingerprintsAnswer, q === "" ? query : [...query, ["q", q]])).fingerprints;
}

const topicsWithMarks = z.object({
  topics: z.array(z.object({
    name: z.string(),
    partitions: z.array(z.object({ watermark: z.nullable(z.string()) })),
    totals: z.object({ events: z.number() }),
  })),
});

export type Decision =
  | { readonly kind: "acknowledge"; readonly incident: string }
  | {
    readonly kind: "silence";
    readonly target: "incident" | "fingerprint" | "service";
    readonly id: string;
    readonly minutes: number;
    readonly comment?: string;
  }
  | { readonly kind: "verdict"; readonly incident: string; readonly verdict: Verdict; readonly comment?: string }
  | { readonly kind: "merge"; readonly fingerprint: string; readonly into: string }
  | { readonly kind: "split"; readonly fingerprint: string; readonly contains: string }
  | { readonly kind: "name"; readonly fingerprint: string; readonly name: string };

/** Tells a decision; throws an Error in words where it is not taken. */
export async function decide(topic: string, decision: Decision, by: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(`/api/v1/decisions?${new URLSearchParams({ topic })}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...decision, by }),
    });
  } catch {
    throw new Error("the gateway does not answer: nothing was changed");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && decided.safeParse(body).success) return;
  const told = problem.safeParse(body);
  throw new Error(told.success ? told.data.detail : `it was not taken: ${response.status}`);
}
