/** What tests of alerts share: a topic of minutes, a ledger, verdicts. */
import { isActive, type Verdict } from "./alert.ts";
import type { AlertNotice } from "./alert_notice.ts";
import { AlertEvaluator, type EvaluatorParts } from "./evaluator.ts";
import { MemoryMinutes } from "./memory_minutes.ts";
import type { AlertTopic, StateLedger } from "./ports.ts";
import { parseRules, type RuleSet } from "./rules_file.ts";
import type { Rule } from "./rule.ts";

export const TOPIC = { id: "topic-1", name: "logs" };
/** A Monday, 10:00 UTC, in minutes. */
export const START = Date.parse("2026-03-02T10:00:00Z") / 60_000;
export const LATENESS_MS = 60_000;

export function ruleSetOf(yaml: string): RuleSet {
  return parseRules(yaml, "rules.yaml");
}

export function ruleOf(yaml: string): Rule {
  return ruleSetOf(`rules:\n  - ${yaml.trim().replaceAll("\n", "\n    ")}\n`).rules[0];
}

export class MemoryLedger implements StateLedger {
  readonly values = new Map<string, string>();
  get(key: string): Promise<string | null> {
    return Promise.resolve(this.values.get(key) ?? null);
  }
  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    if ((this.values.get(key) ?? null) !== expected) return Promise.resolve(false);
    this.values.set(key, value);
    return Promise.resolve(true);
  }
}

/** An evaluator over minutes in memory, and what it told. */
export class Bench {
  readonly minutes: MemoryMinutes;
  readonly ledger = new MemoryLedger();
  readonly notices: AlertNotice[] = [];
  readonly problems: string[] = [];
  ruleSet: RuleSet;
  evaluator: AlertEvaluator;
  readonly #parts: Partial<EvaluatorParts>;

  constructor(yaml: string, parts: Partial<EvaluatorParts> = {}, topic: AlertTopic = TOPIC) {
    this.minutes = new MemoryMinutes(topic);
    this.ruleSet = ruleSetOf(yaml);
    this.#parts = parts;
    this.evaluator = this.#newEvaluator();
  }

  /** As after a crash: nothing in memory. */
  restart(): void {
    this.evaluator = this.#newEvaluator();
  }

  /** Judges as of the moment at which minutes before START + `at` are final. */
  async evaluateAt(at: number): Promise<void> {
    this.minutes.finalUntil = START + at;
    await this.evaluator.evaluate((START + at) * 60_000 + LATENESS_MS);
  }

  /** Rules and groups that are active. */
  get active(): string[] {
    return this.evaluator.alerts.filter(isActive).map(({ rule, labels }) => [rule, ...Object.values(labels)].join(" "));
  }

  #newEvaluator(): AlertEvaluator {
    return new AlertEvaluator({
      source: this.minutes,
      ledger: this.ledger,
      rules: () => this.ruleSet,
      onNotices: (notices) => void this.notices.push(...notices),
      onProblem: (message) => void this.problems.push(message),
      ...this.#parts,
    });
  }
}

export function verdictOf(status: Verdict["status"], labels: Record<string, string> = {}): Verdict {
  return {
    status,
    labels,
    observed: status === "no_data" ? null : status === "breach" ? 10 : 1,
    expected: null,
    low: null,
    high: 5,
    unit: "events",
    baseline: "fixed",
    samples: 1,
    windowMinutes: 1,
  };
}
