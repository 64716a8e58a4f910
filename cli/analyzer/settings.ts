/** The analyzer's settings in the units of its parts. */
import type { IncidentRules } from "../../analyzer/errors/incident_desk.ts";
import type { Config } from "../../core/config/schema.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function rulesOf({ analyzer }: Config): IncidentRules {
  return {
    liveMs: analyzer.liveMinutes * MINUTE_MS,
    quietMs: analyzer.quietMinutes * MINUTE_MS,
    regressedMs: analyzer.regressedHours * HOUR_MS,
    groupMs: analyzer.groupSeconds * 1000,
    staleMs: analyzer.staleDays * DAY_MS,
    incidentsMax: analyzer.incidentsMax,
    keptMs: analyzer.keptDays * DAY_MS,
  };
}
