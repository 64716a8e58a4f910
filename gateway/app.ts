/** The gateway's routes and what holds for all of them: validation, errors, security headers, timing. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { isDiskFull, messageOf, MillraceError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { exportRoute } from "./exports/export.ts";
import { ingestRoute } from "./ingest/ingest.ts";
import type { GatewayParts } from "./parts.ts";
import { Problem, problemOfZod, problemResponse } from "./problem.ts";
import { recordRoutes } from "./routes/events.ts";
import { healthRoutes } from "./routes/health.ts";
import { Metrics, metricsRoute } from "./routes/metrics.ts";
import { pageRoutes } from "./routes/pages.ts";
import { reportRoutes } from "./routes/reports.ts";
import { seriesRoute } from "./routes/series.ts";
import { summaryRoute } from "./routes/summary.ts";
import { topicRoutes } from "./routes/topics.ts";

const METHODS = ["GET", "POST", "DELETE"];

export function createApp(given: GatewayParts): OpenAPIHono {
  const parts = { ...given, log: given.log, now: given.now ?? Date.now };
  const app = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (!result.success) {
        return problemResponse(c, problemOfZod(result.error, knownParameters(app, c.req.method, routePath(c))));
      }
    },
  });
  const metrics = new Metrics(parts);

  app.use(secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      imgSrc: ["'self'", "data:"], // Swagger UI's icons
      styleSrc: ["'self'"],
      objectSrc: ["'none'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    strictTransportSecurity: false, // plain HTTP on loopback; a proxy in front adds it
  }));
  app.use(async (c, next) => {
    const before = performance.now();
    await next();
    metrics.observe(c.req.method, routePath(c, -1), c.res.status, (performance.now() - before) / 1000);
  });

  seriesRoute(app, parts);
  summaryRoute(app, parts);
  recordRoutes(app, parts);
  reportRoutes(app, parts);
  exportRoute(app, parts);
  topicRoutes(app, parts);
  ingestRoute(app, parts);
  healthRoutes(app, parts);
  metricsRoute(app, metrics);
  pageRoutes(app);
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Millrace",
      version: VERSION,
      description: "Minute metrics, searchable history and exports of logs.",
    },
  });

  app.notFound((c) => problemResponse(c, notFound(app, c.req.method, c.req.path)));
  app.onError((error, c) => problemResponse(c, problemOf(error)));
  return app;
}

/** The names of a route's query parameters, for those who misspell one. */
function knownParameters(app: OpenAPIHono, method: string, path: string): string[] {
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route" || definition.route.method !== method.toLowerCase()) continue;
    if (definition.route.path.replaceAll(/\{(\w+)\}/g, ":$1") !== path) continue;
    const query = definition.route.request?.query;
    return query !== undefined && "shape" in query ? Object.keys(query.shape) : [];
  }
  return [];
}

function notFound(app: OpenAPIHono, method: string, path: string): Problem {
  const others = METHODS.filter((other) => app.router.match(other, path)[0].some(([[, route]]) => route.path !== "/*"));
  if (others.length > 0) {
    return new Problem(405, "Method not allowed", `${method} is not possible on ${path}: use ${others.join(" or ")}`);
  }
  return new Problem(404, "Not found", `there is nothing at ${path}; /docs lists what there is`);
}

function problemOf(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof MillraceError && error.code === "INVALID_INPUT") {
    return new Problem(400, "Bad request", `${error.message}; ${error.remedy}`);
  }
  if (isDiskFull(error)) {
    return new Problem(507, "Disk full", messageOf(error), { retryAfterSeconds: 10 });
  }
  // Hono says so of a body that is no JSON.
  if ("status" in error && error.status === 400) return new Problem(400, "Bad request", error.message);
  const requestId = crypto.randomUUID();
  console.error(JSON.stringify({ level: "ERROR", requestId, message: error.message, stack: error.stack }));
  return new Problem(500, "Internal error", `something went wrong here; the log has more under ${requestId}`);
}
