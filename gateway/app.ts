/** The gateway's routes and what holds for all of them: validation, errors, security headers, timing. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { routePath } from "hono/route";
import { secureHeaders } from "hono/secure-headers";
import { isDiskFull, messageOf, MillraceError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { exportRoute } from "./exports/export.ts";
import { ingestRoute } from "./ingest/ingest.ts";
import type { GatewayParts } from "./parts.ts";
import { settingsRoutes } from "./personal/settings.ts";
import { viewRoutes } from "./personal/views.ts";
import { Problem, problemResponse } from "./problem.ts";
import { alertDecisionsRoute } from "./routes/alert_decisions.ts";
import { alertsRoute } from "./routes/alerts.ts";
import { countRoute } from "./routes/count.ts";
import { errorRoutes } from "./routes/errors.ts";
import { recordRoutes } from "./routes/events.ts";
import { groupRoute } from "./routes/groups.ts";
import { statusRoute } from "./routes/status.ts";
import { healthRoutes } from "./routes/health.ts";
import { Metrics, metricsRoute } from "./routes/metrics.ts";
import { pageRoutes } from "./routes/pages.ts";
import { liveRoute } from "./routes/live.ts";
import { logRecordRoutes } from "./routes/records.ts";
import { reportRoutes } from "./routes/reports.ts";
import { runsRoute } from "./routes/runs.ts";
import { seriesRoute } from "./routes/series.ts";
import { slackRoute } from "./routes/slack.ts";
import { summaryRoute } from "./routes/summary.ts";
import { topicRoutes } from "./routes/topics.ts";
import { validationHook } from "./validation.ts";

const METHODS = ["GET", "POST", "PATCH", "DELETE"];
/** Of the API's own JSON; ingest has limits of its own. */
const BODY_BYTES_MAX = 64 * 1024;

/** The whole gateway, without a server: `app.request(...)` asks it. */
export function createApp(given: GatewayParts): OpenAPIHono {
  const parts = { ...given, log: given.log, now: given.now ?? Date.now };
  const app: OpenAPIHono = new OpenAPIHono({ defaultHook: validationHook(() => app) });
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
  app.use(async (c, next) => {
    if (c.req.method !== "GET" && c.req.method !== "HEAD" && isFromElsewhere(c.req.raw.headers)) {
      throw new Problem(403, "Forbidden", "a page of another site may not change anything here");
    }
    await next();
  });
  // Only what may have a body: the limit makes other requests anew, at which Deno prints a notice of its own.
  app.on(
    ["POST", "PATCH"],
    "/api/*",
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new Problem(413, "Body too large", `a body has at most ${BODY_BYTES_MAX} bytes here`);
      },
    }),
  );

  seriesRoute(app, parts);
  summaryRoute(app, parts);
  liveRoute(app, parts);
  recordRoutes(app, parts);
  reportRoutes(app, parts);
  exportRoute(app, parts);
  countRoute(app, parts);
  errorRoutes(app, parts);
  alertsRoute(app, parts);
  alertDecisionsRoute(app, parts);
  slackRoute(app, parts);
  topicRoutes(app, parts);
  groupRoute(app, parts);
  logRecordRoutes(app, parts);
  statusRoute(app, parts);
  runsRoute(app, parts);
  ingestRoute(app, parts);
  settingsRoutes(app, parts);
  viewRoutes(app, parts);
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

/** Whether a browser sends this for a page of another site; who asks without a browser says nothing of the kind. */
function isFromElsewhere(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site !== "same-origin" && site !== "none";
  const origin = headers.get("origin");
  return origin !== null && URL.parse(origin)?.host !== headers.get("host");
}

function notFound(app: OpenAPIHono, method: string, path: string): Problem {
  const isRoute = (pattern: string) => !pattern.endsWith("*"); // those are for what holds everywhere
  const allow = METHODS.filter((other) => app.router.match(other, path)[0].some(([[, { path }]]) => isRoute(path)));
  if (allow.length > 0) {
    const detail = `${method} is not possible on ${path}: use ${allow.join(" or ")}`;
    return new Problem(405, "Method not allowed", detail, { allow });
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
  if (error instanceof MillraceError && (error.code === "CORRUPT_DATA" || error.code === "FILE_UNAVAILABLE")) {
    return new Problem(500, "Data unavailable", `${error.message}; ${error.remedy}`);
  }
  // Hono's own: a body that is no JSON, or is not said to be JSON.
  if (error instanceof HTTPException && error.status === 415) {
    return new Problem(415, "Unsupported media type", "send the body with Content-Type: application/json");
  }
  if (error instanceof HTTPException && error.status < 500) return new Problem(400, "Bad request", error.message);
  const requestId = crypto.randomUUID();
  console.error(JSON.stringify({ level: "ERROR", requestId, message: error.message, stack: error.stack }));
  return new Problem(500, "Internal error", `something went wrong here; the log has more under ${requestId}`, {
    fields: { requestId },
  });
}
