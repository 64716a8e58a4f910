/** inactive → pending → firing → recovering → resolved, one step a minute and group. Pure; inactive is null. */
import type { Instance, Verdict } from "./alert.ts";
import { isActive } from "./alert.ts";
import type { Rule } from "./rule.ts";

/** An instance that is resolved is remembered so long, so that late events do not tell of it again. */
export const REMEMBER_MINUTES = 180;
/** An active alert whose group nobody speaks of for so long is resolved. */
export const FORGET_MINUTES = 120;

export type Timing = Pick<Rule, "name" | "severity" | "forMinutes" | "keepFiringMinutes" | "noData">;

type Effect = "breach" | "normal" | "nothing";

/** What a verdict means for the state; null: nobody spoke of the group. */
function effectOf(verdict: Verdict | null, { noData }: Pick<Timing, "noData">): Effect {
  switch (verdict?.status) {
    case undefined:
      return "nothing";
    case "no_data":
      return noData === "alert" ? "breach" : noData === "ok" ? "normal" : "nothing";
    case "learning":
      return "normal";
    default:
      return verdict?.status === "breach" ? "breach" : "normal";
  }
}

/**
 * The instance after the verdict of minute `at`; null where it is inactive. `topic` is the topic's name. Calls for one group
 * come in the order of minutes.
 */
export function step(
  before: Instance | null,
  verdict: Verdict | null,
  at: number,
  rule: Timing,
  topic: string,
): Instance | null {
  if (before === null && verdict === null) return null;
  // It fired before this minute was final: what that says of the minutes before it is no news.
  if (before !== null && isActive(before) && before.firedAt !== null && at < before.firedAt) return before;
  const effect = effectOf(verdict, rule);
  const seen = before === null || verdict === null ? before : { ...before, latest: verdict, seenAt: at };
  if (before === null || before.state === "resolved") {
    if (effect === "breach" && verdict !== null) return begin(before, verdict, at, rule, topic);
    return before !== null && at - before.since <= REMEMBER_MINUTES ? before : null;
  }
  if (seen === null) return null;
  if (effect === "nothing") return verdict === null && at - seen.seenAt >= FORGET_MINUTES ? end(seen, at) : seen;
  switch (before.state) {
    case "pending":
      if (effect === "normal") return end(seen, at);
      return at - seen.startedAt >= rule.forMinutes && verdict !== null
        ? { ...seen, state: "firing", since: at, firedAt: at, verdict }
        : seen;
    case "firing":
      if (effect === "breach") return seen;
      return rule.keepFiringMinutes === 0 ? end(seen, at) : { ...seen, state: "recovering", since: at };
    case "recovering":
      if (effect === "breach") return { ...seen, state: "firing", since: at };
      return at - seen.since >= rule.keepFiringMinutes ? end(seen, at) : seen;
  }
}

function begin(before: Instance | null, verdict: Verdict, at: number, rule: Timing, topic: string): Instance {
  const isFiring = rule.forMinutes === 0;
  return {
    rule: rule.name,
    topic,
    labels: verdict.labels,
    severity: verdict.severity ?? rule.severity,
    state: isFiring ? "firing" : "pending",
    startedAt: at,
    since: at,
    firedAt: isFiring ? at : null,
    seenAt: at,
    verdict,
    latest: verdict,
    isLate: false,
    previousEnd: before === null ? null : before.since,
    corrected: null,
  };
}

/** Resolved if it had fired; what was only pending leaves what was before. */
function end(instance: Instance, at: number): Instance | null {
  if (instance.firedAt !== null) return { ...instance, state: "resolved", since: at };
  if (instance.previousEnd === null || at - instance.previousEnd > REMEMBER_MINUTES) return null;
  return { ...instance, state: "resolved", since: instance.previousEnd };
}

/** The verdicts of one group at minutes one after the other, as they are with the events of today. */
export interface Rerun {
  /** Minute of the first of the verdicts. */
  readonly from: number;
  readonly verdicts: readonly (Verdict | null)[];
  /** The last minute judged: the verdicts may end before it, and what they say lasts to there. */
  readonly now: number;
}

/**
 * The instance once late events have changed minutes that were judged before. What should have fired and did not, fires
 * now, late; what fired and should not have stays, and says so: nobody is un-paged.
 */
export function reconcile(actual: Instance | null, rerun: Rerun, rule: Timing, topic: string): Instance | null {
  const { from, verdicts, now } = rerun;
  let then: Instance | null = null;
  let missed: Instance | null = null;
  const coveredUntil = actual === null
    ? -Infinity
    : actual.state === "resolved" && actual.firedAt !== null
    ? actual.since
    : actual.previousEnd ?? -Infinity;
  verdicts.forEach((verdict, i) => {
    then = step(then, verdict, from + i, rule, topic);
    if (missed === null && then?.state === "firing" && then.firedAt === from + i && from + i > coveredUntil) {
      missed = then;
    }
  });
  if (actual !== null && isActive(actual)) return noteCorrection(actual, rerun);
  if (missed === null) return actual;
  // Verdicts that end before now were followed by others, which were no breach: nothing was firing.
  return late(missed, from + verdicts.length - 1 === now ? then : null, now, actual);
}

function late(missed: Instance, then: Instance | null, at: number, actual: Instance | null): Instance {
  const isOngoing = then !== null && isActive(then) && then.startedAt === missed.startedAt;
  const previousEnd = actual?.state === "resolved" ? actual.since : actual?.previousEnd ?? null;
  const base = isOngoing ? then : { ...missed, state: "recovering" as const, since: at };
  return { ...base, firedAt: at, isLate: true, previousEnd };
}

function noteCorrection(actual: Instance, { from, verdicts }: Pick<Rerun, "from" | "verdicts">): Instance {
  const verdict = actual.firedAt === null ? undefined : verdicts[actual.firedAt - from];
  if (verdict === undefined || verdict === null || actual.isLate) return actual;
  return { ...actual, corrected: verdict.status === "breach" ? null : verdict };
}
