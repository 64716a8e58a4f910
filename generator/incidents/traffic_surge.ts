/** More requests come than usual. */
import { defineIncident } from "./incident.ts";
import { factor } from "./settings.ts";

export const trafficSurge = defineIncident({
  name: "traffic_surge",
  description: "so many times the usual requests come",
  settings: { factor: factor(1).default(5) },
  course: ({ factor }) => ({ effect: { measure: "count", change: "multiplies_by", by: factor }, traffic: factor }),
});
