/** Alerts beside the truth: what was found, how fast, and what was told without reason. Pure. */
import type { Severity } from "../notify/notice.ts";
import type { BacktestResult, Call, Episode } from "./backtest.ts";
import { MINUTE_MS } from "./durations.ts";
import type { Rule } from "./rule.ts";

/** An incident that there really was. */
export interface Truth {
  readonly kind: string;
  /** Null: of no service alone. */
  readonly service: string | null;
  readonly fromMs: number;
  readonly toMs: number;
}

/** An alert belongs to an incident that it fired in, or so long after, or within its own window's length after. */
const GRACE_MS = 30 * MINUTE_MS;

/** Severities that wake somebody. */
const PAGES: ReadonlySet<Severity> = new Set(["critical", "error"]);

export interface RuleScore {
  readonly rule: string;
  readonly kind: string;
  readonly fired: number;
  /** Of those, within an incident. */
  readonly right: number;
  /** Incidents that the rule is for, and those of them that it found. */
  readonly incidents: number;
  readonly found: number;
  /** From an incident's beginning to the alert, minutes; of those found. */
  readonly delays: readonly number[];
}

export interface Score {
  readonly rules: readonly RuleScore[];
  readonly incidents: number;
  /** By any alert, and by one that wakes somebody. */
  readonly found: number;
  readonly paged: number;
  /** To the first alert, minutes. */
  readonly delays: readonly number[];
  /** Messages that called people without an incident: those that wake, and the others. */
  readonly falsePages: number;
  readonly falseCalls: number;
  readonly missed: readonly Truth[];
}

/** `isFor` says whether a rule's kind is meant to find a kind of incident. */
export function scoreOf(
  { episodes, calls }: Pick<BacktestResult, "episodes" | "calls">,
  truths: readonly Truth[],
  rules: readonly Rule[],
  isFor: (rule: Rule, truth: Truth) => boolean,
): Score {
  const finds = truths.map((truth) => ({ truth, by: episodes.filter((episode) => belongs(episode, truth)) }));
  const first = (found: readonly Episode[]): number => Math.min(...found.map(({ firedMs }) => firedMs));
  const delayOf = ({ fromMs }: Truth, found: readonly Episode[]): number => (first(found) - fromMs) / MINUTE_MS;
  const isPage = ({ instance }: Episode): boolean => PAGES.has(instance.severity);
  const falseCalls = calls.filter((call) => !truths.some((truth) => callBelongs(call, truth)));
  return {
    rules: rules.map((rule): RuleScore => {
      const own = episodes.filter((episode) => episode.rule === rule.name);
      const meant = finds.filter(({ truth }) => isFor(rule, truth)).map(({ truth, by }) => ({
        truth,
        by: by.filter((episode) => episode.rule === rule.name),
      }));
      const found = meant.filter(({ by }) => by.length > 0);
      return {
        rule: rule.name,
        kind: rule.kind,
        fired: own.length,
        right: own.filter((episode) => truths.some((truth) => belongs(episode, truth))).length,
        incidents: meant.length,
        found: found.length,
        delays: found.map(({ truth, by }) => delayOf(truth, by)),
      };
    }),
    incidents: truths.length,
    found: finds.filter(({ by }) => by.length > 0).length,
    paged: finds.filter(({ by }) => by.some(isPage)).length,
    delays: finds.filter(({ by }) => by.length > 0).map(({ truth, by }) => delayOf(truth, by)),
    falsePages: falseCalls.filter(({ notice }) => PAGES.has(notice.severity)).length,
    falseCalls: falseCalls.length,
    missed: finds.filter(({ by }) => by.length === 0).map(({ truth }) => truth),
  };
}

function belongs({ firedMs, labels, instance }: Episode, truth: Truth): boolean {
  const graceMs = Math.max(GRACE_MS, instance.verdict.windowMinutes * MINUTE_MS);
  return isWithin(firedMs, truth, graceMs) && isSamePlace(labels.service ?? "", truth);
}

/** A repetition belongs to what its first message did: it is of the same incident for as long as that lasts. */
function callBelongs({ atMs, notice }: Call, truth: Truth): boolean {
  return (isWithin(notice.openedMs, truth, GRACE_MS) || isWithin(atMs, truth, GRACE_MS)) &&
    isSamePlace(notice.service, truth);
}

function isWithin(ms: number, { fromMs, toMs }: Truth, graceMs: number): boolean {
  return ms >= fromMs && ms < toMs + graceMs;
}

function isSamePlace(service: string, truth: Truth): boolean {
  return truth.service === null || service === "" || service === truth.service;
}

/** The middle value; null of none. */
export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
