/** GET /api/v1/reports/access: the access log's report, exact. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import type { GatewayParts } from "../parts.ts";
import {
  jsonAnswer,
  timeParameters,
  timeZoneParameter,
  topicOf,
  topicParameter,
  whereParameter,
  wholeNumber,
} from "../query.ts";
import { EVERYTHING, rangeOf } from "../time_range.ts";
import { parseWhere } from "../where.ts";

const query = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  where: whereParameter,
  tz: timeZoneParameter.default("UTC").openapi({
    description: "Time zone of days and hours",
    example: "Europe/Berlin",
  }),
  limit: wholeNumber(1, 100_000, 20).openapi({ description: "Longest length of a list" }),
});

const byEndpoint = z.array(z.object({ endpoint: z.string(), count: z.number() }));
const byHost = z.array(z.object({ host: z.string(), count: z.number() }));
const answer = z.object({
  lines: z.number(),
  unparsed: z.number(),
  missing: z.record(z.string(), z.number()),
  contentSize: z.object({
    count: z.number(),
    min: z.number().nullable(),
    max: z.number().nullable(),
    mean: z.number().nullable(),
    stddev: z.number().nullable(),
    histogram: z.array(z.object({ from: z.number(), to: z.number(), count: z.number() })),
  }),
  notFound: z.object({ count: z.number(), top: byEndpoint, byHost }),
  byStatus: z.array(z.object({ status: z.number(), count: z.number() })),
  byHost,
  byEndpoint,
  byDay: z.array(z.object({ day: z.string(), count: z.number(), hosts: z.number(), notFound: z.number() })),
  byHour: z.array(z.object({
    hour: z.int(),
    count: z.number(),
    notFound: z.number(),
    clientErrors: z.number(),
    serverErrors: z.number(),
  })),
  hosts: z.number(),
  endpoints: z.number(),
}).openapi("AccessReport");

const route = createRoute({
  method: "get",
  path: "/api/v1/reports/access",
  tags: ["Reports"],
  summary: "Access-log report",
  description:
    "Exact counts over all events of the topic, or of a range, under conditions. Endpoints are request targets as logged. " +
    "The standard deviation is the population's.",
  request: { query },
  responses: jsonAnswer(answer, "The report"),
});

export function reportRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const range = rangeOf(given, parts.now(), EVERYTHING);
    const where = parseWhere(given.where, TEXT_FIELDS);
    const asked = { topicId: topic.id, range, where, timeZone: given.tz, limit: given.limit };
    const report = await parts.store.accessReport(asked);
    return c.json({ ...report, ...copied(report) }, 200);
  });
}

/** The store's lists are read-only, the answer's type is not. */
function copied(report: Awaited<ReturnType<GatewayParts["store"]["accessReport"]>>) {
  return {
    contentSize: { ...report.contentSize, histogram: [...report.contentSize.histogram] },
    notFound: {
      count: report.notFound.count,
      top: [...report.notFound.top],
      byHost: [...report.notFound.byHost],
    },
    byStatus: [...report.byStatus],
    byHost: [...report.byHost],
    byEndpoint: [...report.byEndpoint],
    byDay: [...report.byDay],
    byHour: [...report.byHour],
  };
}
