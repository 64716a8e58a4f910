/** A script's incidents over time: between two of their beginnings and ends, what they do stays the same. */
import { Weighted } from "../random.ts";
import type { Course } from "./incident.ts";
import { findIncidentKind } from "./registry.ts";

/** What requests go to, and what an incident may name. */
export interface Target {
  readonly service: string;
  /** Empty where records have none. */
  readonly method: string;
  /** As minutes have it: with :id for what differs. */
  readonly endpoint: string;
  /** Relative to the others of its scenario. */
  readonly weight: number;
}

/** One incident of a script, as plain data. */
export interface Incident {
  readonly kind: string;
  /** Null: all. */
  readonly service: string | null;
  readonly method: string | null;
  readonly endpoint: string | null;
  /** Epoch milliseconds, `toMs` excluded. */
  readonly fromMs: number;
  readonly toMs: number;
  /** As the kind's schema has made them. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** One incident that touches the records of a target during a phase. */
export interface Touch {
  /** Its number in the script. */
  readonly incident: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly touch: NonNullable<Course["touch"]>;
}

export interface Phase {
  readonly fromMs: number;
  readonly toMs: number;
  /** Numbers of targets by what comes to them. */
  readonly targets: Weighted<number>;
  /** Per target; null where nothing touches it. */
  readonly touches: readonly (readonly Touch[] | null)[];
  /** Per target, the share of records that are sent twice; null where there are none. */
  readonly duplicates: Float64Array | null;
  /** Factor of the whole rate. */
  readonly traffic: number;
}

export function isOf(incident: Incident, { service, method, endpoint }: Target): boolean {
  return (incident.service === null || incident.service === service) &&
    (incident.method === null || incident.method === method) &&
    (incident.endpoint === null || incident.endpoint === endpoint);
}

/** The course of an incident. Its kind must be known: the script's loader has checked it. */
export function courseOf({ kind: name, settings }: Incident): Course {
  const kind = findIncidentKind(name);
  if (kind === undefined) throw new Error(`no kind of incident ${name}`);
  return kind.course(settings);
}

/** The phases of one scenario. Asks in the order of time are cheap. */
export class Phases {
  readonly #phases: readonly Phase[];
  #current = 0;

  constructor(targets: readonly Target[], incidents: readonly Incident[]) {
    const courses = incidents.map((incident, index) => ({ incident, index, course: courseOf(incident) }));
    const touching = courses.filter(({ incident }) => targets.some((target) => isOf(incident, target)));
    const bounds = new Set([
      -Infinity,
      Infinity,
      ...touching.flatMap(({ incident: { fromMs, toMs } }) => [fromMs, toMs]),
    ]);
    const sorted = [...bounds].sort((a, b) => a - b);
    this.#phases = sorted.slice(0, -1).map((fromMs, index) =>
      phaseOf(targets, fromMs, sorted[index + 1], touching.filter(({ incident }) => spans(incident, fromMs)))
    );
  }

  at(timeMs: number): Phase {
    const phases = this.#phases;
    let phase = phases[this.#current];
    if (timeMs >= phase.fromMs && timeMs < phase.toMs) return phase;
    while (timeMs < phase.fromMs) phase = phases[--this.#current];
    while (timeMs >= phase.toMs) phase = phases[++this.#current];
    return phase;
  }
}

const spans = ({ fromMs, toMs }: Incident, timeMs: number): boolean => fromMs <= timeMs && timeMs < toMs;

interface Scripted {
  readonly incident: Incident;
  readonly index: number;
  readonly course: Course;
}

function phaseOf(targets: readonly Target[], fromMs: number, toMs: number, active: readonly Scripted[]): Phase {
  const ofTarget = targets.map((target) => active.filter(({ incident }) => isOf(incident, target)));
  const factors = ofTarget.map((scripted) => scripted.reduce((all, { course }) => all * (course.traffic ?? 1), 1));
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  const left = targets.reduce((sum, { weight }, index) => sum + weight * factors[index], 0);
  const duplicates = Float64Array.from(
    ofTarget,
    (scripted) => Math.max(0, ...scripted.map(({ course }) => course.duplicates ?? 0)),
  );
  return {
    fromMs,
    toMs,
    // Where nothing comes, a record on the boundary of a second is still one of the usual.
    targets: new Weighted(
      targets.map((_, index) => index),
      (_, index) => targets[index].weight * (left > 0 ? factors[index] : 1),
    ),
    touches: ofTarget.map((scripted) => {
      const touches = scripted.flatMap(({ incident, index, course: { touch } }): Touch[] =>
        touch === undefined ? [] : [{ incident: index, fromMs: incident.fromMs, toMs: incident.toMs, touch }]
      );
      return touches.length === 0 ? null : touches;
    }),
    duplicates: duplicates.some((share) => share > 0) ? duplicates : null,
    traffic: left / total,
  };
}
