/** The sources of a worker: one for each scenario of the traffic. */
import { RateCurve } from "./curve.ts";
import { Phases } from "./incidents/phases.ts";
import { Lanes, type WorkerShare } from "./lanes.ts";
import { LiveSource } from "./live_source.ts";
import { PlannedSource } from "./planned_source.ts";
import type { TopicPlace } from "./protocol.ts";
import { shareOfPartition } from "./schedule.ts";
import { findScenario } from "./scenarios/registry.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { split, type Traffic } from "./traffic.ts";

export type Sources =
  | { readonly kind: "live"; readonly all: readonly LiveSource[] }
  | {
    readonly kind: "planned";
    readonly all: readonly PlannedSource[];
    readonly fromMs: number;
    readonly speed: number;
  };

/** The scenarios of traffic, whose names were checked. */
export function scenariosOf({ scenarios }: Pick<Traffic, "scenarios">): Scenario[] {
  return scenarios.map((name) => {
    const scenario = findScenario(name);
    if (scenario === undefined) throw new Error(`no scenario ${name}`);
    return scenario;
  });
}

/** One topic of traffic. */
export interface TrafficPart {
  readonly scenario: Scenario;
  /** Records after which it ends; Infinity: none. */
  readonly limit: number;
  /** Of the whole topic; each partition of a plan asks one of its own, in the order of time. */
  readonly curveOf: () => RateCurve;
}

/** Traffic by its scenarios; live traffic begins at `startMs`. */
export function partsOf(traffic: Traffic, startMs: number): TrafficPart[] {
  const { seed, shape, incidents, rampMs, burst, pace } = traffic;
  const scenarios = scenariosOf(traffic);
  const shares = scenarios.map(({ share }) => share);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const limits = split(traffic.count, shares);
  return scenarios.map((scenario, topic) => ({
    scenario,
    limit: limits[topic],
    curveOf: () => {
      const phases = new Phases(scenario.targets, incidents);
      const trafficAt = (timeMs: number) => phases.at(timeMs).traffic;
      const rate = traffic.rate * scenario.share / whole;
      const fromMs = pace.kind === "planned" ? pace.fromMs : startMs;
      return new RateCurve({ rate, shape, seed, startMs: fromMs, rampMs, burst, trafficAt });
    },
  }));
}

/** `nowMs` is of the clock that live sources run by, `startMs` the epoch time at which live traffic begins. */
export function openSources(
  traffic: Traffic,
  worker: WorkerShare,
  places: readonly TopicPlace[],
  { nowMs, startMs, batchBytes }: { readonly nowMs: number; readonly startMs: number; readonly batchBytes: number },
): Sources {
  const { seed, incidents, pace } = traffic;
  const parts = partsOf(traffic, startMs).map(({ scenario, ...part }, topic) => ({
    ...part,
    place: places[topic],
    lanes: new Lanes(topic, scenario.create(seed, incidents, traffic.framing), worker, batchBytes),
  }));
  if (pace.kind === "planned") {
    const { fromMs, speed } = pace;
    return { kind: "planned", fromMs, speed, all: parts.map((part) => new PlannedSource({ ...part, pace })) };
  }
  const all = parts.map(({ lanes, curveOf, place, limit }) =>
    new LiveSource({ lanes, curve: curveOf(), place, limit: limitOf(limit, place, worker), nowMs })
  );
  return { kind: "live", all };
}

/** Of a topic's limit, that of the worker's partitions. */
function limitOf(
  limit: number,
  { nextIndexes: { length: partitions }, taken = [] }: TopicPlace,
  { index, of }: WorkerShare,
): number {
  if (limit === Infinity) return Infinity;
  limit = Math.max(0, limit - taken.reduce((sum, { records }) => sum + records, 0));
  let own = 0;
  for (let partition = index; partition < partitions; partition += of) {
    own += shareOfPartition(limit, partition, partitions);
  }
  return own;
}
