/** The clock of a service goes ahead or behind: its events have other times than their records. */
import { defineIncident } from "./incident.ts";
import { signedDuration } from "./settings.ts";

export const clockSkew = defineIncident({
  name: "clock_skew",
  description: "the clock is so far ahead, or behind where there is a minus",
  settings: { by: signedDuration() },
  course: ({ by }) => ({
    effect: { measure: "event_time_ms", change: "adds", by },
    touch(into) {
      into.shiftMs += by;
    },
  }),
});
