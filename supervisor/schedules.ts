/** Commands that are run by the calendar: cron expressions, checked before anything waits for them. */
import { Cron } from "croner";
import { messageOf } from "../core/errors.ts";

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

/** Calls `run` at the times of a cron expression, one call at a time: a time that comes while it runs is left out. */
export function startSchedule(
  { cron, timeZone, run, onSkip }: {
    readonly cron: string;
    readonly timeZone: string;
    readonly run: () => Promise<void>;
    readonly onSkip: () => void;
  },
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const job = new Cron(cron, { timezone: timeZone, protect: onSkip }, () => running = run());
  return {
    async stop() {
      job.stop();
      await running;
    },
  };
}
