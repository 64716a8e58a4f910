/** GET /api/v1/runs: what supervisors have run, how it ended, and what is due next. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { faultOf, nextAfter } from "../../core/runs/calendar.ts";
import { latestRuns, readRuns } from "../../core/runs/runs.ts";
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
  schedules: z.array(z.object({
    name: z.string(),
    cron: z.string(),
    timeZone: z.string(),
    next: z.string().nullable().openapi({ description: "When it is due; null: never" }),
  })).openapi({ description: "Schedules of this gateway's configuration" }),
}).openapi("Runs");

const route = createRoute({
  method: "get",
  path: "/api/v1/runs",
  tags: ["Operations"],
  summary: "Runs of supervised programs and of schedules, newest first",
  request: {
    query: z.strictObject({
      latest: z.enum(["0", "1"]).default("0").openapi({
        description: "1: the last run of each program and each schedule alone",
      }),
    }),
  },
  responses: jsonAnswer(runs, "The last 500 runs"),
});

export function runsRoute(app: OpenAPIHono, { store, config, now }: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const all = await readRuns(store);
    const kept = c.req.valid("query").latest === "1" ? latestRuns(all) : all;
    const nowMs = now();
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
      schedules: Object.entries(config.schedules).map(([name, { cron, timeZone }]) => {
        // A gateway does not refuse what only a supervisor runs.
        const nextMs = faultOf(cron, timeZone, nowMs) === null ? nextAfter(cron, timeZone, nowMs) : null;
        return { name, cron, timeZone, next: nextMs === null ? null : iso(nextMs) };
      }),
    }, 200);
  });
}
