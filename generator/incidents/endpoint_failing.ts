/** One endpoint fails, and the others of its service don't. */
import { defineIncident } from "./incident.ts";
import { share } from "./settings.ts";

export const endpointFailing = defineIncident({
  name: "endpoint_failing",
  description: "one endpoint fails, for all requests or a share of them",
  isOfOneEndpoint: true,
  settings: { share: share().default(1) },
  course: ({ share }) => ({
    effect: { measure: "error_share", change: "adds", by: share },
    touch(into, random) {
      if (random.unit() < share) into.fails = true;
    },
  }),
});
