/** Fingerprints and incidents as the API answers them. */
import { z } from "@hono/zod-openapi";
import { isSpike, minuteOf, occurrences, ratePerMinute, usualPerMinute } from "../../core/incidents/counts.ts";
import {
  type Analysis,
  type FingerprintDocument,
  type IncidentDocument,
  REASONS,
} from "../../core/incidents/documents.ts";
import { VERDICTS } from "../../core/incidents/decisions.ts";
import type { KnownErrors } from "./known_errors.ts";

/** What counts as new. */
const NEW_MS = 24 * 3_600_000;
const SPARK_MINUTES = 120;
const SPARK_STEP = 5;

export const summaryShape = z.object({
  title: z.string(),
  severity: z.enum(["critical", "error", "warning", "info"]),
  category: z.string(),
  whatHappened: z.string(),
  causes: z.array(
    z.object({ text: z.string(), confidence: z.enum(["low", "medium", "high"]), evidence: z.array(z.string()) }),
  ),
  nextSteps: z.array(z.string()),
  author: z.string(),
  isModel: z.boolean().openapi({ description: "Whether a model wrote it; else it has the facts alone" }),
  writtenAt: z.string(),
  evidence: z.array(z.object({ id: z.string(), text: z.string() })),
}).openapi("ErrorSummary");

export const fingerprintShape = z.object({
  id: z.string(),
  name: z.string().nullable().openapi({ description: "As a person called it" }),
  service: z.string(),
  level: z.string(),
  template: z.string().openapi({ description: "What its messages have in common; <*> varies" }),
  splitFrom: z.object({ id: z.string(), contains: z.string() }).nullable(),
  count: z.int(),
  recent: z.int().openapi({ description: "Occurrences of the last two hours" }),
  ratePerMinute: z.number().openapi({ description: "Over the last five minutes" }),
  usualPerMinute: z.number().nullable().openapi({
    description: "Over the last week; null before the first whole hour",
  }),
  isNew: z.boolean().openapi({ description: "First met within a day" }),
  isSpike: z.boolean(),
  firstSeen: z.string(),
  lastSeen: z.string(),
  spark: z.array(z.int()).openapi({ description: "Occurrences of the last two hours, by five minutes, oldest first" }),
  incident: z.string().nullable(),
  values: z.array(z.object({ field: z.string(), value: z.string(), count: z.int() })),
  exemplars: z.array(z.object({ text: z.string(), time: z.string(), partition: z.int(), offset: z.int() })),
  merged: z.array(z.object({ id: z.string(), template: z.string(), count: z.int() })).openapi({
    description: "Those that count as this one",
  }),
  mergesInto: z.string().nullable().openapi({
    description: "The one that a person said it counts as, until the analyzer has done it",
  }),
  splits: z.array(z.string()).openapi({ description: "Texts by which people told messages of it apart" }),
  summary: summaryShape.nullable(),
  awaits: z.enum(REASONS).nullable().openapi({ description: "Why a summary is to be written; null: none is" }),
}).openapi("Fingerprint");

export const incidentShape = z.object({
  id: z.string(),
  topic: z.string(),
  service: z.string(),
  state: z.enum(["open", "acknowledged", "resolved"]),
  severity: z.enum(["critical", "error", "warning", "info"]),
  title: z.string(),
  count: z.int().openapi({ description: "Occurrences of all its fingerprints" }),
  openedAt: z.string(),
  lastSeen: z.string(),
  spark: z.array(z.int()).openapi({ description: "As that of its fingerprints, together" }),
  resolvedAt: z.string().nullable(),
  isTold: z.boolean().openapi({
    description: "Whether people are told of it: not of what was over before it was read",
  }),
  fingerprints: z.array(z.object({ id: z.string(), reason: z.enum(REASONS), template: z.string(), count: z.int() })),
  log: z.array(z.object({ time: z.string(), text: z.string() })),
  summary: summaryShape.nullable(),
  acknowledged: z.object({ by: z.string(), time: z.string() }).nullable(),
  silenced: z.object({
    until: z.string(),
    by: z.string(),
    comment: z.string(),
    target: z.enum(["fingerprint", "incident", "service"]),
    id: z.string(),
  }).nullable().openapi({ description: "The silence that lasts longest, and of what it is" }),
  verdicts: z.array(z.object({ by: z.string(), verdict: z.enum(VERDICTS), comment: z.string() })),
}).openapi("Incident");

const iso = (ms: number): string => new Date(ms).toISOString();

function summaryJson({ summary, author, isModel, atMs, evidence }: Analysis): z.infer<typeof summaryShape> {
  return { ...summary, author, isModel, writtenAt: iso(atMs), evidence };
}

/** Occurrences of the last two hours by five minutes. */
function sparkOf(fingerprints: readonly FingerprintDocument[], nowMs: number): number[] {
  const now = minuteOf(nowMs) + 1;
  const steps = SPARK_MINUTES / SPARK_STEP;
  return Array.from({ length: steps }, (_, at) => {
    const from = now - (steps - at) * SPARK_STEP;
    return fingerprints.reduce((sum, { minutes }) => sum + occurrences(minutes, from, from + SPARK_STEP), 0);
  });
}

export function fingerprintJson(
  fingerprint: FingerprintDocument,
  { decisions, mergedInto }: Pick<KnownErrors, "decisions" | "mergedInto">,
  nowMs: number,
): z.infer<typeof fingerprintShape> {
  const { id, service, level, template, splitFrom, count, firstMs, lastMs, metMs, incident } = fingerprint;
  const spark = sparkOf([fingerprint], nowMs);
  const root = decisions.mergedInto(id);
  return {
    id,
    name: decisions.nameOf(id),
    service,
    level,
    template,
    splitFrom,
    count,
    recent: spark.reduce((sum, each) => sum + each, 0),
    ratePerMinute: ratePerMinute(fingerprint, nowMs),
    usualPerMinute: usualPerMinute(fingerprint, nowMs),
    isNew: nowMs - Math.max(metMs, firstMs) < NEW_MS && nowMs - firstMs < NEW_MS,
    isSpike: isSpike(fingerprint, nowMs),
    firstSeen: iso(firstMs),
    lastSeen: iso(lastMs),
    spark,
    incident,
    values: Object.entries(fingerprint.values).flatMap(([field, counts]) =>
      [...counts].sort((a, b) => b[1] - a[1]).map(([value, count]) => ({ field, value, count }))
    ),
    exemplars: fingerprint.exemplars.map(({ text, ms, partition, offset }) => ({
      text,
      time: iso(ms),
      partition,
      offset,
    })),
    merged: mergedInto(id).map(({ id, template, count }) => ({ id, template, count })),
    mergesInto: root === id ? null : root,
    splits: [...decisions.splitsOf(id)],
    summary: fingerprint.analysis === null ? null : summaryJson(fingerprint.analysis),
    awaits: fingerprint.wanted?.reason ?? null,
  };
}

const SEVERITIES = ["critical", "error", "warning", "info"] as const;

export function incidentJson(
  incident: IncidentDocument,
  topic: string,
  { decisions, rootOf }: Pick<KnownErrors, "decisions" | "rootOf">,
  nowMs: number,
): z.infer<typeof incidentShape> {
  const members = new Map<string, z.infer<typeof incidentShape>["fingerprints"][number]>();
  const roots: FingerprintDocument[] = [];
  for (const { fingerprint, reason } of incident.members) {
    const root = rootOf(fingerprint);
    if (root === undefined || members.has(root.id)) continue;
    roots.push(root);
    members.set(root.id, { id: root.id, reason, template: root.template, count: root.count });
  }
  const lead = roots.at(0);
  const acknowledged = decisions.acknowledgementOf(incident.id);
  const silence = decisions.silenceOf(
    { incident: incident.id, service: incident.service, fingerprint: lead?.id ?? "" },
    nowMs,
  );
  const severities = roots.map(({ analysis, level }) =>
    analysis?.summary.severity ?? (level === "FATAL" ? "critical" : "error")
  );
  return {
    id: incident.id,
    topic,
    service: incident.service,
    state: incident.state === "resolved" ? "resolved" : acknowledged === null ? "open" : "acknowledged",
    severity: SEVERITIES.find((severity) => severities.includes(severity)) ?? "error",
    title: (lead === undefined ? null : decisions.nameOf(lead.id) ?? lead.analysis?.summary.title ?? lead.template) ??
      "its errors are forgotten",
    count: roots.reduce((sum, { count }) => sum + count, 0),
    openedAt: iso(incident.openedMs),
    lastSeen: iso(incident.lastMs),
    spark: sparkOf(roots, nowMs),
    resolvedAt: incident.resolvedMs === null ? null : iso(incident.resolvedMs),
    isTold: incident.isTold,
    fingerprints: [...members.values()],
    log: incident.log.map(({ atMs, text }) => ({ time: iso(atMs), text })),
    summary: lead === undefined || lead.analysis === null ? null : summaryJson(lead.analysis),
    acknowledged: acknowledged === null ? null : { by: acknowledged.by, time: iso(acknowledged.atMs) },
    silenced: silence === null ? null : {
      until: iso(silence.untilMs),
      by: silence.by,
      comment: silence.comment,
      target: silence.target,
      id: silence.id,
    },
    verdicts: decisions.verdictsOf(incident.id).map(({ by, verdict, comment }) => ({ by, verdict, comment })),
  };
}
