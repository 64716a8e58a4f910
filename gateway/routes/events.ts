/** GET /api/v1/events and /api/v1/quarantine: records, newest first, a page at a time. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { encodeBase64 } from "hono/utils/encode";
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { TimeRange } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter } from "../problem.ts";
import { jsonAnswer, timeParameters, topicOf, topicParameter, whereParameter, wholeNumber } from "../query.ts";
import { rawText } from "../raw_text.ts";
import { rangeOf } from "../time_range.ts";
import { parseWhere } from "../where.ts";

const page = {
  limit: wholeNumber(1, 1000, 100).openapi({ description: "Records on the page" }),
  cursor: z.string().optional().openapi({ description: "nextCursor of the page before; it carries the range" }),
};

/** Range and position, so that `now` means the same on every page. */
const cursorShape = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]);

function encodeCursor(range: TimeRange, position: readonly [number, number, number]): string {
  return btoa(JSON.stringify([range.fromMs, range.toMs, ...position])).replaceAll("+", "-").replaceAll("/", "_");
}

function decodeCursor(text: string): { range: TimeRange; position: readonly [number, number, number] } {
  try {
    const [fromMs, toMs, ...position] = cursorShape.parse(
      JSON.parse(atob(text.replaceAll("-", "+").replaceAll("_", "/"))),
    );
    return { range: { fromMs, toMs }, position };
  } catch {
    throw badParameter("cursor", "it is not one that this API gave: pass nextCursor on as it is");
  }
}

const eventsQuery = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  level: z.string().optional().openapi({ description: "Levels, separated by |", example: "ERROR|FATAL" }),
  q: z.string().max(1000).optional().openapi({ description: "Text that the record contains, in any case" }),
  where: whereParameter,
  ...page,
});

const eventsAnswer = z.object({
  events: z.array(z.object({
    timestamp: z.string(),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    level: z.string().nullable(),
    fields: z.record(z.string(), z.string()),
    measures: z.record(z.string(), z.number()),
    raw: z.string(),
  })),
  nextCursor: z.string().nullable(),
}).openapi("Events");

const eventsRoute = createRoute({
  method: "get",
  path: "/api/v1/events",
  tags: ["Records"],
  summary: "Search events",
  request: { query: eventsQuery },
  responses: jsonAnswer(eventsAnswer, "Newest first"),
});

const quarantineQuery = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  reason: z.string().optional().openapi({ description: "Only records kept for this reason", example: "invalid_json" }),
  ...page,
});

const quarantineAnswer = z.object({
  records: z.array(z.object({
    recordTime: z.string(),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    reason: z.string(),
    raw: z.string(),
    rawBase64: z.string(),
  })),
  nextCursor: z.string().nullable(),
}).openapi("Quarantine");

const quarantineRoute = createRoute({
  method: "get",
  path: "/api/v1/quarantine",
  tags: ["Records"],
  summary: "Records that could not be parsed",
  request: { query: quarantineQuery },
  responses: jsonAnswer(quarantineAnswer, "Newest first, by the record's time in the log"),
});

export function recordRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(eventsRoute, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const cursor = given.cursor === undefined ? null : decodeCursor(given.cursor);
    const range = cursor?.range ?? rangeOf(given, parts.now());
    const where = parseWhere(given.where, TEXT_FIELDS);
    if (given.level !== undefined) where.push({ field: "level", op: "in", values: given.level.split("|") });
    const after = cursor?.position;
    const events = await parts.store.events({
      topicId: topic.id,
      range,
      where,
      text: given.q,
      limit: given.limit,
      ...(after === undefined ? {} : { after: { timestampMicros: after[0], partition: after[1], offset: after[2] } }),
    });
    const last = events.at(-1);
    return c.json({
      events: events.map((event) => ({
        timestamp: isoMicros(event.timestampMicros),
        topic: topic.name,
        partition: event.partition,
        offset: event.offset,
        level: event.fields.level ?? null,
        fields: event.fields as Record<string, string>,
        measures: event.measures as Record<string, number>,
        raw: rawText(event.raw),
      })),
      nextCursor: last === undefined || events.length < given.limit
        ? null
        : encodeCursor(range, [last.timestampMicros, last.partition, last.offset]),
    }, 200);
  });

  app.openapi(quarantineRoute, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const cursor = given.cursor === undefined ? null : decodeCursor(given.cursor);
    const range = cursor?.range ?? rangeOf(given, parts.now());
    const after = cursor?.position;
    const records = await parts.store.quarantine({
      topicId: topic.id,
      range,
      reason: given.reason,
      limit: given.limit,
      ...(after === undefined ? {} : { after: { recordTimeMs: after[0], partition: after[1], offset: after[2] } }),
    });
    const last = records.at(-1);
    return c.json({
      records: records.map((record) => ({
        recordTime: new Date(record.recordTimeMs).toISOString(),
        topic: topic.name,
        partition: record.partition,
        offset: record.offset,
        reason: record.reason,
        raw: rawText(record.raw),
        rawBase64: encodeBase64(record.raw.slice().buffer),
      })),
      nextCursor: last === undefined || records.length < given.limit
        ? null
        : encodeCursor(range, [last.recordTimeMs, last.partition, last.offset]),
    }, 200);
  });
}

/** RFC 3339 with microseconds. */
function isoMicros(micros: number): string {
  const ms = Math.floor(micros / 1000);
  return new Date(ms).toISOString().replace("Z", `${String(micros - ms * 1000).padStart(3, "0")}Z`);
}
