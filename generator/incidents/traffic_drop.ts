/** Fewer requests come, or none. */
import { z } from "zod";
import { defineIncident } from "./incident.ts";

export const trafficDrop = defineIncident({
  name: "traffic_drop",
  description: "only a share of the usual requests comes; 0: none",
  settings: { keeps: z.number({ error: "a share from 0 to below 1" }).gte(0).lt(1).default(0.1) },
  course: ({ keeps }) => ({ effect: { measure: "count", change: "multiplies_by", by: keeps }, traffic: keeps }),
});
