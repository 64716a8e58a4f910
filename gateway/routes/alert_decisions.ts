/** POST /api/v1/alerts/decisions: people acknowledge or silence the messages that an alert is told in. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { ALERT_SEVERITIES, type AlertDocument, type AlertMessage, readAlertBoard } from "../../core/alerts/board.ts";
import { type AlertDecision, type AlertSeverity, decideAlerts } from "../../core/alerts/decisions.ts";
import { didYouMean } from "../../core/config/nearest.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter, Problem } from "../problem.ts";
import { jsonAnswer } from "../query.ts";

const about = {
  alert: z.string().max(200).openapi({
    description: "Id of an alert that is not over",
    example: "2kq0x7c1h3m5f-h4z1k",
  }),
  by: z.string().max(200).default("").openapi({ description: "Who says so", example: "ada" }),
};
const body = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("acknowledge"), ...about }),
  z.strictObject({
    kind: z.literal("silence"),
    minutes: z.int().min(0).max(43_200).openapi({ description: "From now on; 0 ends a silence" }),
    comment: z.string().max(500).default(""),
    ...about,
  }),
]).openapi("AlertDecision");

const route = createRoute({
  method: "post",
  path: "/api/v1/alerts/decisions",
  tags: ["Alerts"],
  summary: "Acknowledge an alert, silence it for a while, or end its silence",
  request: { body: { content: { "application/json": { schema: body } }, required: true } },
  responses: jsonAnswer(
    z.object({
      decided: z.string(),
      at: z.string(),
      alerts: z.int().openapi({ description: "Alerts of now that it is about: all of the alert's messages" }),
    }).openapi("AlertDecided"),
    "Kept; the analyzer heeds it when it evaluates next, within seconds",
  ),
});

export function alertDecisionsRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("json");
    const atMs = parts.now();
    const [{ alerts }, topics] = await Promise.all([readAlertBoard(parts.store), parts.log.listTopics()]);
    const open = alerts.filter(({ state, topicId }) => state !== "resolved" && topics.some(({ id }) => id === topicId));
    const alert = open.find(({ id }) => id === given.alert);
    if (alert === undefined) throw noSuch(given.alert, alerts, open);
    if (alert.messages.length === 0) {
      throw new Problem(
        409,
        "Nobody is told of it",
        "no route of the rules tells of this alert: nothing is to be held back",
      );
    }
    const decisions = alert.messages.flatMap((message): AlertDecision[] => {
      const common = { group: message.group, severity: worstOf(alert, message, open), by: given.by, atMs };
      if (given.kind === "silence") {
        return [{ kind: "silence", untilMs: atMs + given.minutes * 60_000, comment: given.comment, ...common }];
      }
      return message.episode === null ? [] : [{ kind: "acknowledge", episode: message.episode, ...common }];
    });
    if (decisions.length === 0) {
      const isPending = alert.state === "pending";
      const why = isPending ? "it has not fired; silence it to keep it so" : "it is inhibited or silenced";
      throw new Problem(409, "Nobody was told of it", `nobody was told of this alert: ${why}`);
    }
    await decideAlerts(parts.store, decisions);
    const groups = new Set(decisions.map(({ group }) => group));
    const held = open.filter(({ messages }) => messages.some(({ group }) => groups.has(group)));
    return c.json({ decided: given.kind, at: new Date(atMs).toISOString(), alerts: held.length }, 200);
  });
}

/** The worst that a person sees of a message: its alerts that have fired, and the one that it is about. */
function worstOf(alert: AlertDocument, { group }: AlertMessage, open: readonly AlertDocument[]): AlertSeverity {
  const seen = open.filter(({ id, firedMs, messages }) =>
    id === alert.id || (firedMs !== null && messages.some((each) => each.group === group))
  );
  return ALERT_SEVERITIES.find((severity) => seen.some((each) => each.severity === severity)) ?? alert.severity;
}

function noSuch(id: string, all: readonly AlertDocument[], open: readonly AlertDocument[]): Problem {
  if (all.some((each) => each.id === id)) {
    return new Problem(409, "It is over", "this alert is over: there is nothing to acknowledge or silence any more");
  }
  return badParameter("alert", `there is no alert ${id}${didYouMean(id, open.map((each) => each.id))}`);
}
