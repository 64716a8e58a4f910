/** Which kinds of rules are meant to find which of the generator's incidents. */
import type { Rule } from "../../analyzer/alerts/rule.ts";
import type { Truth } from "../../analyzer/alerts/score.ts";

/** By kind of incident: kind of rule, with metric and direction where it has them. */
const MEANT: Readonly<Record<string, readonly string[]>> = {
  error_burst: [
    "error_rate",
    "ewma errors",
    "burn_rate",
    "fingerprint_spike",
    "rate_of_change errors",
    "hour_of_week errors",
  ],
  endpoint_failing: ["error_rate", "ewma errors", "burn_rate", "fingerprint_spike", "rate_of_change errors"],
  new_error: ["new_fingerprint"],
  latency_step: ["ewma p50", "ewma p95", "hour_of_week p50", "hour_of_week p95", "threshold p95"],
  slow_leak: ["hour_of_week p50", "hour_of_week p95", "threshold p95"],
  traffic_drop: ["ewma count below", "silent_service", "hour_of_week count", "rate_of_change count", "absence"],
  traffic_surge: ["ewma count above", "hour_of_week count", "rate_of_change count"],
  clock_skew: [],
  unparsable_records: ["unparsed_share"],
};

/** Incidents that leave a trace in minutes: records that come twice, or late, leave none that is beyond the usual. */
export function isVisible({ kind }: Truth): boolean {
  return Object.hasOwn(MEANT, kind);
}

export function isMeantFor(rule: Rule, { kind }: Truth): boolean {
  const meant = Object.hasOwn(MEANT, kind) ? MEANT[kind] : [];
  return meant.some((entry) =>
    entry === rule.kind || `${rule.kind} ${rule.metric} ${rule.direction} `.startsWith(`${entry} `)
  );
}
