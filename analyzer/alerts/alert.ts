/** The words of alerting: what a rule says of a group at a minute, and what becomes of it. Times are minutes since 1970. */
import { z } from "zod";
import { ALERT_STATES, ALERT_STATUSES, judgedFigures } from "../../core/alerts/board.ts";
import { SEVERITIES, type Severity } from "../notify/notice.ts";

/** Names and values of an alert: those of its rule, and the dimensions of its group. */
export type Labels = Readonly<Record<string, string>>;

export const labelsSchema = z.record(z.string(), z.string());

export const verdictSchema = judgedFigures.extend({
  /** What tells the group from others of its rule: dimensions, and the pair of windows where there are several. */
  labels: labelsSchema,
  /** In place of the rule's own. */
  severity: z.enum(SEVERITIES).optional(),
  /** More that is known, in a sentence. */
  detail: z.string().optional(),
});
/** What a rule says of one group at one minute. */
export type Verdict = Readonly<z.infer<typeof verdictSchema>>;

/** See {@link ALERT_STATUSES}. */
export type Status = (typeof ALERT_STATUSES)[number];

/** What a rule does where there is no data: leave the state as it is, take it for normal, or for a breach. */
export const NO_DATA_POLICIES = ["keep", "ok", "alert"] as const;
export type NoDataPolicy = (typeof NO_DATA_POLICIES)[number];

/** `inactive` has no instance. */
export type AlertState = (typeof ALERT_STATES)[number];

export const instanceSchema = z.object({
  rule: z.string(),
  topic: z.string(),
  labels: labelsSchema,
  severity: z.enum(SEVERITIES),
  state: z.enum(ALERT_STATES),
  /** Minute of the first breach of this episode. */
  startedAt: z.number(),
  /** Minute at which the state was entered. */
  since: z.number(),
  /** Minute at which it fired; null while it never did. */
  firedAt: z.number().nullable(),
  /** Minute of the last verdict. */
  seenAt: z.number(),
  /** The verdict that made it fire, or the first one while it is pending. */
  verdict: verdictSchema,
  /** The last one that there was. */
  latest: verdictSchema,
  /** It fired when events came late: the minute was judged normal before. */
  isLate: z.boolean(),
  /** Minute at which the episode before this one was resolved; null where there was none lately. */
  previousEnd: z.number().nullable(),
  /** What the verdict that made it fire would be today, where late events changed it to normal; it stays fired. */
  corrected: verdictSchema.nullable(),
});
/** An alert that is not inactive. */
export type Instance = Readonly<z.infer<typeof instanceSchema>>;

/** Whether people have reason to look at it. */
export function isActive({ state }: Pick<Instance, "state">): boolean {
  return state === "firing" || state === "recovering";
}

/** The key of an instance: the same group of the same rule has the same. */
export function instanceKey(topicId: string, rule: string, labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([topicId, rule, ...sorted.flat()]);
}

/** The worse of two. */
export function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b;
}
