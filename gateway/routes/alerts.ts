/** GET /api/v1/alerts: what rules say of minutes now, and what fired before, as the analyzer puts it into the store. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import {
  ALERT_SEVERITIES,
  ALERT_STATES,
  type AlertBoard,
  type AlertDocument,
  type AlertFigures,
  ALERTS_COLLECTION,
  readAlertBoard,
} from "../../core/alerts/board.ts";
import { AlertDecisionReader, type AlertDecisions, type AlertSilence, decidedOn } from "../../core/alerts/decisions.ts";
import { topicMatcher } from "../../core/log/topic_patterns.ts";
import type { Store } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, timeParameters, topicOf, topicParameter, wholeNumber } from "../query.ts";
import { EVERYTHING, rangeOf } from "../time_range.ts";

const time = z.string().nullable();
const figures = z.object({
  status: z.enum(["normal", "breach", "no_data", "learning"]),
  observed: z.number().nullable(),
  expected: z.number().nullable(),
  low: z.number().nullable().openapi({ description: "Normal from here; null: no lower bound" }),
  high: z.number().nullable().openapi({ description: "Normal up to here; null: no upper bound" }),
  unit: z.string(),
  baseline: z.string().openapi({ description: "What it is held against, in words" }),
  samples: z.number().openapi({ description: "Events or windows that the baseline comes from" }),
  windowMinutes: z.number(),
  detail: z.string().nullable(),
}).openapi("AlertFigures");

const alertShape = z.object({
  id: z.string(),
  rule: z.string(),
  kind: z.string(),
  topic: z.string(),
  service: z.string().openapi({ description: "The label of that name; empty where there is none" }),
  severity: z.enum(ALERT_SEVERITIES),
  state: z.enum(ALERT_STATES),
  hasData: z.boolean().openapi({ description: "False where its topic had no event at all in the last minute judged" }),
  labels: z.record(z.string(), z.string()),
  groupedBy: z.array(z.string()).openapi({ description: "Labels that tell it from other alerts of its rule" }),
  startedAt: z.string().openapi({ description: "The first breach" }),
  since: z.string().openapi({ description: "When it came into its state" }),
  firedAt: time,
  resolvedAt: time,
  judgedUntil: z.string(),
  cause: figures.openapi({ description: "What made it fire; while it is pending, what began it" }),
  latest: figures,
  isLate: z.boolean().openapi({ description: "It fired when events came late" }),
  isCorrected: z.boolean().openapi({ description: "With events that came late it would not have fired" }),
  silenced: z.object({
    until: z.string(),
    comment: z.string(),
    by: z.string().nullable().openapi({ description: "Who silenced its messages; null: the file of rules" }),
  }).nullable().openapi({ description: "The silence that lasts longest" }),
  acknowledged: z.object({ by: z.string(), at: z.string() }).nullable()
    .openapi({ description: "Who has seen to it: people are not called again until it is over, or worse" }),
  isInhibited: z.boolean().openapi({ description: "Nobody is told, since another alert fires" }),
  messages: z.array(z.object({
    labels: z.record(z.string(), z.string()).openapi({ description: "What its alerts have alike" }),
    alerts: z.int().openapi({ description: "Alerts of now in it, this one as well" }),
    isOpen: z.boolean().openapi({ description: "It is told of now, and so can be acknowledged" }),
  })).openapi({
    description: "Messages that it is told in, or would be: they are acknowledged and silenced as a whole",
  }),
  summary: z.string(),
  runbook: z.string(),
  link: z.string().openapi({ description: "The dashboard at its very minutes, from this gateway's root" }),
}).openapi("Alert");

const evaluatorShape = z.object({
  evaluatedAt: time.openapi({
    description: "When rules were last evaluated, to half a minute; null: never, by any analyzer",
  }),
  judgedUntil: time.openapi({ description: "End of the last minute of the topic that was judged; without topic null" }),
  rules: z.int().openapi({ description: "Rules in force, of the topic where one is named" }),
  rulesFile: z.string().openapi({ description: "Where they stand; empty: the built-in ones" }),
}).openapi("AlertEvaluator");

const STATE_CHOICES = ["all", "active", ...ALERT_STATES, "no_data"] as const;
const query = z.strictObject({
  topic: topicParameter.optional(),
  state: z.enum(STATE_CHOICES).default("all").openapi({
    description: "active: firing or recovering; no_data: not resolved, and without data in the last minute judged",
  }),
  service: z.string().optional().openapi({ description: "Of this service alone" }),
  ...timeParameters,
  limit: wholeNumber(1, 1_000, 100).openapi({ description: "Alerts at most" }),
});
const route = createRoute({
  method: "get",
  path: "/api/v1/alerts",
  tags: ["Alerts"],
  summary: "Alerts of now, and those that fired before",
  request: { query },
  responses: jsonAnswer(
    z.object({ alerts: z.array(alertShape), total: z.int(), evaluator: evaluatorShape }).openapi("Alerts"),
    "Firing ones first, then recovering and pending ones, the worst first; then those that are over, the latest first",
  ),
});

export function alertsRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  const reader = new BoardReader(parts.store);
  const decisionReader = new AlertDecisionReader(parts.store);
  app.openapi(route, async (c) => {
    const { topic: name, state, service, from, to, limit } = c.req.valid("query");
    const topic = name === undefined ? null : await topicOf(parts, name);
    const range = rangeOf({ from, to }, parts.now(), EVERYTHING);
    const [{ head, alerts }, decisions] = await Promise.all([reader.read(), decisionReader.read()]);
    // Of a topic that was deleted, and of one before that had its name, nothing is shown.
    const ids = new Set(topic === null ? (await parts.log.listTopics()).map(({ id }) => id) : [topic.id]);
    const found = alerts.filter((alert) =>
      ids.has(alert.topicId) && isIn(alert, state) && (service === undefined || serviceOf(alert) === service) &&
      alert.startedMs < range.toMs && (alert.resolvedMs ?? Infinity) >= range.fromMs
    ).sort(inOrder);
    const rules = (head?.rules ?? []).filter(({ topics }) => topic === null || topicMatcher(topics)(topic.name));
    const judgedMs = topic === null ? undefined : head?.judgedMs[topic.id];
    return c.json({
      alerts: found.slice(0, limit).map((alert) => alertJson(alert, { alerts, decisions, nowMs: parts.now() })),
      total: found.length,
      evaluator: {
        evaluatedAt: isoOf(head?.evaluatedMs ?? null),
        judgedUntil: isoOf(judgedMs ?? null),
        rules: rules.length,
        rulesFile: head?.rulesFile ?? "",
      },
    }, 200);
  });
}

/** Reads the board once a version. */
class BoardReader {
  readonly #store: Pick<Store, "documentsVersion" | "readDocuments">;
  #board: AlertBoard | null = null;

  constructor(store: Pick<Store, "documentsVersion" | "readDocuments">) {
    this.#store = store;
  }

  async read(): Promise<AlertBoard> {
    if (this.#board !== null && await this.#store.documentsVersion(ALERTS_COLLECTION) === this.#board.version) {
      return this.#board;
    }
    return this.#board = await readAlertBoard(this.#store);
  }
}

function isIn({ state, latest }: AlertDocument, wanted: typeof STATE_CHOICES[number]): boolean {
  switch (wanted) {
    case "all":
      return true;
    case "active":
      return state === "firing" || state === "recovering";
    case "no_data":
      return state !== "resolved" && latest.status === "no_data";
    default:
      return state === wanted;
  }
}

const ORDER = ["firing", "recovering", "pending", "resolved"];

function inOrder(a: AlertDocument, b: AlertDocument): number {
  const byState = ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
  const bySeverity = ALERT_SEVERITIES.indexOf(a.severity) - ALERT_SEVERITIES.indexOf(b.severity);
  if (a.state === "resolved" && b.state === "resolved") return (b.resolvedMs ?? 0) - (a.resolvedMs ?? 0);
  return byState || bySeverity || b.startedMs - a.startedMs;
}

const serviceOf = ({ labels }: AlertDocument): string => labels.service ?? "";
const isoOf = (ms: number | null): string | null => ms === null ? null : new Date(ms).toISOString();

interface Around {
  readonly alerts: readonly AlertDocument[];
  readonly decisions: AlertDecisions;
  readonly nowMs: number;
}

function alertJson(alert: AlertDocument, { alerts, decisions, nowMs }: Around): z.infer<typeof alertShape> {
  const { id, rule, kind, topic, severity, state, labels, groupedBy, isLate, isCorrected, isInhibited } = alert;
  const { cause, latest, messages, summary, runbook, link } = alert;
  const { silence, acknowledgement } = decidedOn(messages, severity, decisions, nowMs);
  const at = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ id, rule, kind, topic, service: serviceOf(alert), severity, state, hasData: latest.status !== "no_data" },
    labels,
    groupedBy,
    startedAt: at(alert.startedMs),
    since: at(alert.sinceMs),
    firedAt: isoOf(alert.firedMs),
    resolvedAt: isoOf(alert.resolvedMs),
    judgedUntil: at(alert.seenMs),
    cause: figuresJson(cause),
    latest: figuresJson(latest),
    ...{ isLate, isCorrected },
    silenced: longest(alert.silenced, silence, nowMs),
    acknowledged: acknowledgement === null ? null : { by: acknowledgement.by, at: at(acknowledgement.atMs) },
    isInhibited,
    messages: messages.map(({ group, episode, labels }) => ({
      labels,
      alerts: alerts.filter((other) => isTold(other, group)).length,
      isOpen: episode !== null,
    })),
    ...{ summary, runbook, link },
  };
}

const figuresJson = (given: AlertFigures): z.infer<typeof figures> => ({ ...given });

const isTold = ({ messages }: AlertDocument, group: string): boolean => messages.some((each) => each.group === group);

/** What holds it back longest now: a silence of the file, or of a person. */
function longest(
  ofFile: AlertDocument["silenced"],
  ofPerson: AlertSilence | null,
  nowMs: number,
): z.infer<typeof alertShape>["silenced"] {
  const [fileMs, personMs] = [ofFile?.untilMs ?? 0, ofPerson?.untilMs ?? 0];
  if (ofPerson !== null && personMs > fileMs) {
    return { until: new Date(personMs).toISOString(), comment: ofPerson.comment, by: ofPerson.by };
  }
  if (ofFile === null || fileMs <= nowMs) return null;
  return { until: new Date(fileMs).toISOString(), comment: ofFile.comment, by: null };
}
