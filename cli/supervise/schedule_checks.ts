/** Schedules are checked before anything starts: one that never fires, or names no command, is refused with its place. */
import { didYouMean } from "../../core/config/nearest.ts";
import type { TracedConfig } from "../../core/config/load.ts";
import { MillraceError } from "../../core/errors.ts";
import { faultOf } from "../../supervisor/schedules.ts";

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

/** Throws INVALID_CONFIG that names every fault with its place. */
export function checkSchedules({ config, originOf }: TracedConfig, nowMs: number): void {
  const faults = Object.entries(config.schedules).flatMap(([name, { cron, timeZone, run: [command] }]) => {
    const place = (key: string): string => `${originOf(["schedules", name, key])}: schedules.${name}.${key}`;
    const found: string[] = [];
    const fault = faultOf(cron, timeZone, nowMs);
    if (fault !== null) found.push(`${place("cron")}: "${cron}" ${fault}`);
    if (!SCHEDULED_COMMANDS.some((known) => known === command)) {
      const hint = didYouMean(command, SCHEDULED_COMMANDS) || ` (there are ${SCHEDULED_COMMANDS.join(", ")})`;
      found.push(`${place("run")}: no command "${command}" that a schedule can run${hint}`);
    }
    return found;
  });
  if (faults.length === 0) return;
  throw new MillraceError(
    "INVALID_CONFIG",
    faults.join("\n       "),
    "correct the schedule (`0 6 * * *` is every day at 6), or take it out",
  );
}
