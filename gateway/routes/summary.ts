/** GET /api/v1/summary: service level, levels, and the APIs that are slow or fail. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiSummary } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, presetOf, timeParameters, topicOf, topicParameter, whereParameter } from "../query.ts";
import { rangeOf } from "../time_range.ts";
import { parseWhere } from "../where.ts";

const APIS_MAX = 1_000;
const TOP_APIS = 10;
const DEFAULT_TARGET = 99.9;

const query = z.strictObject({
  topic: topicParameter,
  ...timeParameters,
  where: whereParameter,
  target: z.string().regex(/^\d{1,2}(\.\d{1,4})?$/, "a percentage below 100 with up to four decimals is expected")
    .default(String(DEFAULT_TARGET)).openapi({ description: "Service level wanted, in percent", example: "99.9" }),
});

const api = z.object({
  service: z.string(),
  method: z.string(),
  endpoint: z.string(),
  count: z.number(),
  errors: z.number(),
  errorRate: z.number(),
  averageResponseTime: z.number().nullable().openapi({ description: "Milliseconds" }),
  p95ResponseTime: z.number().nullable(),
});

const answer = z.object({
  topic: z.string(),
  from: z.string(),
  to: z.string(),
  sla: z.object({
    target: z.number(),
    availability: z.number().nullable().openapi({ description: "Events that are no errors, in percent" }),
    isMet: z.boolean().nullable(),
    errorBudgetLeft: z.number().nullable().openapi({
      description: "Share of the allowed errors not used; negative: overdrawn",
    }),
  }),
  totals: z.object({ count: z.number(), errors: z.number(), errorRate: z.number(), unparsed: z.number() }),
  levels: z.array(z.object({ level: z.string(), count: z.number(), share: z.number() })),
  averageResponseTimeByApi: z.array(api),
  topErrorProneApis: z.array(api),
  apisTruncated: z.boolean(),
}).openapi("Summary");

const route = createRoute({
  method: "get",
  path: "/api/v1/summary",
  tags: ["Metrics"],
  summary: "Service level, levels and APIs of a time range",
  request: { query },
  responses: jsonAnswer(answer, "The summary"),
});

export function summaryRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    const range = rangeOf(given, parts.now());
    const preset = await presetOf(parts, topic);
    const where = parseWhere(given.where, preset.dimensions.map(({ name }) => name));
    const { totals, levels, apis, apisTruncated } = await parts.store.summary({
      topicId: topic.id,
      range,
      apisMax: APIS_MAX,
      where,
    });
    const described = apis.map(describeApi);
    return c.json({
      topic: topic.name,
      from: new Date(range.fromMs).toISOString(),
      to: new Date(range.toMs).toISOString(),
      sla: serviceLevel(Number(given.target), totals.count - totals.unparsed, totals.errors),
      totals: { ...totals, errorRate: totals.count === 0 ? 0 : totals.errors / totals.count },
      levels: levels.map(({ level, count }) => ({ level, count, share: count / totals.count })),
      averageResponseTimeByApi: described.filter(({ averageResponseTime }) => averageResponseTime !== null),
      topErrorProneApis: described.filter(({ errors }) => errors > 0)
        .sort((a, b) => b.errors - a.errors || b.errorRate - a.errorRate).slice(0, TOP_APIS),
      apisTruncated,
    }, 200);
  });
}

function describeApi(summary: ApiSummary) {
  return { ...summary, errorRate: summary.count === 0 ? 0 : summary.errors / summary.count };
}

/**
 * Availability in percent with four decimals; unparsed records say nothing about the service. Computed in millionths,
 * which are exact up to 9e9 events: 99.9 % of 1000 events must meet a target of 99.9.
 */
export function serviceLevel(target: number, events: number, errors: number) {
  if (events === 0) return { target, availability: null, isMet: null, errorBudgetLeft: null };
  const targetMillionths = Math.round(target * 10_000);
  const goodMillionths = (events - errors) * 1_000_000;
  const allowed = events * (1_000_000 - targetMillionths) / 1_000_000;
  return {
    target,
    availability: Math.floor(goodMillionths / events) / 10_000, // never rounded up into a target that was missed
    isMet: goodMillionths >= targetMillionths * events,
    errorBudgetLeft: Math.round((1 - errors / allowed) * 10_000) / 10_000,
  };
}
