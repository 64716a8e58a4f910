/** Answers take a number of times as long, at once. */
import { defineIncident } from "./incident.ts";
import { factor } from "./settings.ts";

export const latencyStep = defineIncident({
  name: "latency_step",
  description: "answers take so many times as long, from one moment to the next",
  settings: { factor: factor(1).default(4) },
  course: ({ factor }) => ({
    effect: { measure: "response_time", change: "multiplies_by", by: factor },
    touch(into) {
      into.latencyFactor *= factor;
    },
  }),
});
