/** GET /api/v1/runs: what supervisors have run, and how it ended. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { readRuns } from "../../core/runs/runs.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer } from "../query.ts";

const runs = z.object({
  runs: z.array(z.object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(["program", "schedule"]),
    status: z.enum(["running", "succeeded", "failed", "lost"]),
    started: z.string(),
    ended: z.string().nullable(),
    code: z.int().nullable(),
    tail: z.string().openapi({ description: "The end of what it printed" }),
  })),
}).openapi("Runs");

const route = createRoute({
  method: "get",
  path: "/api/v1/runs",
  tags: ["Operations"],
  summary: "Runs of supervised programs and of schedules, newest first",
  request: { query: z.strictObject({}) },
  responses: jsonAnswer(runs, "The last 500 runs"),
});

export function runsRoute(app: OpenAPIHono, { store }: GatewayParts): void {
  app.openapi(route, async (c) => {
    const kept = await readRuns(store);
    const iso = (ms: number): string => new Date(ms).toISOString();
    return c.json({
      runs: kept.map(({ id, name, kind, status, startedMs, endedMs, code, tail }) => ({
        id,
        name,
        kind,
        status,
        started: iso(startedMs),
        ended: endedMs === null ? null : iso(endedMs),
        code,
        tail,
      })),
    }, 200);
  });
}
