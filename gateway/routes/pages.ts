/** The start page, the API's docs page and their files: an allow-list, nothing from outside, no inline script. */
import type { OpenAPIHono } from "@hono/zod-openapi";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const own = (name: string) => new URL(`../pages/${name}`, import.meta.url);
/** Files of the npm package, beside the one that its name resolves to. */
const swagger = (name: string) => new URL(name, import.meta.resolve("swagger-ui-dist"));

const FILES: Readonly<Record<string, { readonly file: URL; readonly type: string }>> = {
  "/": { file: own("start.html"), type: HTML },
  "/pages/start.css": { file: own("start.css"), type: CSS },
  "/pages/start.js": { file: own("start.js"), type: SCRIPT },
  "/dashboard": { file: own("dashboard.html"), type: HTML },
  "/pages/dashboard.css": { file: own("dashboard.css"), type: CSS },
  "/pages/header.css": { file: own("header.css"), type: CSS },
  "/pages/panels.css": { file: own("panels.css"), type: CSS },
  "/pages/dashboard.js": { file: own("dashboard.js"), type: SCRIPT },
  "/report": { file: own("report.html"), type: HTML },
  "/pages/report.js": { file: own("report.js"), type: SCRIPT },
  "/topics": { file: own("topics.html"), type: HTML },
  "/pages/topics.js": { file: own("topics.js"), type: SCRIPT },
  "/errors": { file: own("errors.html"), type: HTML },
  "/pages/errors.js": { file: own("errors.js"), type: SCRIPT },
  "/pages/errors.css": { file: own("errors.css"), type: CSS },
  "/pages/uplot.css": { file: new URL("uPlot.min.css", import.meta.resolve("uplot")), type: CSS },
  "/favicon.svg": { file: own("favicon.svg"), type: "image/svg+xml" },
  "/docs": { file: own("docs.html"), type: HTML },
  "/docs/start.js": { file: own("docs.js"), type: SCRIPT },
  "/docs/swagger-ui.css": { file: swagger("swagger-ui.css"), type: CSS },
  "/docs/swagger-ui-bundle.js": { file: swagger("swagger-ui-bundle.js"), type: SCRIPT },
};

export function pageRoutes(app: OpenAPIHono): void {
  for (const [path, { file, type }] of Object.entries(FILES)) {
    app.get(path, async (c) => c.body(await Deno.readFile(file), 200, { "Content-Type": type }));
  }
}
