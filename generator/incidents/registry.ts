/** Every kind of incident: a new one is one file and one line here. */
import { clockSkew } from "./clock_skew.ts";
import { duplicateRecords } from "./duplicate_records.ts";
import { endpointFailing } from "./endpoint_failing.ts";
import { errorBurst } from "./error_burst.ts";
import type { IncidentKind } from "./incident.ts";
import { lateRecords } from "./late_records.ts";
import { latencyStep } from "./latency_step.ts";
import { newError } from "./new_error.ts";
import { slowLeak } from "./slow_leak.ts";
import { trafficDrop } from "./traffic_drop.ts";
import { trafficSurge } from "./traffic_surge.ts";
import { unparsableRecords } from "./unparsable_records.ts";

export const INCIDENT_KINDS: readonly IncidentKind[] = [
  errorBurst,
  endpointFailing,
  latencyStep,
  slowLeak,
  trafficDrop,
  trafficSurge,
  newError,
  clockSkew,
  lateRecords,
  duplicateRecords,
  unparsableRecords,
];

export function findIncidentKind(name: string): IncidentKind | undefined {
  return INCIDENT_KINDS.find((kind) => kind.name === name);
}
