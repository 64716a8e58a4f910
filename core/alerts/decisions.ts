/**
 * What people decided about messages of alerts: acknowledged, or silenced for a while. A message is of a group of alerts (those
 * that a route tells of together) and of an episode, from the group's first alert to the end of its last. What is worse than
 * what was seen when it was decided is told all the same.
 */
import { z } from "zod";
import type { Documents } from "../store/ports.ts";
import { ALERT_SEVERITIES, type AlertMessage } from "./board.ts";

/** The collection of the decisions. */
export const ALERT_DECISIONS_COLLECTION = "alerts/decisions";

export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

const common = {
  group: z.string().min(1).max(100),
  /** The worst that the message had then. */
  severity: z.enum(ALERT_SEVERITIES),
  by: z.string().max(200),
  atMs: z.number(),
};
const alertDecision = z.discriminatedUnion("kind", [
  /** Of this episode: people are not called again. */
  z.object({ kind: z.literal("acknowledge"), episode: z.string().min(1).max(100), ...common }),
  /** Of this episode and those that begin meanwhile: nothing is told until then. */
  z.object({ kind: z.literal("silence"), untilMs: z.number(), comment: z.string().max(500).default(""), ...common }),
]);
export type AlertDecision = Readonly<z.infer<typeof alertDecision>>;
export type AlertSilence = Extract<AlertDecision, { kind: "silence" }>;
export type Acknowledgement = Extract<AlertDecision, { kind: "acknowledge" }>;

/** Acknowledgements are forgotten after so long: no episode lasts longer. */
const KEEP_MS = 90 * 86_400_000;

const keyOf = (given: AlertDecision): string =>
  given.kind === "silence" ? `silence/${given.group}` : `acknowledge/${given.group}/${given.episode}`;

const isOver = (given: AlertDecision, nowMs: number): boolean =>
  given.kind === "silence" ? given.untilMs <= nowMs : nowMs - given.atMs > KEEP_MS;

/** Whether something of a severity is no worse than what was decided about. */
export const covers = (given: Pick<AlertDecision, "severity">, severity: AlertSeverity): boolean =>
  ALERT_SEVERITIES.indexOf(severity) >= ALERT_SEVERITIES.indexOf(given.severity);

/** Decisions by what they are about. */
export class AlertDecisions {
  readonly #byKey: ReadonlyMap<string, AlertDecision>;

  constructor(decisions: readonly AlertDecision[] = []) {
    this.#byKey = new Map(decisions.map((each) => [keyOf(each), each]));
  }

  acknowledgementOf(group: string, episode: string): Acknowledgement | null {
    const found = this.#byKey.get(`acknowledge/${group}/${episode}`);
    return found?.kind === "acknowledge" ? found : null;
  }

  /** The silence of a group that is in force. */
  silenceOf(group: string, nowMs: number): AlertSilence | null {
    const found = this.#byKey.get(`silence/${group}`);
    return found?.kind === "silence" && !isOver(found, nowMs) ? found : null;
  }
}

export interface Decided {
  readonly silence: AlertSilence | null;
  readonly acknowledgement: Acknowledgement | null;
}

/** What people decided about an alert, as far as it holds in every message that the alert is told in; null: nothing does. */
export function decidedOn(
  messages: readonly AlertMessage[],
  severity: AlertSeverity,
  decisions: AlertDecisions,
  nowMs: number,
): Decided {
  const silences = inAll(messages, severity, ({ group }) => decisions.silenceOf(group, nowMs));
  const acknowledgements = inAll(
    messages,
    severity,
    ({ group, episode }) => episode === null ? null : decisions.acknowledgementOf(group, episode),
  );
  const [silence = null] = silences.toSorted((a, b) => a.untilMs - b.untilMs);
  const [acknowledgement = null] = acknowledgements.toSorted((a, b) => b.atMs - a.atMs);
  return { silence, acknowledgement };
}

/** The decision about each message; none where one has none that covers the severity. */
function inAll<D extends AlertDecision>(
  messages: readonly AlertMessage[],
  severity: AlertSeverity,
  decisionOf: (message: AlertMessage) => D | null,
): readonly D[] {
  const found = messages.map(decisionOf).filter((each) => each !== null).filter((each) => covers(each, severity));
  return found.length === messages.length ? found : [];
}

/** Reads decisions from a store, once a version. */
export class AlertDecisionReader {
  #version: number | null = null;
  #decisions = new AlertDecisions();

  constructor(private readonly documents: Pick<Documents, "documentsVersion" | "readDocuments">) {}

  /** Throws where the store does. */
  async read(): Promise<AlertDecisions> {
    if (await this.documents.documentsVersion(ALERT_DECISIONS_COLLECTION) !== this.#version) {
      const { version, entries } = await this.documents.readDocuments(ALERT_DECISIONS_COLLECTION);
      this.#decisions = new AlertDecisions([...entries.values()].flatMap(decisionsIn));
      this.#version = version;
    }
    return this.#decisions;
  }
}

/**
 * Takes decisions, all or none, each in place of the one before about the same, and forgets those that are over. Throws where
 * the store does.
 */
export async function decideAlerts(
  documents: Pick<Documents, "readDocuments" | "commitDocuments">,
  taken: readonly AlertDecision[],
): Promise<void> {
  const nowMs = Math.max(...taken.map(({ atMs }) => atMs));
  for (;;) {
    const { version, entries } = await documents.readDocuments(ALERT_DECISIONS_COLLECTION);
    const over = [...entries].filter(([, text]) => decisionsIn(text).some((each) => isOver(each, nowMs)));
    const puts = new Map<string, string | null>(over.map(([key]) => [key, null]));
    for (const each of taken) puts.set(keyOf(each), JSON.stringify(each));
    if (await documents.commitDocuments(ALERT_DECISIONS_COLLECTION, version, [...puts])) return;
  }
}

/** The decision that a text is; none where it cannot be read. */
function decisionsIn(text: string): AlertDecision[] {
  try {
    const parsed = alertDecision.safeParse(JSON.parse(text));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return [];
  }
}
