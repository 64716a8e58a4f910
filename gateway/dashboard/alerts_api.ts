/** Alerts as the API has them, and as marks on charts. */
import * as z from "zod/mini";
import { ask, send } from "./api.ts";
import type { Mark } from "./chart.ts";
import { inert } from "./inert.ts";
import { placeOf } from "./alerts_words.ts";

const figures = z.object({
  status: z.string(),
  observed: z.nullable(z.number()),
  expected: z.nullable(z.number()),
  low: z.nullable(z.number()),
  high: z.nullable(z.number()),
  unit: z.string(),
  baseline: z.string(),
  samples: z.number(),
  windowMinutes: z.number(),
  detail: z.nullable(z.string()),
});
export type AlertFigures = z.infer<typeof figures>;

const alert = z.object({
  id: z.string(),
  rule: z.string(),
  topic: z.string(),
  service: z.string(),
  severity: z.enum(["critical", "error", "warning", "info"]),
  state: z.enum(["pending", "firing", "recovering", "resolved"]),
  hasData: z.boolean(),
  labels: z.record(z.string(), z.string()),
  groupedBy: z.array(z.string()),
  startedAt: z.string(),
  since: z.string(),
  firedAt: z.nullable(z.string()),
  resolvedAt: z.nullable(z.string()),
  cause: figures,
  latest: figures,
  isLate: z.boolean(),
  isCorrected: z.boolean(),
  silenced: z.nullable(z.object({ until: z.string(), comment: z.string(), by: z.nullable(z.string()) })),
  acknowledged: z.nullable(z.object({ by: z.string(), at: z.string() })),
  isInhibited: z.boolean(),
  messages: z.array(z.object({ labels: z.record(z.string(), z.string()), alerts: z.number(), isOpen: z.boolean() })),
  summary: z.string(),
  runbook: z.string(),
  link: z.string(),
});
export type Alert = z.infer<typeof alert>;

const evaluator = z.object({
  evaluatedAt: z.nullable(z.string()),
  judgedUntil: z.nullable(z.string()),
  rules: z.number(),
  rulesFile: z.string(),
});
export type AlertEvaluator = z.infer<typeof evaluator>;
const answer = z.object({ alerts: z.array(alert), total: z.number(), evaluator });

export interface Alerts {
  /** Those of now, and those that held within the range, as the API sorts them. */
  readonly alerts: readonly Alert[];
  readonly evaluator: AlertEvaluator;
}

/** Asked for at most, of now and of the range each. */
const ASKED_MAX = 100;

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Alerts of a topic, now and within a range; null where nobody can tell. */
export async function loadAlerts(topic: string, { from, to }: { from: string; to: string }): Promise<Alerts | null> {
  const common: [string, string][] = [["topic", topic], ["limit", String(ASKED_MAX)]];
  try {
    const [within, now] = await Promise.all([
      ask("/api/v1/alerts", answer, [...common, ["from", from], ["to", to]]),
      // A range that reaches to now has those of now in it.
      to === "now" ? null : ask("/api/v1/alerts", answer, common),
    ]);
    const inRange = new Set(within.alerts.map(({ id }) => id));
    const current = now?.alerts.filter(({ id, state }) => state !== "resolved" && !inRange.has(id)) ?? [];
    const open = [...current, ...within.alerts.filter(({ state }) => state !== "resolved")];
    const over = within.alerts.filter(({ state, firedAt }) => state === "resolved" && firedAt !== null);
    return { alerts: [...open.sort(inOrder), ...over], evaluator: within.evaluator };
  } catch {
    return null; // of another version
  }
}

export type AlertDecision =
  | { readonly kind: "acknowledge"; readonly alert: string }
  | { readonly kind: "silence"; readonly alert: string; readonly minutes: number; readonly comment?: string };

const decided = z.object({ decided: z.string() });

/** Tells a decision; throws an Error in words where it is not taken. */
export async function decideAlert(decision: AlertDecision, by: string): Promise<void> {
  await send("POST", "/api/v1/alerts/decisions", decided, { ...decision, by });
}

const STATES = ["firing", "recovering", "pending", "resolved"];
const SEVERITIES = ["critical", "error", "warning", "info"];

function inOrder(a: Alert, b: Alert): number {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) ||
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
    Date.parse(b.startedAt) - Date.parse(a.startedAt);
}

/** Those that fired and touch the range, the latest first; one that is not over reaches to its end. Pure. */
export function alertMarks(alerts: readonly Alert[], { fromMs, toMs }: Range): Mark[] {
  return alerts.flatMap((each): Mark[] => {
    const { firedAt, resolvedAt, rule, link } = each;
    if (firedAt === null) return [];
    const isOver = resolvedAt !== null;
    const mark = {
      fromMs: Date.parse(firedAt),
      toMs: isOver ? Date.parse(resolvedAt) : toMs,
      kind: "alert" as const,
      isOver,
      label: inert(`${rule}${placeOf(each) === "" ? "" : ` on ${placeOf(each)}`}`),
      href: link,
    };
    return mark.fromMs < toMs && mark.toMs >= fromMs ? [mark] : [];
  }).sort((a, b) => b.fromMs - a.fromMs);
}
