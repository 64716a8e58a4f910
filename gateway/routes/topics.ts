/** Topics: what there is and how far it is, making one, deleting one. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { topicSettingsOf } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import type { GatewayParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import { checkFormat, jsonAnswer, problemResponses, topicOf, topicParameter } from "../query.ts";
import { standingOf, sumTotals } from "../topic_state.ts";

const totals = z.object({
  consumed: z.number(),
  events: z.number(),
  unparsed: z.number(),
  late: z.number(),
  clockBad: z.number(),
});

const topicShape = z.object({
  name: z.string(),
  id: z.string(),
  format: z.string().nullable(),
  preset: z.string(),
  dimensions: z.array(z.string()),
  measures: z.array(z.string()),
  partitions: z.array(z.object({
    partition: z.int(),
    start: z.int(),
    end: z.int(),
    checkpoint: z.int().openapi({ description: "The frontier: every record below it is stored" }),
    watermark: z.string().nullable(),
    lagRecords: z.int(),
    lagSeconds: z.number(),
    sizeBytes: z.int(),
  })),
  lagRecords: z.int(),
  lagSeconds: z.number(),
  totals,
  gaps: z.array(z.object({ partition: z.int(), start: z.int(), end: z.int() })),
}).openapi("Topic");

const namePath = z.object({
  topic: topicParameter.openapi({ param: { name: "topic", in: "path" }, example: "app-logs" }),
});
const noQuery = z.strictObject({});

const listRoute = createRoute({
  method: "get",
  path: "/api/v1/topics",
  tags: ["Topics"],
  summary: "All topics with ends, frontier and lag",
  request: { query: noQuery },
  responses: jsonAnswer(z.object({ topics: z.array(topicShape) }), "The topics, by name"),
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/v1/topics/{topic}",
  tags: ["Topics"],
  summary: "One topic",
  request: { params: namePath, query: noQuery },
  responses: jsonAnswer(topicShape, "The topic"),
});

const newTopic = z.strictObject({
  name: topicParameter,
  partitions: z.int().min(1).max(1024).optional(),
  format: z.string().min(1).optional(),
});

const createTopicRoute = createRoute({
  method: "post",
  path: "/api/v1/topics",
  tags: ["Topics"],
  summary: "Make a topic",
  request: { body: { required: true, content: { "application/json": { schema: newTopic } } } },
  responses: {
    201: { description: "Made", content: { "application/json": { schema: topicShape } } },
    ...jsonAnswer(topicShape, "It was there already; its partition count stands"),
  },
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/api/v1/topics/{topic}",
  tags: ["Topics"],
  summary: "Delete a topic and everything derived from it",
  request: {
    params: namePath,
    headers: z.object({ "x-confirm": z.string().optional().openapi({ description: "The topic's name, once more" }) }),
  },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});

export function topicRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(listRoute, async (c) => {
    const topics = [...await parts.log.listTopics()].sort((a, b) => a.name < b.name ? -1 : 1);
    return c.json({ topics: await Promise.all(topics.map((topic) => describe(parts, topic))) }, 200);
  });

  app.openapi(oneRoute, async (c) => {
    return c.json(await describe(parts, await topicOf(parts, c.req.valid("param").topic)), 200);
  });

  app.openapi(createTopicRoute, async (c) => {
    const { name, partitions, format } = c.req.valid("json");
    checkFormat(parts, format);
    const isNew = await parts.log.findTopic(name) === undefined;
    const settings = topicSettingsOf(parts.config, name);
    const topic = await parts.log.createTopic(name, {
      partitions: partitions ?? settings.partitions ?? parts.config.log.partitions,
      format: format ?? settings.format,
    });
    return c.json(await describe(parts, topic), isNew ? 201 : 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const { topic: name } = c.req.valid("param");
    const topic = await topicOf(parts, name);
    if (c.req.valid("header")["x-confirm"] !== name) {
      throw new Problem(
        400,
        "Not confirmed",
        `to delete ${name} and all that was derived from it, send X-Confirm: ${name}`,
        {
          errors: [{ parameter: "X-Confirm", message: "it must repeat the topic's name" }],
        },
      );
    }
    await parts.deleteTopic(topic);
    return c.body(null, 204);
  });
}

async function describe(parts: GatewayParts & { now: () => number }, topic: Topic) {
  const { format, preset } = await parts.engine.describeTopic(topic);
  const standings = await standingOf(parts, topic);
  return {
    name: topic.name,
    id: topic.id,
    format,
    preset,
    dimensions: PRESETS[preset].dimensions.map(({ name }): string => name),
    measures: PRESETS[preset].measures.map((name): string => name),
    partitions: standings.map(({ watermarkMs, totals: _, ...standing }) => ({
      ...standing,
      watermark: watermarkMs === null ? null : new Date(watermarkMs).toISOString(),
    })),
    lagRecords: standings.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
    lagSeconds: Math.max(0, ...standings.map(({ lagSeconds }) => lagSeconds)),
    totals: { ...sumTotals(standings) },
    gaps: (await parts.store.gaps(topic.id)).map((gap) => ({ ...gap })),
  };
}
