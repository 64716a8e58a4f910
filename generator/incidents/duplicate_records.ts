/** Records are sent twice, by a producer whose answer was lost: the copy comes right behind the first, byte for byte. */
import { defineIncident } from "./incident.ts";
import { share } from "./settings.ts";

export const duplicateRecords = defineIncident({
  name: "duplicate_records",
  description: "a share of the records is the one before once more, byte for byte",
  settings: { share: share(0.25).default(0.05) },
  course: ({ share }) => ({
    // The rate stays: what comes twice stands in the place of others.
    effect: { measure: "count", change: "multiplies_by", by: 1 },
    duplicates: share,
  }),
});
