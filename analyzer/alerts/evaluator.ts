/**
 * Evaluates rules on minutes as they become final, and again where late events changed them; decides whom to tell what. Its
 * state is one text, changed by compare-and-set before anything is told: a crash repeats a notice under its id at most, and
 * of two evaluators one at a time decides.
 */
import { AlertDecisions } from "../../core/alerts/decisions.ts";
import { topicMatcher } from "../../core/log/topic_patterns.ts";
import { messageOf } from "../../core/errors.ts";
import { type Instance, instanceKey, type Labels, type Verdict } from "./alert.ts";
import type { AlertNotice, Told } from "./alert_notice.ts";
import { dispatch } from "./dispatch.ts";
import { EarlyJudging, verdictsOf } from "./early_judging.ts";
import { MINUTE_MS } from "./durations.ts";
import { MinuteCache } from "./minute_cache.ts";
import type { AlertTopic, FingerprintReader, MinuteSource, StateLedger, TopicProgress } from "./ports.ts";
import type { Rule } from "./rule.ts";
import type { RuleSet } from "./rules_file.ts";
import { signalKey } from "./signal_table.ts";
import { NO_STATE, parseState, type StateDocument } from "./state_document.ts";
import { reconcile, step } from "./state_machine.ts";
import { View } from "./view.ts";

export interface EvaluatorParts {
  readonly source: MinuteSource;
  readonly ledger: StateLedger;
  /** Asked at each evaluation: a file of rules may change. */
  readonly rules: () => RuleSet;
  /** Gets what was decided; where it throws, it gets the same again at the next evaluation. */
  readonly onNotices: (notices: readonly AlertNotice[]) => Promise<void> | void;
  /** For people who run it: what could not be done. */
  readonly onProblem: (message: string) => void;
  readonly fingerprints?: FingerprintReader;
  /** What people decided about messages; absent: nobody can. */
  readonly decisions?: { read(): Promise<AlertDecisions> };
  /** Base of the dashboard's address; null: notices have no links. */
  readonly dashboardUrl?: string | null;
  /** Key in the ledger. */
  readonly stateKey?: string;
  /** How often minutes that late events changed are judged anew; Infinity: never. */
  readonly correctionsMs?: number;
}

/** After a stop, minutes before that are not judged any more. */
const CATCH_UP_MINUTES = 1440;
/** Minutes that have ended and are not final yet, which are judged early. */
const EARLY_MINUTES = 10;
/** Minutes judged at one evaluation. */
const MINUTES_AT_ONCE = 240;
/** Minutes before the last one that late events may change the judgement of. */
const CORRECTION_MINUTES = 120;
/** Late events are looked at as often: they come all the time, and to judge anew is dearer than to judge. */
const CORRECTIONS_MS = 120_000;

export class AlertEvaluator {
  readonly #parts: EvaluatorParts;
  readonly #caches = new Map<string, MinuteCache>();
  readonly #correctedMs = new Map<string, number>();
  /** By topic, the last minute that was judged before it was final. */
  readonly #earlyUntil = new Map<string, number>();
  readonly #early = new EarlyJudging();
  readonly #problems = new Map<string, string>();
  #state: StateDocument | null = null;
  #stateText: string | null = null;

  constructor(parts: EvaluatorParts) {
    this.#parts = parts;
  }

  /** Alerts that are not inactive, as of the last evaluation. */
  get alerts(): readonly Instance[] {
    return Object.values(this.#state?.instances ?? {});
  }

  /** What is known, as of the last evaluation; null where that failed, or where another evaluator was faster. */
  get standing(): Pick<StateDocument, "instances" | "judgedUntil" | "groups"> | null {
    return this.#state;
  }

  /**
   * Judges what has become final since the last call, and hands on what is to be told. Never throws: what fails is told
   * once, and done again at the next call. Calls must not overlap.
   */
  async evaluate(nowMs: number): Promise<void> {
    try {
      const state = this.#state ?? await this.#load();
      if (state.outbox.length > 0 && !await this.#handOn(state)) return;
      await this.#evaluate(this.#state ?? state, nowMs);
      this.#problem("evaluation", null);
    } catch (error) {
      this.#state = null; // as the ledger has it, the next time
      this.#problem("evaluation", `alerts: ${messageOf(error)}; tried again`);
    }
  }

  async #evaluate(state: StateDocument, nowMs: number): Promise<void> {
    const { source, rules: rulesNow, dashboardUrl = null } = this.#parts;
    const ruleSet = rulesNow();
    const instances = new Map(Object.entries(state.instances));
    const judgedUntil = { ...state.judgedUntil };
    const topics = await source.topics();
    for (const topic of topics) {
      try {
        await this.#evaluateTopic(topic, ruleSet.rules, instances, judgedUntil, nowMs);
        this.#problem(topic.id, null);
      } catch (error) {
        this.#problem(topic.id, `alerts of topic ${topic.name}: ${messageOf(error)}; tried again`);
      }
    }
    forget(topics, ruleSet.rules, instances, judgedUntil, nowMs);
    for (const id of this.#caches.keys()) if (!topics.some((topic) => topic.id === id)) this.#caches.delete(id);
    const told = toldOf(instances, ruleSet.rules);
    const decisions = await this.#parts.decisions?.read() ?? NO_DECISIONS;
    const alerts = { alerts: told, groups: state.groups, decisions };
    const { groups, notices } = dispatch({ ruleSet, ...alerts, nowMs, dashboardUrl });
    const next = {
      version: 1 as const,
      judgedUntil,
      instances: Object.fromEntries(instances),
      groups,
      outbox: [...notices],
    };
    if (await this.#save({ ...next, groups: { ...groups } }) && notices.length > 0) {
      await this.#handOn(this.#state ?? next);
    }
  }

  async #evaluateTopic(
    topic: AlertTopic,
    all: readonly Rule[],
    instances: Map<string, Instance>,
    judgedUntil: Record<string, number>,
    nowMs: number,
  ): Promise<void> {
    const rules = all.filter((rule) => topicMatcher(rule.topics)(topic.name));
    if (rules.length === 0) return;
    const progress = await this.#parts.source.progress(topic, nowMs);
    this.#judgeNow(topic, rules, instances, judgedUntil, nowMs, progress);
    if (progress.finalUntil === null) return;
    const until = progress.finalUntil;
    // The last minute judged; of a topic that is new here, only the present is.
    const last = judgedUntil[topic.id] ?? until - 1;
    const first = Math.max(last, until - CATCH_UP_MINUTES) + 1;
    const to = Math.min(until, first + MINUTES_AT_ONCE - 1);
    const { correctionsMs = CORRECTIONS_MS } = this.#parts;
    const isDue = nowMs - (this.#correctedMs.get(topic.id) ?? -Infinity) >= correctionsMs;
    const ended = to === until ? Math.min(progress.endedUntil ?? until, until + EARLY_MINUTES) : to;
    const isEarlier = ended > Math.max(to, this.#earlyUntil.get(topic.id) ?? -Infinity);
    if (to < first && !isDue && !isEarlier) return;
    const onMinutes = rules.filter(({ clock }) => clock === "minutes");
    const cache = this.#cacheOf(topic);
    const oldest = last - CORRECTION_MINUTES;
    const newest = Math.max(last, to);
    const upTo = isEarlier ? ended : newest;
    await cache.refresh(onMinutes.flatMap(({ needs }) => needs), oldest, upTo, last);
    const viewAt = await this.#viewer(topic, cache, onMinutes, { oldest, to: upTo, begun: progress.begun });
    if (isDue) {
      this.#correct(topic, onMinutes, cache.takeChanged(), last, viewAt, instances);
      this.#correctedMs.set(topic.id, nowMs);
    }
    for (let at = first; at <= to; at++) {
      for (const rule of onMinutes) this.#judge(topic, rule, viewAt(at), instances);
    }
    judgedUntil[topic.id] = newest;
    if (!isEarlier) return;
    for (const rule of onMinutes) this.#early.judge(topic, rule, viewAt, [newest + 1, ended], instances);
    this.#earlyUntil.set(topic.id, ended);
  }

  /** Rules about now: once a minute of the clock. */
  #judgeNow(
    topic: AlertTopic,
    rules: readonly Rule[],
    instances: Map<string, Instance>,
    judgedUntil: Record<string, number>,
    nowMs: number,
    standing: TopicProgress,
  ): void {
    const key = `${topic.id}/now`;
    const at = Math.floor(nowMs / MINUTE_MS);
    if (at <= (judgedUntil[key] ?? -Infinity)) return;
    const view = new View({ tables: new Map(), at, standing, fingerprints: null });
    for (const rule of rules) if (rule.clock === "wall") this.#judge(topic, rule, view, instances);
    judgedUntil[key] = at;
  }

  async #viewer(
    topic: AlertTopic,
    cache: MinuteCache,
    rules: readonly Rule[],
    { oldest, to, begun }: { readonly oldest: number; readonly to: number; readonly begun?: number | null },
  ) {
    const back = Math.max(0, ...rules.map(({ fingerprintMinutes = 0 }) => fingerprintMinutes));
    const reader = this.#parts.fingerprints;
    const fingerprints = back === 0 || reader === undefined
      ? null
      : await reader.fingerprints(topic, oldest - back, to + 1);
    return (at: number): View => new View({ tables: cache.tables, at, standing: null, fingerprints, begun });
  }

  #judge(topic: AlertTopic, rule: Rule, view: View, instances: Map<string, Instance>): void {
    const spoken = new Set<string>();
    const set = (key: string, verdict: Verdict | null): void => {
      const after = step(instances.get(key) ?? null, verdict, view.at, rule, topic.name);
      if (after === null) instances.delete(key);
      else instances.set(key, after);
    };
    const breaches = new Set<string>();
    for (const verdict of rule.judge(view)) {
      const key = instanceKey(topic.id, rule.name, verdict.labels);
      spoken.add(key);
      if (verdict.status === "breach") breaches.add(key);
      set(key, verdict);
    }
    if (rule.clock === "minutes") this.#early.prove(topic, rule, view.at, breaches);
    const prefix = instanceKey(topic.id, rule.name, {}).slice(0, -1);
    for (const key of [...instances.keys()]) {
      if (!spoken.has(key) && isOf(key, prefix)) set(key, null);
    }
  }

  /** Judges minutes anew whose windows reach over those that late events changed. */
  #correct(
    topic: AlertTopic,
    rules: readonly Rule[],
    changed: ReadonlyMap<string, ReadonlySet<number>>,
    last: number,
    viewAt: (at: number) => View,
    instances: Map<string, Instance>,
  ): void {
    for (const rule of rules) {
      const minutes = new Set(rule.needs.flatMap(({ signal }) => [...changed.get(signalKey(signal)) ?? []]));
      for (const [from, to] of spansToJudge(minutes, rule, last)) {
        for (const [key, verdicts] of verdictsOf(topic, rule, viewAt, from, to)) {
          const after = reconcile(instances.get(key) ?? null, { from, verdicts, now: last }, rule, topic.name);
          if (after !== null) instances.set(key, after);
        }
      }
    }
  }

  #cacheOf(topic: AlertTopic): MinuteCache {
    let cache = this.#caches.get(topic.id);
    if (cache === undefined) {
      const onTruncated = (by: string): void =>
        this.#problem(
          `${topic.id}/${by}`,
          `alerts of topic ${topic.name}: more groups by ${by} than are judged; the largest ones are`,
        );
      this.#caches.set(topic.id, cache = new MinuteCache(this.#parts.source, topic, onTruncated));
    }
    return cache;
  }

  async #load(): Promise<StateDocument> {
    const { ledger, stateKey = STATE_KEY, onProblem } = this.#parts;
    const text = await ledger.get(stateKey);
    const state = parseState(text);
    if (state === null) {
      onProblem("alerts: the stored state cannot be read; it begins anew, and what fires is told again");
    }
    this.#stateText = text;
    return this.#state = state ?? NO_STATE;
  }

  /** False where another evaluator was faster: its state is read at the next evaluation. */
  async #save(state: StateDocument): Promise<boolean> {
    const { ledger, stateKey = STATE_KEY } = this.#parts;
    const text = JSON.stringify(state);
    if (text === this.#stateText) return true;
    if (!await ledger.compareAndSet(stateKey, this.#stateText, text)) {
      this.#state = null;
      return false;
    }
    this.#stateText = text;
    this.#state = state;
    return true;
  }

  /** Hands on what was decided; answers whether it is done with. */
  async #handOn(state: StateDocument): Promise<boolean> {
    try {
      await this.#parts.onNotices(state.outbox);
      this.#problem("outbox", null);
    } catch (error) {
      this.#problem(
        "outbox",
        `alerts: ${state.outbox.length} notices are not handed on: ${messageOf(error)}; tried again`,
      );
      return false;
    }
    return await this.#save({ ...state, outbox: [] });
  }

  /** Tells a problem once, until it is another or over. */
  #problem(key: string, message: string | null): void {
    if (message === null) this.#problems.delete(key);
    else if (this.#problems.get(key) !== message) {
      this.#problems.set(key, message);
      this.#parts.onProblem(message);
    }
  }
}

const STATE_KEY = "alerts/state";
const NO_DECISIONS = new AlertDecisions();

/** Spans of evaluations, both ends included, that look at one of the minutes, not further back than is corrected. */
function spansToJudge(minutes: ReadonlySet<number>, rule: Rule, last: number): [number, number][] {
  const spans: [number, number][] = [];
  for (const minute of [...minutes].sort((a, b) => a - b)) {
    const from = Math.max(minute + 1 - rule.forMinutes, last - CORRECTION_MINUTES);
    const to = Math.min(minute + Math.min(rule.window, CORRECTION_MINUTES), last);
    const before = spans[spans.length - 1];
    if (to < from) continue;
    if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to);
    else spans.push([from, to]);
  }
  return spans;
}

/** Whether a key is of the rule whose keys begin so. */
function isOf(key: string, prefix: string): boolean {
  return key.startsWith(prefix) && (key[prefix.length] === "]" || key[prefix.length] === ",");
}

/** Resolves alerts of rules that are gone, and drops what is known of topics that are. */
function forget(
  topics: readonly AlertTopic[],
  rules: readonly Rule[],
  instances: Map<string, Instance>,
  judgedUntil: Record<string, number>,
  nowMs: number,
): void {
  const ids = new Set(topics.map(({ id }) => id));
  const names = new Set(rules.map(({ name }) => name));
  const now = Math.floor(nowMs / MINUTE_MS);
  for (const [key, instance] of instances) {
    const [id] = JSON.parse(key);
    if (ids.has(id) && names.has(instance.rule)) continue;
    if (instance.firedAt === null || instance.state === "resolved") instances.delete(key);
    else instances.set(key, { ...instance, state: "resolved", since: now });
  }
  for (const key of Object.keys(judgedUntil)) if (!ids.has(key.split("/")[0])) delete judgedUntil[key];
}

/** Alerts with the labels that routes, silences and inhibitions match. */
export function toldOf(instances: ReadonlyMap<string, Instance>, rules: readonly Rule[]): Told[] {
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  return [...instances.values()].map((instance) => {
    const rule = byName.get(instance.rule) ?? null;
    return { instance, rule, labels: alertLabels(instance, rule) };
  });
}

/** All labels of an alert: topic, rule, kind and severity, the rule's own, then those of its group. */
export function alertLabels({ topic, rule: name, severity, labels }: Instance, rule: Rule | null): Labels {
  return { ...rule?.labels, topic, rule: name, kind: rule?.kind ?? "", severity, ...labels };
}
