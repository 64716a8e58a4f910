/** /healthz: the process answers. /readyz: it can do its work. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { messageOf } from "../../core/errors.ts";
import type { GatewayParts } from "../parts.ts";

const status = z.object({ status: z.string() });
const readiness = z.object({ status: z.string(), reasons: z.array(z.string()) });

const healthRoute = createRoute({
  method: "get",
  path: "/healthz",
  tags: ["Operations"],
  summary: "Is the process alive?",
  responses: { 200: { description: "It is", content: { "application/json": { schema: status } } } },
});

const readyRoute = createRoute({
  method: "get",
  path: "/readyz",
  tags: ["Operations"],
  summary: "Can it do its work?",
  responses: {
    200: { description: "It can", content: { "application/json": { schema: readiness } } },
    503: { description: "It can't: see reasons", content: { "application/json": { schema: readiness } } },
  },
});

export function healthRoutes(app: OpenAPIHono, parts: GatewayParts): void {
  app.openapi(healthRoute, (c) => c.json({ status: "ok" }, 200));

  app.openapi(readyRoute, async (c) => {
    const reasons: string[] = [];
    const check = async (what: string, ask: () => Promise<unknown>) => {
      try {
        await ask();
      } catch (error) {
        reasons.push(`${what}: ${messageOf(error)}`);
      }
    };
    await check("log", () => parts.log.listTopics());
    await check("store", () => parts.store.get("ready"));
    const engine = parts.engine.status();
    if (engine?.isHealthy === false) reasons.push(`engine: ${engine.lastError ?? "not healthy"}`);
    return reasons.length === 0
      ? c.json({ status: "ready", reasons }, 200)
      : c.json({ status: "not ready", reasons }, 503);
  });
}
