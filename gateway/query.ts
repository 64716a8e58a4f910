/** Query parameters that several routes share, and the topic that they are about. */
import { z } from "@hono/zod-openapi";
import { didYouMean } from "../core/config/nearest.ts";
import { timeZone, topicName } from "../core/config/schema.ts";
import type { Topic } from "../core/log/partitioned_log.ts";
import { type Preset, PRESETS } from "../core/minutes/preset.ts";
import type { GatewayParts } from "./parts.ts";
import { badParameter, Problem } from "./problem.ts";
import { TIME_HINT } from "../core/times.ts";

const TOPICS_NAMED = 20;

/** A schema of core as a parameter here: only schemas made through this z can be described. */
function stringOf(schema: typeof topicName | typeof timeZone) {
  return z.string().superRefine((value, context) => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      for (const { message } of parsed.error.issues) context.addIssue({ code: "custom", message });
    }
  });
}

export const topicParameter = stringOf(topicName).openapi({ description: "The topic", example: "app-logs" });
export const timeZoneParameter = stringOf(timeZone);

export const timeParameters = {
  from: z.string().optional().openapi({ description: `Start, inclusive: ${TIME_HINT}`, example: "now-1h" }),
  to: z.string().optional().openapi({ description: `End, exclusive: ${TIME_HINT}`, example: "now" }),
};

/** A parameter that may be given several times. */
export function repeated(description: string, example: string) {
  return z.union([z.string(), z.array(z.string())]).optional()
    .transform((value) => value === undefined ? [] : Array.isArray(value) ? value : [value])
    .openapi({ type: "array", items: { type: "string" }, description, example: [example] });
}

export const whereParameter = repeated(
  "A condition, repeated for more: field=a|b, field!=a, field^=prefix; all must hold",
  "level=ERROR",
);

/** A whole number between two limits, as a query has it. */
export function wholeNumber(min: number, max: number, otherwise: number) {
  const message = `a whole number from ${min} to ${max} is expected`;
  return z.string().regex(/^\d{1,9}$/, message).default(String(otherwise)).transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .openapi({ type: "integer", minimum: min, maximum: max, default: otherwise });
}

/** The topic, or 404 with the ones that there are. */
export async function topicOf({ log }: Pick<GatewayParts, "log">, name: string): Promise<Topic> {
  const topic = await log.findTopic(name);
  if (topic !== undefined) return topic;
  const names = (await log.listTopics()).map((known) => known.name).sort();
  const more = names.length > TOPICS_NAMED ? ` and ${names.length - TOPICS_NAMED} more` : "";
  const known = names.length === 0
    ? "there are no topics yet"
    : `there are ${names.slice(0, TOPICS_NAMED).join(", ")}${more}`;
  throw new Problem(404, "No such topic", `there is no topic ${name}${didYouMean(name, names)}; ${known}`, {
    errors: [{ parameter: "topic", message: `there is no topic ${name}` }],
    fields: { topics: names },
  });
}

/** Refuses a format that no parser has: every record would end in quarantine. */
export function checkFormat({ formats }: Pick<GatewayParts, "formats">, format: string | undefined): void {
  if (format === undefined || formats === undefined || formats.includes(format)) return;
  throw badParameter("format", `"${format}" is none of ${formats.join(", ")}${didYouMean(format, formats)}`);
}

export async function presetOf({ engine }: Pick<GatewayParts, "engine">, topic: Topic): Promise<Preset> {
  return PRESETS[(await engine.describeTopic(topic)).preset];
}

export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  parameter: z.string().optional(),
  errors: z.array(z.object({ parameter: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

export const problemBody = { content: { "application/problem+json": { schema: problemSchema } } };

/** The answers that every route may give besides its own. */
export const problemResponses = {
  400: { description: "A parameter is wrong", ...problemBody },
  404: { description: "No such topic", ...problemBody },
};

/** A 200 answer in JSON. */
export function jsonAnswer<S extends z.ZodType>(schema: S, description: string) {
  return { 200: { description, content: { "application/json": { schema } } }, ...problemResponses };
}
