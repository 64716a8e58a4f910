/** GET /api/v1/reports/access: the access log's report, exact. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, timeParameters, timeZoneParameter, topicOf, topicParameter, wholeNumber } from "../query.ts";
import { EVERYTHING, rangeOf } from "../time_range.ts";

const query = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  tz: timeZoneParameter.default("UTC").openapi({ description: "Time zone of the days", example: "Europe/Berlin" }),
  limit: wholeNumber(1, 100_000, 20).openapi({ description: "Longest length of a list" }),
});

const byEndpoint = z.array(z.object({ endpoint: z.string(), count: z.number() }));
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
  }),
  notFound: z.object({ count: z.number(), top: byEndpoint }),
  byStatus: z.array(z.object({ status: z.number(), count: z.number() })),
  byHost: z.array(z.object({ host: z.string(), count: z.number() })),
  byEndpoint,
  byDay: z.array(z.object({ day: z.string(), count: z.number() })),
  hosts: z.number(),
  endpoints: z.number(),
}).openapi("AccessReport");

const route = createRoute({
  method: "get",
  path: "/api/v1/reports/access",
  tags: ["Reports"],
  summary: "Access-log report",
  description: "Exact counts over all events of the topic, or of a range. Endpoints are request targets as logged. " +
    "The standard deviation is the population's.",
  request: { query },
  responses: jsonAnswer(answer, "The report"),
});

export function reportRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const range = rangeOf(given, parts.now(), EVERYTHING);
    const report = await parts.store.accessReport({ topicId: topic.id, range, timeZone: given.tz, limit: given.limit });
    return c.json({ ...report, ...copied(report) }, 200);
  });
}

/** The store's lists are read-only, the answer's type is not. */
function copied(report: Awaited<ReturnType<GatewayParts["store"]["accessReport"]>>) {
  return {
    notFound: { count: report.notFound.count, top: [...report.notFound.top] },
    byStatus: [...report.byStatus],
    byHost: [...report.byHost],
    byEndpoint: [...report.byEndpoint],
    byDay: [...report.byDay],
  };
}
