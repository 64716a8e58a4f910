/** Answers take longer and longer, until the process is restarted at the end: a leak of memory or of connections. */
import { defineIncident } from "./incident.ts";
import { factor } from "./settings.ts";

export const slowLeak = defineIncident({
  name: "slow_leak",
  description: "answers take longer and longer, up to so many times, until the end",
  settings: { factor: factor(1).default(6) },
  course: ({ factor }) => ({
    effect: { measure: "response_time", change: "multiplies_by", by: factor },
    touch(into, _random, progress) {
      into.latencyFactor *= 1 + (factor - 1) * progress;
    },
  }),
});
