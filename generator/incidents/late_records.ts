/** Records are held back on their way: their events are minutes old when they come. */
import { defineIncident } from "./incident.ts";
import { duration, share } from "./settings.ts";

export const lateRecords = defineIncident({
  name: "late_records",
  description: "a share of the events comes late, by half of a duration up to all of it",
  settings: { share: share().default(0.2), by: duration().default(600_000) },
  course: ({ share, by }) => ({
    effect: { measure: "late_share", change: "adds", by: share },
    touch(into, random) {
      if (random.unit() < share) into.shiftMs -= Math.ceil(by / 2) + random.below(Math.floor(by / 2) + 1);
    },
  }),
});
