/** A flood of one error, as the analyzer counts it: how often a model is asked, and how many matters people are told of. */
import type { Analysis } from "../../core/incidents/documents.ts";
import type { ErrorRecord } from "../errors/error_record.ts";
import type { IncidentRules } from "../errors/incident_desk.ts";
import type { Redactor } from "../errors/redactor.ts";
import { TopicErrors } from "../errors/topic_errors.ts";

export interface FloodReport {
  readonly errors: number;
  readonly fingerprints: number;
  readonly summariesAsked: number;
  readonly incidents: number;
  /** Errors that the fingerprints have counted. */
  readonly counted: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.parse("2026-03-02T12:00:00Z");
const BATCH = 10;
const BATCH_MS = 100;
const RULES: IncidentRules = {
  liveMs: 15 * MINUTE_MS,
  quietMs: 30 * MINUTE_MS,
  regressedMs: 6 * HOUR_MS,
  groupMs: 2 * MINUTE_MS,
  staleMs: 168 * HOUR_MS,
  incidentsMax: 1_000,
  keptMs: 90 * 24 * HOUR_MS,
};

/** @param messages In batches of ten, ten a second. */
export function runFlood(redactor: Redactor, messages: readonly string[]): FloodReport {
  const errors = new TopicErrors(new Map(), { redactor, rules: RULES, fingerprintsMax: 1_000 });
  let nowMs = START_MS;
  let summariesAsked = 0;
  const incidents = new Set<string>();
  for (let at = 0; at < messages.length; at += BATCH, nowMs += BATCH_MS) {
    const records = messages.slice(at, at + BATCH).map((message, n): ErrorRecord => ({
      partition: 0,
      offset: at + n,
      ms: nowMs,
      service: "pay",
      level: "ERROR",
      raw: message,
      message,
      values: {},
      template: null,
    }));
    errors.apply(
      { topicId: "flood", records, positions: new Map([[0, at + records.length]]), read: records.length },
      nowMs,
    );
    errors.desk.look(nowMs);
    for (const { id, wanted } of [...errors.book.all]) {
      if (wanted === null) continue;
      summariesAsked++;
      errors.settle(id, analysisAt(nowMs), null);
    }
    for (const { id } of errors.takeChanges(nowMs).incidents) incidents.add(id);
  }
  const all = [...errors.book.all];
  return {
    errors: messages.length,
    fingerprints: all.length,
    summariesAsked,
    incidents: incidents.size,
    counted: all.reduce((sum, { count }) => sum + count, 0),
  };
}

const analysisAt = (atMs: number): Analysis => ({
  summary: { title: "t", severity: "error", category: "app", whatHappened: "w", causes: [], nextSteps: [] },
  author: "model",
  isModel: true,
  reason: "new",
  atMs,
  tokens: 0,
  usd: 0,
  evidence: [],
});
