/** The ground truth of a script, beside it: what was made from when on, and what happened when. One JSON object a line. */
import { courseOf, type Incident, isOf } from "../incidents/phases.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import type { Traffic } from "../traffic.ts";

/**
 * A line {kind: "traffic", seed, rate, scenarios, shape, from, to}, then one {kind, service, endpoint, from, to, effect:
 * {measure, change, by}, settings, topics} an incident, in the order of their beginnings. Together they say for every
 * record what touched it: scenario.create(seed, incidents).
 */
export function truthOf(
  { seed, rate, shape, pace }: Traffic,
  startMs: number,
  scenarios: readonly Scenario[],
  incidents: readonly Incident[],
): string {
  const traffic = {
    kind: "traffic",
    seed,
    rate,
    scenarios: scenarios.map(({ name }) => name),
    shape,
    from: timeOf(startMs),
    to: pace.kind === "planned" && pace.toMs < Infinity ? timeOf(pace.toMs) : null,
  };
  const lines = incidents.toSorted((a, b) => a.fromMs - b.fromMs).map((incident) => lineOf(incident, scenarios));
  return [traffic, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

function lineOf(incident: Incident, scenarios: readonly Scenario[]) {
  const { kind, service, method, endpoint, fromMs, toMs, settings } = incident;
  return {
    kind,
    service,
    endpoint: method === null ? endpoint : `${method} ${endpoint}`,
    from: timeOf(fromMs),
    to: timeOf(toMs),
    effect: courseOf(incident).effect,
    settings,
    topics: scenarios.filter(({ targets }) => targets.some((each) => isOf(incident, each))).map(({ topic }) => topic),
  };
}
