/** What people do with the buttons of a message, kept as decisions that the analyzer heeds. */
import { type PersonAction, SILENCE_MS } from "../../analyzer/notify/slack_actions.ts";
import { decide, type Decision } from "../../core/incidents/decisions.ts";
import { type AlertDecision, decideAlerts } from "../../core/alerts/decisions.ts";
import type { Documents } from "../../core/store/ports.ts";

/** The decision that an action about an incident of errors is; null where it is about something else. */
export function decisionOf(
  { kind, noticeId, person, atMs }: PersonAction,
): { readonly topicId: string; readonly decision: Decision } | null {
  const [, topicId, incident] = /^error\/([^/]+)\/([^/]+)$/.exec(noticeId) ?? [];
  if (topicId === undefined || incident === undefined) return null;
  const by = person.slice(0, 200);
  switch (kind) {
    case "acknowledge":
      return { topicId, decision: { kind, incident, by, atMs } };
    case "silence":
      return {
        topicId,
        decision: { kind, target: "incident", id: incident, untilMs: atMs + SILENCE_MS, comment: "", by, atMs },
      };
    default:
      return { topicId, decision: { kind: "verdict", incident, verdict: kind, comment: "", by, atMs } };
  }
}

/** The decision that an action about a message of alerts is; null where it is about something else. */
export function alertDecisionOf(
  { kind, noticeId, severity = "critical", person, atMs }: PersonAction,
): AlertDecision | null {
  const [, group, episode] = /^alert\/([0-9a-z]+)\/([0-9a-z]+)(?:\/\d+)?$/.exec(noticeId) ?? [];
  if (group === undefined || episode === undefined) return null;
  const common = { group, severity, by: person.slice(0, 200), atMs };
  switch (kind) {
    case "acknowledge":
      return { kind, episode, ...common };
    case "silence":
      return { kind, untilMs: atMs + SILENCE_MS, comment: "", ...common };
    default:
      return null; // alerts have no such buttons
  }
}

/** Keeps what an action decides. */
export async function takeAction(
  documents: Pick<Documents, "documentsVersion" | "readDocuments" | "commitDocuments">,
  action: PersonAction,
): Promise<void> {
  const taken = decisionOf(action);
  if (taken !== null) return await decide(documents, taken.topicId, taken.decision);
  const ofAlerts = alertDecisionOf(action);
  if (ofAlerts !== null) await decideAlerts(documents, [ofAlerts]);
}
