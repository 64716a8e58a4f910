/** Lines that are no records: of a stack trace that a shipper cut into lines. */
import { defineIncident } from "./incident.ts";
import { share } from "./settings.ts";

export const unparsableRecords = defineIncident({
  name: "unparsable_records",
  description: "a share of the records is a line of a stack trace instead, which no format takes",
  settings: { share: share().default(0.1) },
  course: ({ share }) => ({
    effect: { measure: "unparsed_share", change: "adds", by: share },
    touch(into, random) {
      if (random.unit() < share) into.isUnparsable = true;
    },
  }),
});
