/** What traffic is made: plain data, which workers are sent. */
import type { Burst, Shape } from "./curve.ts";
import type { Incident } from "./incidents/phases.ts";
import type { Framing } from "./scenarios/scenario.ts";

/** Records of now, as time goes on. */
export interface LivePace {
  readonly kind: "live";
}

/** Records of a time range: as fast as the log takes them, or some times as fast as the time itself. */
export interface PlannedPace {
  readonly kind: "planned";
  readonly fromMs: number;
  /** Excluded; Infinity: without an end. */
  readonly toMs: number;
  /** Infinity: as fast as the log takes them. */
  readonly speed: number;
}

export interface Traffic {
  /** Names, as in the registry. */
  readonly scenarios: readonly string[];
  /** Mean records a second, over all scenarios. */
  readonly rate: number;
  /** The same seed makes the same records at the same offsets (but for their times, where they are of now). */
  readonly seed: number;
  readonly shape: Shape;
  readonly incidents: readonly Incident[];
  readonly pace: LivePace | PlannedPace;
  readonly rampMs: number;
  readonly burst: Burst | null;
  /** Records over all scenarios after which it ends; Infinity: none. */
  readonly count: number;
  /** Of the payments; null: plain JSON. */
  readonly framing: Framing | null;
  /** Threads that make records, each those of some partitions. */
  readonly workers: number;
}

/** The parts of a whole number by weights; they add up to it. */
export function split(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  let [before, weightBefore] = [0, 0];
  return weights.map((weight) => {
    weightBefore += weight;
    // The last weight makes it the whole, whatever fractions add up to.
    const upTo = total === Infinity ? Infinity : Math.round(total * (weightBefore / sum));
    const part = total === Infinity ? Infinity : upTo - before;
    before = upTo;
    return part;
  });
}
