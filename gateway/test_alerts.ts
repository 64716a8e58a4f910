/** Rules that are evaluated over a gateway's store, on minutes that tests make up. */
import type { AlertNotice } from "../analyzer/alerts/alert_notice.ts";
import { BoardKeeper } from "../analyzer/alerts/board.ts";
import { AlertEvaluator } from "../analyzer/alerts/evaluator.ts";
import { MemoryMinutes } from "../analyzer/alerts/memory_minutes.ts";
import type { RuleSet } from "../analyzer/alerts/rules_file.ts";
import { AlertDecisionReader } from "../core/alerts/decisions.ts";
import type { TestGateway } from "./test_gateway.ts";

const MINUTE_MS = 60_000;
/** 11:50, in minutes: ten before the gateway's now. */
export const START = Date.parse("2026-03-01T11:50:00Z") / MINUTE_MS;

export interface Evaluations {
  readonly topicId: string;
  readonly minutes: MemoryMinutes;
  readonly evaluator: AlertEvaluator;
  /** What people were told, oldest first. */
  readonly notices: readonly AlertNotice[];
  /** Errors of services, of 200 events each, in the minute that begins `at` minutes after 11:50; then it is judged. */
  judge(at: number, errors: Readonly<Record<string, number>>): Promise<void>;
}

/** Of a topic `shop`, with another one called `other`. */
export async function evaluationsOf({ log, store }: TestGateway, rules: RuleSet): Promise<Evaluations> {
  const topic = await log.createTopic("shop", { partitions: 1 });
  await log.createTopic("other", { partitions: 1 });
  const minutes = new MemoryMinutes(topic);
  const notices: AlertNotice[] = [];
  const evaluator = new AlertEvaluator({
    source: minutes,
    ledger: store,
    decisions: new AlertDecisionReader(store),
    rules: () => rules,
    onNotices: (told) => void notices.push(...told),
    onProblem: (message) => {
      throw new Error(message);
    },
  });
  const board = new BoardKeeper(store);
  const judge: Evaluations["judge"] = async (at, errors) => {
    for (const [service, count] of Object.entries(errors)) {
      minutes.set({ service, level: "INFO" }, START + at, { count: 200, errors: count });
    }
    minutes.finalUntil = START + at + 1;
    const nowMs = (START + at + 1) * MINUTE_MS + 5_000;
    await evaluator.evaluate(nowMs);
    const { standing } = evaluator;
    if (standing === null) throw new Error("the evaluation failed");
    const { instances, judgedUntil } = standing;
    await board.put({
      instances: new Map(Object.entries(instances)),
      judgedUntil,
      groups: standing.groups,
      ruleSet: rules,
      rulesFile: "rules.yaml",
      nowMs,
    });
  };
  return { topicId: topic.id, minutes, evaluator, notices, judge };
}
