/** GET /api/v1/events and /api/v1/quarantine: records, newest first, a page at a time. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { encodeBase64 } from "hono/utils/encode";
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { EventRecord, QuarantineRecord, TimeRange } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, timeParameters, topicOf, topicParameter, whereParameter, wholeNumber } from "../query.ts";
import { rawText } from "../raw_text.ts";
import { rangeOf, type RangeParameters } from "../time_range.ts";
import { parseWhere } from "../where.ts";
import { eventJson, eventShape } from "./event_json.ts";
import { decodeCursor, encodeCursor, type PageSource, type Position, readPage } from "./record_page.ts";

const page = {
  limit: wholeNumber(1, 1000, 100).openapi({
    description: "Records on the page; there are fewer where they are large, and nextCursor then leads on",
  }),
  cursor: z.string().optional().openapi({ description: "nextCursor of the page before; it carries the range" }),
};

const eventsQuery = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  level: z.string().optional().openapi({ description: "Levels, separated by |", example: "ERROR|FATAL" }),
  q: z.string().max(1000).optional().openapi({ description: "Text that the record contains, in any case" }),
  where: whereParameter,
  ...page,
});

const eventsAnswer = z.object({
  events: z.array(eventShape),
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
    const { range, after } = startOf("events", given, parts.now());
    const where = parseWhere(given.where, TEXT_FIELDS);
    // Parsers write levels in upper case.
    if (given.level !== undefined) {
      where.push({ field: "level", op: "in", values: given.level.toUpperCase().split("|") });
    }
    const source: PageSource<EventRecord> = {
      read: (limit, bytesMax, position) =>
        parts.store.events({
          topicId: topic.id,
          range,
          where,
          text: given.q,
          limit,
          bytesMax,
          ...(position === null
            ? {}
            : { after: { timestampMicros: position[0], partition: position[1], offset: position[2] } }),
        }),
      positionOf: ({ timestampMicros, partition, offset }) => [timestampMicros, partition, offset],
    };
    const { records, next } = await readPage(source, given.limit, after);
    return c.json({
      events: records.map((event) => eventJson(topic.name, event)),
      nextCursor: next === null ? null : encodeCursor("events", { range, after: next }),
    }, 200);
  });

  app.openapi(quarantineRoute, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const { range, after } = startOf("quarantine", given, parts.now());
    const source: PageSource<QuarantineRecord> = {
      read: (limit, bytesMax, position) =>
        parts.store.quarantine({
          topicId: topic.id,
          range,
          reason: given.reason,
          limit,
          bytesMax,
          ...(position === null
            ? {}
            : { after: { recordTimeMs: position[0], partition: position[1], offset: position[2] } }),
        }),
      positionOf: ({ recordTimeMs, partition, offset }) => [recordTimeMs, partition, offset],
    };
    const { records, next } = await readPage(source, given.limit, after);
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
      nextCursor: next === null ? null : encodeCursor("quarantine", { range, after: next }),
    }, 200);
  });
}

/** Where a page begins: where the cursor says, or at the newest end of the range. */
function startOf(
  table: string,
  given: RangeParameters & { readonly cursor?: string },
  nowMs: number,
): { range: TimeRange; after: Position | null } {
  return given.cursor === undefined ? { range: rangeOf(given, nowMs), after: null } : decodeCursor(table, given.cursor);
}
