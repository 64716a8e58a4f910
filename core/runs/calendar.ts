/** When a cron expression is due, in a zone of its own. */
import { Cron } from "croner";
import { messageOf } from "../errors.ts";

/** Why a cron expression cannot be used, from `nowMs` on; null where it can. */
export function faultOf(cron: string, timeZone: string, nowMs: number): string | null {
  try {
    const next = new Cron(cron, { timezone: timeZone, paused: true }).nextRun(new Date(nowMs));
    return next === null ? "never fires: no day is like that" : null;
  } catch (error) {
    return `is no cron expression (minute hour day month weekday): ${messageOf(error)}`;
  }
}

/** The next time after `nowMs`, or null. */
export function nextAfter(cron: string, timeZone: string, nowMs: number): number | null {
  return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(new Date(nowMs))?.getTime() ?? null;
}
