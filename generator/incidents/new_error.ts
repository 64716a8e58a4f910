/** Requests fail with an error that was never seen before. */
import { z } from "zod";
import { defineIncident } from "./incident.ts";
import { share } from "./settings.ts";

/** Of the kinds of records that have no room for a message, only the failures are seen. */
export const newError = defineIncident({
  name: "new_error",
  description: "a share of the requests fails with a message of its own, in which <id> is a number",
  settings: {
    message: z.string({ error: "a message of 1 to 200 characters" }).min(1).max(200),
    share: share().default(0.02),
  },
  course: ({ message, share }) => ({
    effect: { measure: "error_share", change: "adds", by: share },
    message,
    touch(into, random, _progress, incident) {
      if (random.unit() >= share) return;
      into.fails = true;
      into.newError = incident;
    },
  }),
});
