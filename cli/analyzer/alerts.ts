/** Alerts beside a program: rules on the store's minutes, evaluated every few seconds. */
import type { AlertNotice } from "../../analyzer/alerts/alert_notice.ts";
import { AlertmanagerPush } from "../../analyzer/alerts/alertmanager.ts";
import { AlertmanagerSilences, silencedOf } from "../../analyzer/alerts/alertmanager_silences.ts";
import { BoardKeeper } from "../../analyzer/alerts/board.ts";
import { AlertEvaluator, toldOf } from "../../analyzer/alerts/evaluator.ts";
import { StoredFingerprints } from "../../analyzer/alerts/stored_fingerprints.ts";
import { StoreMinutes } from "../../analyzer/alerts/store_minutes.ts";
import type { Outbox } from "../../analyzer/notify/outbox_runner.ts";
import { AlertDecisionReader } from "../../core/alerts/decisions.ts";
import type { Config } from "../../core/config/schema.ts";
import { messageOf } from "../../core/errors.ts";
import type { Data } from "../data.ts";
import { RulesSource } from "./rules_source.ts";

export interface AlertsParts {
  readonly config: Config;
  readonly data: Pick<Data, "log" | "store">;
  /** Base of the dashboard's address, unless the settings name it; null: notices have no links. */
  readonly dashboardUrl: string | null;
  /** Tells people; where there is none, notices are printed. */
  readonly outbox?: Pick<Outbox, "put" | "status">;
  readonly onNotice: (message: string) => void;
}

export interface Alerts extends AsyncDisposable {
  readonly evaluator: AlertEvaluator;
}

const INTERVAL_MS = 5_000;

/** Evaluates until disposed of. */
export function startAlerts(parts: AlertsParts): Alerts {
  const { evaluator, evaluate } = openAlerts(parts);
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = Promise.resolve();
  const again = (): void => {
    timer = setTimeout(() => {
      running = evaluate(Date.now()).then(() => {
        if (!isStopped) again();
      });
    }, INTERVAL_MS);
  };
  again();
  return {
    evaluator,
    async [Symbol.asyncDispose](): Promise<void> {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** For those with a loop of their own: an evaluator, and an evaluation with all that goes with it. */
export function openAlerts(parts: AlertsParts): {
  readonly evaluator: AlertEvaluator;
  readonly evaluate: (nowMs: number) => Promise<void>;
} {
  const { config, data, onNotice } = parts;
  const dashboardUrl = config.gateway.publicUrl || parts.dashboardUrl;
  const { rulesFile, alertmanagers } = config.analyzer;
  const rules = new RulesSource(rulesFile, onNotice);
  const decisions = new AlertDecisionReader(data.store);
  const evaluator = new AlertEvaluator({
    decisions,
    source: new StoreMinutes({ log: data.log, store: data.store, latenessMs: config.engine.latenessSeconds * 1000 }),
    ledger: data.store,
    rules: () => rules.current(),
    onNotices: tellerOf(parts),
    onProblem: (message) => onNotice(`warning: ${message}`),
    dashboardUrl,
    fingerprints: new StoredFingerprints(data.store),
  });
  const others = { urls: alertmanagers, dashboardUrl, onProblem: onNotice };
  const push = new AlertmanagerPush(others);
  const silences = new AlertmanagerSilences(others);
  const board = new BoardKeeper(data.store);
  let trouble = "";
  const show = async (nowMs: number): Promise<void> => {
    const { standing } = evaluator;
    if (standing === null) return;
    try {
      const instances = new Map(Object.entries(standing.instances));
      const { judgedUntil, groups } = standing;
      await board.put({ instances, judgedUntil, groups, ruleSet: rules.current(), rulesFile, nowMs });
      trouble = "";
    } catch (error) {
      if (messageOf(error) !== trouble) onNotice(`warning: alerts cannot be shown: ${messageOf(error)}; tried again`);
      trouble = messageOf(error);
    }
  };
  const evaluate = async (nowMs: number): Promise<void> => {
    await evaluator.evaluate(nowMs);
    await show(nowMs);
    if (alertmanagers.length === 0) return;
    const byKey = new Map(evaluator.alerts.map((alert, i) => [String(i), alert]));
    const told = toldOf(byKey, rules.current().rules);
    const { standing } = evaluator;
    const decided = await decisions.read().catch(() => null); // said already by the evaluation, which reads them too
    if (standing !== null && decided !== null) {
      // Before the alerts themselves: what begins in a silence is not to be told first.
      await silences.keep(silencedOf(told, rules.current(), standing.groups, decided, nowMs), nowMs);
    }
    await push.push(told, nowMs);
  };
  return { evaluator, evaluate };
}

function tellerOf({ outbox, onNotice }: AlertsParts): (notices: readonly AlertNotice[]) => Promise<void> {
  if (outbox === undefined) {
    return (notices) => {
      for (const notice of notices) onNotice(lineOf(notice));
      return Promise.resolve();
    };
  }
  const strangers = new Set<string>();
  return async (notices) => {
    const known = outbox.status().map(({ channel }) => channel);
    const addressed = notices.map((notice) => {
      for (const channel of notice.channels) {
        if (known.includes(channel) || strangers.has(channel)) continue;
        strangers.add(channel);
        onNotice(
          `warning: rules of alerts name the channel ${channel}, which no route of notify.routes does: what goes there goes ` +
            `to ${known.join(", ")} as those routes say`,
        );
      }
      return { ...notice, channels: notice.channels.filter((channel) => known.includes(channel)) };
    });
    const refused = await outbox.put(addressed);
    if (refused.length > 0) throw new Error(`${refused.length} of them have no room in their channels yet`);
  };
}

/** A notice as a line of a terminal. */
export function lineOf({ state, severity, title, facts, links }: AlertNotice): string {
  const isSeen = facts.some(({ label }) => label === "Acknowledged");
  const held = isSeen ? "ACKNOWLEDGED" : "SILENCED";
  const word = state === "open" ? `ALERT ${severity}` : state === "resolved" ? "RESOLVED" : held;
  const shown = facts.filter(({ label }) => label !== "State" && label !== "Observed");
  const details = state === "open" ? shown.map(({ label, value }) => `${label.toLowerCase()} ${value}`).join("; ") : "";
  const url = state === "open" ? links[0]?.url ?? "" : "";
  return [`${word}: ${title}`, details, url].filter((piece) => piece !== "").join(" | ");
}
