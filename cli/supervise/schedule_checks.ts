/** Schedules are checked before any is due: one that never fires, or names no command, is told with its place and left out. */
import { didYouMean } from "../../core/config/nearest.ts";
import type { TracedConfig } from "../../core/config/load.ts";
import type { Config } from "../../core/config/schema.ts";
import { faultOf } from "../../core/runs/calendar.ts";

/** Commands that come to an end by themselves. */
export const SCHEDULED_COMMANDS = [
  "report",
  "generate",
  "produce",
  "engine",
  "migrate",
  "alerts",
  "doctor",
  "eval",
] as const;

type Schedule = Config["schedules"][string];

/** What a person is told who set a schedule that cannot be run. */
export const SCHEDULE_REMEDY = "correct the schedule (`0 6 * * *` is every day at 6), or take it out";

export interface CheckedSchedule extends Schedule {
  readonly name: string;
  /** Why it cannot be run, each with file and line; none: it can. */
  readonly faults: readonly string[];
}

/** All schedules, in the order of the configuration. */
export function checkSchedules({ config, originOf }: TracedConfig, nowMs: number): CheckedSchedule[] {
  return Object.entries(config.schedules).map(([name, schedule]) => {
    const { cron, timeZone, run: [command] } = schedule;
    const place = (key: string): string => `${originOf(["schedules", name, key])}: schedules.${name}.${key}`;
    const faults: string[] = [];
    const fault = faultOf(cron, timeZone, nowMs);
    if (fault !== null) faults.push(`${place("cron")}: "${cron}" ${fault}`);
    if (!SCHEDULED_COMMANDS.some((known) => known === command)) {
      const hint = didYouMean(command, SCHEDULED_COMMANDS) || ` (there are ${SCHEDULED_COMMANDS.join(", ")})`;
      faults.push(`${place("run")}: no command "${command}" that a schedule can run${hint}`);
    }
    return { ...schedule, name, faults };
  });
}
