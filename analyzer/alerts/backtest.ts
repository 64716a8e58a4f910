/** Runs rules over minutes of the past, as the analyzer would have run them, and says what would have been told when. */
import { type Instance, instanceKey, isActive, type Labels } from "./alert.ts";
import type { AlertNotice } from "./alert_notice.ts";
import { MINUTE_MS } from "./durations.ts";
import { AlertEvaluator } from "./evaluator.ts";
import type { FingerprintReader, MinuteSource, StateLedger } from "./ports.ts";
import type { RuleSet } from "./rules_file.ts";

/** The past, minute by minute. */
export interface Past {
  readonly source: MinuteSource;
  readonly fingerprints?: FingerprintReader;
  /** Brings the source to what was known at a moment; called with growing ones. */
  advance(nowMs: number): Promise<void> | void;
}

/** One alert from the moment that it fired until it was resolved. */
export interface Episode {
  readonly rule: string;
  readonly topic: string;
  readonly labels: Labels;
  /** As it was last. */
  instance: Instance;
  /** The moment at which it fired, and that at which it was over; null where it was not. */
  readonly firedMs: number;
  resolvedMs: number | null;
}

/** A message that people were called by. */
export interface Call {
  readonly atMs: number;
  readonly notice: AlertNotice;
}

export interface BacktestResult {
  readonly episodes: readonly Episode[];
  readonly calls: readonly Call[];
  readonly problems: readonly string[];
  /** Minutes gone through. */
  readonly minutes: number;
}

export interface BacktestOptions {
  readonly past: Past;
  readonly ruleSet: RuleSet;
  readonly fromMs: number;
  readonly toMs: number;
  readonly dashboardUrl?: string | null;
  /** As the evaluator has it: without looking back at late events it is several times as fast. */
  readonly correctionsMs?: number;
  /** Called now and then, for those who wait. */
  readonly onProgress?: (atMs: number) => void;
}

/** The analyzer's loop comes by so long after a minute begins. */
const LOOP_MS = 5_000;

/** Goes through [fromMs, toMs) a minute at a time. */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { past, ruleSet, fromMs, toMs, dashboardUrl = null, correctionsMs, onProgress } = options;
  const episodes: Episode[] = [];
  const open = new Map<string, Episode>();
  const calls: Call[] = [];
  const called = new Set<string>();
  const problems: string[] = [];
  let nowMs = Math.ceil(fromMs / MINUTE_MS) * MINUTE_MS + LOOP_MS;
  const evaluator = new AlertEvaluator({
    source: past.source,
    fingerprints: past.fingerprints,
    ledger: new VolatileLedger(),
    rules: () => ruleSet,
    dashboardUrl,
    correctionsMs,
    onNotices: (notices) => {
      for (const notice of notices) {
        if (called.has(notice.id)) continue;
        called.add(notice.id);
        calls.push({ atMs: nowMs, notice });
      }
    },
    onProblem: (message) => void problems.push(message),
  });
  let minutes = 0;
  for (; nowMs < toMs; nowMs += MINUTE_MS) {
    await past.advance(nowMs);
    await evaluator.evaluate(nowMs);
    follow(evaluator.alerts, nowMs, open, episodes);
    if (++minutes % 60 === 0) onProgress?.(nowMs);
  }
  return { episodes, calls, problems, minutes };
}

function follow(alerts: readonly Instance[], nowMs: number, open: Map<string, Episode>, episodes: Episode[]): void {
  const active = new Map(
    alerts.filter(isActive).map((alert) => [instanceKey(alert.topic, alert.rule, alert.labels), alert]),
  );
  for (const [key, episode] of open) {
    const instance = active.get(key);
    if (instance === undefined || instance.firedAt !== episode.instance.firedAt) {
      episode.resolvedMs = nowMs;
      open.delete(key);
    } else episode.instance = instance;
  }
  for (const [key, instance] of active) {
    if (open.has(key)) continue;
    const { rule, topic, labels } = instance;
    const episode: Episode = { rule, topic, labels, instance, firedMs: nowMs, resolvedMs: null };
    open.set(key, episode);
    episodes.push(episode);
  }
}

/** What alerting remembers, as long as the run lasts. */
export class VolatileLedger implements StateLedger {
  readonly #values = new Map<string, string>();

  get(key: string): Promise<string | null> {
    return Promise.resolve(this.#values.get(key) ?? null);
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    if ((this.#values.get(key) ?? null) !== expected) return Promise.resolve(false);
    this.#values.set(key, value);
    return Promise.resolve(true);
  }
}
