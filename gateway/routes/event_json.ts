/** An event as the API has it. */
import { z } from "@hono/zod-openapi";
import type { EventRecord } from "../../core/store/ports.ts";
import { rawText } from "../raw_text.ts";

export const eventShape = z.object({
  timestamp: z.string(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  level: z.string().nullable(),
  fields: z.record(z.string(), z.string()),
  measures: z.record(z.string(), z.number()),
  raw: z.string(),
});
export type EventJson = z.infer<typeof eventShape>;

export function eventJson(topic: string, event: EventRecord): EventJson {
  return {
    timestamp: isoMicros(event.timestampMicros),
    topic,
    partition: event.partition,
    offset: event.offset,
    level: event.fields.level ?? null,
    fields: { ...event.fields },
    measures: { ...event.measures },
    raw: rawText(event.raw),
  };
}

/** RFC 3339 with microseconds. */
function isoMicros(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return new Date(ms).toISOString().replace("Z", `${String(micros - ms * 1000).padStart(3, "0")}Z`);
}
