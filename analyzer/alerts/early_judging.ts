/**
 * Judges minutes that have ended and are not final yet. A breach that late events only make worse fires at once. Of what
 * falls, and of quantiles, it has to be learnt whether late events matter: such a rule is judged early and, once more, when
 * the minute is final; where the two agreed about a group for so long, what is seen early is believed.
 */
import { type Instance, instanceKey, isActive, type Verdict } from "./alert.ts";
import type { AlertTopic } from "./ports.ts";
import type { Rule } from "./rule.ts";
import { step } from "./state_machine.ts";
import type { View } from "./view.ts";

/** Minutes that have been judged twice before what is seen early is believed. */
const LEARN_MINUTES = 60;
/** A group about which a rule was mistaken waits for final minutes so long. */
const DISTRUST_MINUTES = 1440;
/** After a new mistake about any group, all of a rule's groups wait for final minutes so long. */
const SHAKEN_MINUTES = 60;
/** Of fewer groups nothing is said by what becomes of most of them at once. */
const FEW_GROUPS = 2;
/** Where the median group has come to less of what is expected, all records may be slow to come. */
const USUAL_SHARE = 0.85;

/** Per group, what a rule says at evaluations [from, to] with the events of now. */
export function verdictsOf(topic: AlertTopic, rule: Rule, viewAt: (at: number) => View, from: number, to: number) {
  const byKey = new Map<string, (Verdict | null)[]>();
  for (let at = from; at <= to; at++) {
    for (const verdict of rule.judge(viewAt(at))) {
      const key = instanceKey(topic.id, rule.name, verdict.labels);
      let verdicts = byKey.get(key);
      if (verdicts === undefined) byKey.set(key, verdicts = Array.from<null>({ length: to - from + 1 }).fill(null));
      verdicts[at - from] = verdict;
    }
  }
  return byKey;
}

/** Groups that were in breach before their minute was final, as late events may undo. */
interface EarlyBreaches {
  readonly keys: ReadonlySet<string>;
  /** Most groups fell: it may be all records that are slow to come. */
  readonly isCrowd: boolean;
}

/** What a rule saw early on a topic. */
interface Seen {
  /** By minute that is not final yet. */
  readonly early: Map<number, EarlyBreaches>;
  /** Minutes that were judged early and again when they were final. */
  proven: number;
  /** By group, the last minute about which the rule was mistaken. */
  readonly mistaken: Map<string, number>;
  /** The last minute about which it was mistaken in a group that it was right about before. */
  shakenAt: number;
}

/** What may be believed of minutes that are not final, as learnt since the start. */
export class EarlyJudging {
  readonly #seen = new Map<string, Seen>();

  /**
   * Fires what is beyond its limit in minutes [from, to], and surely or believably so. Nothing else is concluded from them;
   * each is judged once more when it is final.
   */
  judge(
    topic: AlertTopic,
    rule: Rule,
    viewAt: (at: number) => View,
    [from, to]: readonly [number, number],
    instances: Map<string, Instance>,
  ): void {
    const byKey = verdictsOf(topic, rule, viewAt, from, to);
    const seen = this.#seenBy(topic, rule);
    for (let at = from; at <= to; at++) {
      const keys = [...byKey].flatMap(([key, verdicts]) => isDoubtful(verdicts[at - from], rule) ? [key] : []);
      const isCrowd = isCrowdFalling([...byKey.values()].map((verdicts) => verdicts[at - from]), keys.length);
      seen.early.set(at, { keys: new Set(keys), isCrowd });
    }
    for (const [key, verdicts] of byKey) {
      let then = instances.get(key) ?? null;
      if (then !== null && isActive(then)) continue;
      for (const [i, verdict] of verdicts.entries()) {
        const isTaken = !isDoubtful(verdict, rule) || isBelieved(seen, key, from + i);
        const early = verdict === null || isTaken ? verdict : { ...verdict, status: "normal" as const };
        then = step(then, early, from + i, rule, topic.name);
        if (then?.state !== "firing") continue;
        instances.set(key, then);
        break;
      }
    }
  }

  /** Learns from a minute that is final, in which these groups are in breach. */
  prove(topic: AlertTopic, rule: Rule, at: number, breaches: ReadonlySet<string>): void {
    const seen = this.#seenBy(topic, rule);
    const early = seen.early.get(at);
    for (const minute of seen.early.keys()) if (minute <= at) seen.early.delete(minute);
    if (early === undefined) return;
    seen.proven++;
    for (const key of early.keys) {
      if (breaches.has(key)) continue;
      if (!seen.mistaken.has(key)) seen.shakenAt = at;
      seen.mistaken.set(key, at);
    }
    for (const [key, last] of seen.mistaken) if (at - last > DISTRUST_MINUTES) seen.mistaken.delete(key);
  }

  #seenBy(topic: AlertTopic, rule: Rule): Seen {
    const key = instanceKey(topic.id, rule.name, {});
    let seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#seen.set(key, seen = { early: new Map(), proven: 0, mistaken: new Map(), shakenAt: -Infinity });
    }
    return seen;
  }
}

function isBelieved({ early, proven, mistaken, shakenAt }: Seen, key: string, at: number): boolean {
  return proven >= LEARN_MINUTES && early.get(at)?.isCrowd === false && at - shakenAt > SHAKEN_MINUTES &&
    at - (mistaken.get(key) ?? -Infinity) > DISTRUST_MINUTES;
}

/** Whether most groups are in breach at once, or the median one is well below what is expected. */
function isCrowdFalling(verdicts: readonly (Verdict | null)[], breaches: number): boolean {
  if (verdicts.length <= FEW_GROUPS) return false;
  if (breaches > verdicts.length / 2) return true;
  const shares = verdicts.flatMap((verdict) => {
    const { observed = null, expected = null } = verdict ?? {};
    return observed === null || expected === null || expected <= 0 ? [] : [observed / expected];
  }).sort((a, b) => a - b);
  return shares.length > FEW_GROUPS && shares[shares.length >> 1] < USUAL_SHARE;
}

/** Whether it is a breach that late events may undo. */
function isDoubtful(verdict: Verdict | null, { rises = false }: Rule): boolean {
  if (verdict?.status !== "breach") return false;
  const { observed, high } = verdict;
  return !(rises && observed !== null && high !== null && observed > high);
}
