/** A share of the requests that would go well fails, with the errors that their endpoints know. */
import { defineIncident } from "./incident.ts";
import { share } from "./settings.ts";

export const errorBurst = defineIncident({
  name: "error_burst",
  description: "a share of the requests of a service fails",
  settings: { share: share().default(0.5) },
  course: ({ share }) => ({
    effect: { measure: "error_share", change: "adds", by: share },
    touch(into, random) {
      if (random.unit() < share) into.fails = true;
    },
  }),
});
