/** The start page, the API's docs page and their files: an allow-list, nothing from outside, no inline script. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { StaticFile } from "../static_file.ts";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

const own = (name: string) => new URL(`../pages/${name}`, import.meta.url);
/** Files of the npm package, beside the one that its name resolves to. */
const swagger = (name: string) => new URL(name, import.meta.resolve("swagger-ui-dist"));

/** What a page's style is made of, a file a component, in this order: it is one answer, for each request costs time. */
const STYLES: Readonly<Record<string, readonly string[]>> = {
  start: ["start"],
  dashboard: ["uplot", "base", "header", "controls", "panels", "severity", "drop", "alerts", "charts", "lists"],
  report: ["base", "header", "controls"],
  topics: ["base", "header", "controls", "panels", "lists"],
  errors: [
    ...["base", "header", "controls", "severity", "errors", "errors_card", "errors_actions", "drop", "errors_kinds"],
  ],
};
const styleFile = (name: string) =>
  name === "uplot" ? new URL("uPlot.min.css", import.meta.resolve("uplot")) : own(`${name}.css`);

const FILES: Readonly<Record<string, StaticFile>> = {
  "/": new StaticFile(HTML, own("start.html")),
  ...Object.fromEntries(
    ["dashboard", "report", "topics", "errors"].map((name) => [`/${name}`, new StaticFile(HTML, own(`${name}.html`))]),
  ),
  ...Object.fromEntries(
    Object.entries(STYLES).flatMap(([name, parts]) => [
      [`/pages/${name}.css`, new StaticFile(CSS, ...parts.map(styleFile))],
      [`/pages/${name}.js`, new StaticFile(SCRIPT, own(`${name}.js`))],
    ]),
  ),
  "/favicon.svg": new StaticFile("image/svg+xml", own("favicon.svg")),
  "/docs": new StaticFile(HTML, own("docs.html")),
  "/docs/start.js": new StaticFile(SCRIPT, own("docs.js")),
  "/docs/swagger-ui.css": new StaticFile(CSS, swagger("swagger-ui.css")),
  "/docs/swagger-ui-bundle.js": new StaticFile(SCRIPT, swagger("swagger-ui-bundle.js")),
};

export function pageRoutes(app: OpenAPIHono): void {
  for (const [path, file] of Object.entries(FILES)) app.get(path, (c) => file.answer(c.req.raw.headers));
}
