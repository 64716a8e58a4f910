/**
 * The board of alerts: what the analyzer's rules say now, and what fired before, for whoever shows it. The analyzer decides by
 * a state of its own, and puts what is to be seen of it here; nothing is decided by the board.
 */
import { z } from "zod";
import type { Documents } from "../store/ports.ts";

/** The collection of the board. */
export const ALERTS_COLLECTION = "alerts";
export const HEAD_KEY = "head";
export const alertKey = (id: string): string => `alert/${id}`;

export const ALERT_STATES = ["pending", "firing", "recovering", "resolved"] as const;
export const ALERT_SEVERITIES = ["critical", "error", "warning", "info"] as const;

/**
 * `no_data`: the topic had no event at all, which is something else than zero. `learning`: there is too little history
 * to judge by, and nothing is said.
 */
export const ALERT_STATUSES = ["normal", "breach", "no_data", "learning"] as const;

/** What was judged, and by what. */
export const judgedFigures = z.object({
  status: z.enum(ALERT_STATUSES),
  /** The figure that was judged; null where there was none. */
  observed: z.number().nullable(),
  expected: z.number().nullable(),
  /** What would have been normal: from `low` (null: no lower bound) to `high` (null: no upper bound). */
  low: z.number().nullable(),
  high: z.number().nullable(),
  unit: z.string(),
  /** What `expected` and the band come from, in words. */
  baseline: z.string(),
  /** Events or windows that they come from. */
  samples: z.number(),
  /** Minutes that `observed` is of. */
  windowMinutes: z.number(),
});
const figures = judgedFigures.extend({ detail: z.string().nullable() });
/** What a rule saw of a group at a minute, and what it held that against. */
export type AlertFigures = Readonly<z.infer<typeof figures>>;

const message = z.object({
  /** Names the group of alerts that are told of together. */
  group: z.string(),
  /** Of the group, from its first alert to the end of its last; null: nobody is told of it now. */
  episode: z.string().nullable(),
  /** What its alerts have alike. */
  labels: z.record(z.string(), z.string()),
});
/** A message about alerts, which people acknowledge or silence as a whole. */
export type AlertMessage = Readonly<z.infer<typeof message>>;

export const alertDocument = z.object({
  /** Of this episode: the same group of the same rule has another one the next time. */
  id: z.string(),
  topicId: z.string(),
  topic: z.string(),
  rule: z.string(),
  kind: z.string(),
  severity: z.enum(ALERT_SEVERITIES),
  /** All labels: topic, rule, kind, severity, the rule's own, and the dimensions of the group. */
  labels: z.record(z.string(), z.string()),
  /** Names of the labels that tell the group from others of the rule. */
  groupedBy: z.array(z.string()),
  state: z.enum(ALERT_STATES),
  startedMs: z.number(),
  /** When the state was entered. */
  sinceMs: z.number(),
  firedMs: z.number().nullable(),
  resolvedMs: z.number().nullable(),
  /** End of the last minute judged. */
  seenMs: z.number(),
  /** What made it fire; while it is pending, what began it. */
  cause: figures,
  latest: figures,
  /** It fired when events came late. */
  isLate: z.boolean(),
  /** Late events have made normal what made it fire. */
  isCorrected: z.boolean(),
  /** By the file of rules; what people silence or acknowledge are decisions about its messages. */
  silenced: z.object({ untilMs: z.number(), comment: z.string() }).nullable(),
  /** Those that it is told in, or would be; none where it is over, and where a version put it that did not know. */
  messages: z.array(message).default([]),
  isInhibited: z.boolean(),
  summary: z.string(),
  runbook: z.string(),
  /** Path and query of the dashboard at its very minutes. */
  link: z.string(),
});
export type AlertDocument = Readonly<z.infer<typeof alertDocument>>;

const rule = z.object({
  name: z.string(),
  kind: z.string(),
  severity: z.enum(ALERT_SEVERITIES),
  topics: z.array(z.string()),
});

export const alertsHead = z.object({
  /** When rules were last evaluated, by the analyzer's clock; put down now and then, not each time. */
  evaluatedMs: z.number(),
  /** The file of the rules; empty: the built-in ones. */
  rulesFile: z.string(),
  rules: z.array(rule),
  /** By topic id, the end of the last minute judged. */
  judgedMs: z.record(z.string(), z.number()),
});
export type AlertsHead = Readonly<z.infer<typeof alertsHead>>;

export interface AlertBoard {
  readonly version: number;
  /** Null where no rules were ever evaluated. */
  readonly head: AlertsHead | null;
  readonly alerts: readonly AlertDocument[];
}

/** The board as it is; what cannot be read is left aside. */
export async function readAlertBoard(documents: Pick<Documents, "readDocuments">): Promise<AlertBoard> {
  const { version, entries } = await documents.readDocuments(ALERTS_COLLECTION);
  const head = alertsHead.safeParse(jsonOf(entries.get(HEAD_KEY) ?? ""));
  const alerts = [...entries].flatMap(([key, text]) => {
    if (key === HEAD_KEY) return [];
    const parsed = alertDocument.safeParse(jsonOf(text));
    return parsed.success ? [parsed.data] : [];
  });
  return { version, head: head.success ? head.data : null, alerts };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
