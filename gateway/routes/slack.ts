/** POST /slack/actions: where Slack says which button was clicked, if the app's signing secret is set. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { GatewayParts } from "../parts.ts";
import { Problem } from "../problem.ts";

const BODY_BYTES_MAX = 256 * 1024;

export function slackRoute(app: OpenAPIHono, { takeSlackActions }: GatewayParts): void {
  if (takeSlackActions === undefined) return;
  app.use("/slack/actions", bodyLimit({ maxSize: BODY_BYTES_MAX }));
  app.post("/slack/actions", async (c) => {
    const verdict = await takeSlackActions({
      timestamp: c.req.header("X-Slack-Request-Timestamp") ?? null,
      signature: c.req.header("X-Slack-Signature") ?? null,
      body: new Uint8Array(await c.req.arrayBuffer()),
    });
    if (verdict === "forged") {
      throw new Problem(401, "Not from Slack", "the request is not signed with the app's secret");
    }
    if (verdict === "stale") {
      throw new Problem(401, "Too old", "the request was signed more than five minutes ago, or ahead");
    }
    return c.body(null, 200); // what comes a second time was heeded the first
  });
}
