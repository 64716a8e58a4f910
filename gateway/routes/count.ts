/** GET /api/v1/count: how many rows a table has under range and conditions, before somebody fetches them. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { DIMENSIONS, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { EXPORT_TABLES } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter, Problem } from "../problem.ts";
import { jsonAnswer, problemBody, timeParameters, topicOf, topicParameter, whereParameter } from "../query.ts";
import { EVERYTHING, rangeOf } from "../time_range.ts";
import { parseWhere } from "../where.ts";

const COUNTS_MAX = 4;

const query = z.strictObject({
  table: z.enum(EXPORT_TABLES),
  topic: topicParameter,
  ...timeParameters,
  where: whereParameter,
  q: z.string().max(1000).optional().openapi({ description: "Events: only those with this text, in any case" }),
});

const answer = z.object({
  rows: z.int(),
  isAll: z.boolean().openapi({ description: "false: records that lie in the archive alone are not counted" }),
}).openapi("Count");

const route = createRoute({
  method: "get",
  path: "/api/v1/count",
  tags: ["Exports"],
  summary: "Rows that an export would have, or a search would find",
  request: { query },
  responses: {
    ...jsonAnswer(answer, "The rows, at this moment"),
    429: { description: "Others count already: try again after Retry-After", ...problemBody },
  },
});

export function countRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  let running = 0;
  app.openapi(route, async (c) => {
    const { table, q, where, ...given } = c.req.valid("query");
    const topic = await topicOf(parts, given.topic);
    if (table === "quarantine" && where.length > 0) {
      throw badParameter("where", "records in quarantine have no fields: leave it out");
    }
    if (table !== "events" && q !== undefined) throw badParameter("q", `${table} have no text: leave it out`);
    if (running >= COUNTS_MAX) {
      throw new Problem(429, "Too many counts", `${COUNTS_MAX} are under way: try again`, { retryAfterSeconds: 2 });
    }
    running++;
    try {
      const { rows, isAll } = await parts.store.count({
        topicId: topic.id,
        table,
        range: rangeOf(given, parts.now(), EVERYTHING),
        where: parseWhere(where, table === "events" ? TEXT_FIELDS : DIMENSIONS),
        text: q,
      });
      return c.json({ rows, isAll }, 200);
    } finally {
      running--;
    }
  });
}
