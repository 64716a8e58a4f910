/** Commands that are run by the calendar. */
import { Cron } from "croner";

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
