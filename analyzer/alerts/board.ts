/**
 * What is to be seen of alerts, put where others read it: those of now, and those that fired before, of which a bounded
 * number is kept. All of it follows from the evaluator's state, so that what a crash keeps back is put the next time.
 */
import {
  type AlertDocument,
  type AlertFigures,
  alertKey,
  ALERTS_COLLECTION,
  type AlertsHead,
  HEAD_KEY,
  readAlertBoard,
} from "../../core/alerts/board.ts";
import type { DocumentPut, Documents } from "../../core/store/ports.ts";
import { type Instance, isActive, type Labels, type Verdict } from "./alert.ts";
import { dashboardLink } from "./alert_notice.ts";
import { type Groups, hash, messagesOf } from "./dispatch.ts";
import { MINUTE_MS } from "./durations.ts";
import { alertLabels } from "./evaluator.ts";
import { isInhibited, silenceOf } from "./matching.ts";
import type { Rule } from "./rule.ts";
import type { RuleSet } from "./rules_file.ts";

export interface Evaluated {
  /** By key, all that is not inactive. */
  readonly instances: ReadonlyMap<string, Instance>;
  /** By topic id, the last minute judged. */
  readonly judgedUntil: Readonly<Record<string, number>>;
  readonly ruleSet: Pick<RuleSet, "rules" | "routes" | "inhibitions" | "silences">;
  /** Messages that people were told in; absent: none. */
  readonly groups?: Groups;
  readonly rulesFile: string;
  readonly nowMs: number;
}

/** Alerts that are over are kept so many and so long. */
const OVER_MAX = 1_000;
const OVER_MS = 30 * 86_400_000;
/** Alerts of now: the worst, where there are more. */
const CURRENT_MAX = 1_000;
/** Without other news the time of evaluation is put down as often: it shows that the analyzer runs. */
const HEARTBEAT_MS = 30_000;

export class BoardKeeper {
  readonly #documents: Pick<Documents, "readDocuments" | "commitDocuments">;
  /** What the store has, as far as is known; null: to be read. */
  #kept:
    | { readonly version: number; readonly alerts: Map<string, AlertDocument>; readonly head: AlertsHead | null }
    | null = null;

  constructor(documents: Pick<Documents, "readDocuments" | "commitDocuments">) {
    this.#documents = documents;
  }

  /** Puts what has changed. Where somebody else did, too, nothing is put, and all is read again the next time. */
  async put(evaluated: Evaluated): Promise<void> {
    const kept = this.#kept ?? await this.#read();
    this.#kept = null; // unless all goes well
    const { alerts, removed, changed } = advance(kept.alerts, documentsOf(evaluated), evaluated.nowMs);
    const head = headOf(evaluated);
    const isDue = isNews(kept.head, head);
    if (!isDue && removed.length === 0 && changed.length === 0) {
      this.#kept = kept;
      return;
    }
    const puts: DocumentPut[] = [
      [HEAD_KEY, JSON.stringify(head)],
      ...removed.map((id): DocumentPut => [alertKey(id), null]),
      ...changed.map((alert): DocumentPut => [alertKey(alert.id), JSON.stringify(alert)]),
    ];
    if (!await this.#documents.commitDocuments(ALERTS_COLLECTION, kept.version, puts)) return;
    this.#kept = { version: kept.version + 1, alerts, head };
  }

  async #read() {
    const { version, alerts, head } = await readAlertBoard(this.#documents);
    return { version, alerts: new Map(alerts.map((alert) => [alert.id, alert])), head };
  }
}

function headOf({ judgedUntil, ruleSet, rulesFile, nowMs }: Evaluated): AlertsHead {
  const minutes = Object.entries(judgedUntil).filter(([key]) => !key.includes("/")); // the others are of the clock
  return {
    evaluatedMs: nowMs,
    rulesFile,
    rules: ruleSet.rules.map(({ name, kind, severity, topics }) => ({ name, kind, severity, topics: [...topics] })),
    judgedMs: Object.fromEntries(minutes.map(([id, minute]) => [id, minute * MINUTE_MS])),
  };
}

function isNews(before: AlertsHead | null, { evaluatedMs, ...rest }: AlertsHead): boolean {
  if (before === null) return true;
  const { evaluatedMs: beforeMs, ...others } = before;
  return Math.abs(evaluatedMs - beforeMs) >= HEARTBEAT_MS || JSON.stringify(rest) !== JSON.stringify(others);
}

/** What the board has of the alerts of now, and of those that were resolved lately. */
function documentsOf({ instances, ruleSet, groups = {}, nowMs }: Evaluated): AlertDocument[] {
  const rules = new Map(ruleSet.rules.map((rule) => [rule.name, rule]));
  const firing = new Map<string, Labels>();
  for (const [key, instance] of instances) {
    if (isActive(instance)) firing.set(key, alertLabels(instance, rules.get(instance.rule) ?? null));
  }
  const active = [...firing.values()];
  const shown = [...instances].filter(([, { state, firedAt }]) => state !== "resolved" || firedAt !== null);
  return worstFirst(shown).slice(0, CURRENT_MAX).map(([key, instance]) => {
    const rule = rules.get(instance.rule) ?? null;
    // Those that fire themselves: an alert does not inhibit itself.
    const labels = firing.get(key) ?? alertLabels(instance, rule);
    const isOver = instance.state === "resolved";
    const ofFile = isOver ? null : silenceOf(ruleSet.silences, labels, nowMs);
    return documentOf(key, instance, rule, labels, {
      silenced: ofFile === null ? null : { untilMs: ofFile.untilMs, comment: ofFile.comment },
      messages: isOver ? [] : messagesOf(ruleSet.routes, labels, groups),
      isInhibited: !isOver && isInhibited(ruleSet.inhibitions, labels, active),
    });
  });
}

function worstFirst(entries: readonly (readonly [string, Instance])[]): (readonly [string, Instance])[] {
  const order = ["firing", "recovering", "pending", "resolved"];
  return entries.toSorted(([, a], [, b]) =>
    order.indexOf(a.state) - order.indexOf(b.state) || b.startedAt - a.startedAt
  );
}

/** In the order of the schema: texts are compared. */
function documentOf(
  key: string,
  instance: Instance,
  rule: Rule | null,
  labels: Labels,
  heldBack: Pick<AlertDocument, "silenced" | "messages" | "isInhibited">,
): AlertDocument {
  const { topic, severity, state, startedAt, since, firedAt, seenAt, verdict, latest, isLate, corrected } = instance;
  const [topicId] = JSON.parse(key);
  return {
    id: `${hash(key)}-${startedAt.toString(36)}`,
    topicId,
    topic,
    rule: instance.rule,
    kind: rule?.kind ?? "",
    severity,
    labels,
    groupedBy: Object.keys(instance.labels),
    state,
    startedMs: startedAt * MINUTE_MS,
    sinceMs: since * MINUTE_MS,
    firedMs: firedAt === null ? null : firedAt * MINUTE_MS,
    resolvedMs: state === "resolved" ? since * MINUTE_MS : null,
    seenMs: seenAt * MINUTE_MS,
    cause: figuresOf(verdict),
    latest: figuresOf(latest),
    isLate,
    isCorrected: corrected !== null,
    ...heldBack,
    summary: rule?.summary ?? "",
    runbook: rule?.runbook ?? "",
    link: dashboardLink("", instance, rule),
  };
}

function figuresOf(verdict: Verdict): AlertFigures {
  const { status, observed, expected, low, high, unit, baseline, samples, windowMinutes, detail = null } = verdict;
  return { status, observed, expected, low, high, unit, baseline, samples, windowMinutes, detail };
}

interface Advanced {
  readonly alerts: Map<string, AlertDocument>;
  readonly removed: readonly string[];
  readonly changed: readonly AlertDocument[];
}

/**
 * The board after an evaluation. What fired and is no longer spoken of was resolved; what never fired leaves nothing; what is
 * over stays as it is, the newest ones. Pure.
 */
export function advance(
  before: ReadonlyMap<string, AlertDocument>,
  current: readonly AlertDocument[],
  nowMs: number,
): Advanced {
  const alerts = new Map(current.map((alert) => [alert.id, alert]));
  for (const [id, alert] of before) {
    if (alerts.has(id) || alert.firedMs === null) continue;
    const endMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
    alerts.set(id, alert.state === "resolved" ? alert : over(alert, endMs));
  }
  const ended = [...alerts.values()].filter(({ state }) => state === "resolved")
    .sort((a, b) => (b.resolvedMs ?? 0) - (a.resolvedMs ?? 0));
  ended.forEach(({ id, resolvedMs }, i) => {
    if (i >= OVER_MAX || nowMs - (resolvedMs ?? 0) > OVER_MS) alerts.delete(id);
  });
  const removed = [...before.keys()].filter((id) => !alerts.has(id));
  const changed = [...alerts.values()].filter((alert) =>
    JSON.stringify(alert) !== JSON.stringify(before.get(alert.id))
  );
  return { alerts, removed, changed };
}

const NOT_HELD = { silenced: null, messages: [], isInhibited: false };

function over(alert: AlertDocument, endMs: number): AlertDocument {
  return { ...alert, state: "resolved", sinceMs: endMs, resolvedMs: endMs, ...NOT_HELD };
}
