/** The port of the incidents: one file a kind, one line in registry.ts. */
import { z } from "zod";
import type { Random } from "../random.ts";

/** What an incident does to one record; made anew for every record that one may touch. */
export class Influence {
  /** The request fails: with `message`, or one of the errors that its endpoint knows. */
  fails = false;
  /** Number of the incident in the script whose message the error has; -1: one of the usual ones. */
  newError = -1;
  latencyFactor = 1;
  /** The event's time, less the record's. */
  shiftMs = 0;
  isUnparsable = false;

  reset(): void {
    this.fails = false;
    this.newError = -1;
    this.latencyFactor = 1;
    this.shiftMs = 0;
    this.isUnparsable = false;
  }
}

/** What an incident is expected to do to a measure of its target, as its ground truth says it. */
export interface Effect {
  readonly measure: "error_share" | "response_time" | "count" | "event_time_ms" | "late_share" | "unparsed_share";
  readonly change: "adds" | "multiplies_by";
  /** For a change that grows: the largest. */
  readonly by: number;
}

/** An incident of one kind with its settings. */
export interface Course {
  readonly effect: Effect;
  /** Factor of its target's rate. */
  readonly traffic?: number;
  /** Share of records that are sent twice. */
  readonly duplicates?: number;
  /** An error that is not one of the usual ones. */
  readonly message?: string;
  /** Touches a record: `progress` goes from 0 to below 1 over the incident, `incident` is its number in the script. */
  touch?(into: Influence, random: Random, progress: number, incident: number): void;
}

export interface IncidentKind {
  readonly name: string;
  /** One line for docs and messages. */
  readonly description: string;
  /** Whether it has to name one endpoint. */
  readonly isOfOneEndpoint: boolean;
  /** Its own settings, beside those that all incidents have. */
  readonly settings: Readonly<z.ZodRawShape>;
  /** `settings` are values that the schema took. */
  course(settings: Readonly<Record<string, unknown>>): Course;
}

/** Makes a kind whose course gets its settings with their types. */
export function defineIncident<Shape extends z.ZodRawShape>(kind: {
  readonly name: string;
  readonly description: string;
  readonly isOfOneEndpoint?: boolean;
  readonly settings: Shape;
  course(settings: z.output<z.ZodObject<Shape>>): Course;
}): IncidentKind {
  const schema = z.object(kind.settings);
  return {
    ...kind,
    isOfOneEndpoint: kind.isOfOneEndpoint ?? false,
    course: (settings) => kind.course(schema.parse(settings)),
  };
}
