/** GET and PATCH /api/v1/settings: how the pages look to whoever asks. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, timeZoneParameter } from "../query.ts";
import { changeDocuments } from "./change.ts";
import { collectionOf, type Owner, ownerOf, ownerToKeepFor } from "./owner.ts";

const KEY = "dashboard";
const PANELS_MAX = 50;
const panelNames = z.array(z.string().regex(/^[a-z][a-z_]{0,39}$/, "names of panels are expected")).max(PANELS_MAX)
  .refine((names) => new Set(names).size === names.length, "a panel is named twice");
const targetMessage = "a percentage of at least 0 and below 100 with up to four decimals is expected";

const settingsShape = z.object({
  theme: z.enum(["system", "light", "dark"]),
  timeZone: z.union([z.literal("browser"), timeZoneParameter]).openapi({
    description: "Zone of the times that are shown: browser, or an IANA name",
    example: "Europe/Berlin",
  }),
  panels: panelNames.openapi({ description: "Panels in their order; those that are not named follow", example: [] }),
  hiddenPanels: panelNames.openapi({ description: "Panels that are not shown", example: [] }),
  slaTarget: z.number().min(0).max(99.9999, targetMessage)
    .refine((target) => Number(target.toFixed(4)) === target, targetMessage)
    .openapi({ description: "Service level wanted, in percent", example: 99.9 }),
  refreshSeconds: z.int().min(0).max(3600).openapi({
    description: "Least time between two refreshes of what moves; 0: only by hand",
  }),
}).openapi("Settings");
type Settings = z.infer<typeof settingsShape>;

export const DEFAULTS: Settings = {
  theme: "system",
  timeZone: "browser",
  panels: [],
  hiddenPanels: [],
  slaTarget: 99.9,
  refreshSeconds: 2,
};

/** What was kept by another version: what cannot be read of it is as by default. */
const keptShape = z.object({
  theme: settingsShape.shape.theme.catch(DEFAULTS.theme),
  timeZone: settingsShape.shape.timeZone.catch(DEFAULTS.timeZone),
  panels: settingsShape.shape.panels.catch(DEFAULTS.panels),
  hiddenPanels: settingsShape.shape.hiddenPanels.catch(DEFAULTS.hiddenPanels),
  slaTarget: settingsShape.shape.slaTarget.catch(DEFAULTS.slaTarget),
  refreshSeconds: settingsShape.shape.refreshSeconds.catch(DEFAULTS.refreshSeconds),
});

const answer = z.object({
  owner: z.enum(["user", "browser", "nobody"]).openapi({
    description: "Whom they are kept for; nobody: of a browser that never changed one, these are the defaults",
  }),
  user: z.string().nullable(),
  settings: settingsShape,
}).openapi("OwnSettings");

const readRoute = createRoute({
  method: "get",
  path: "/api/v1/settings",
  tags: ["Personal"],
  summary: "How the pages look to this user or browser",
  request: { query: z.strictObject({}) },
  responses: jsonAnswer(answer, "The settings"),
});

const changeRoute = createRoute({
  method: "patch",
  path: "/api/v1/settings",
  tags: ["Personal"],
  summary: "Change some settings; those that are not given stay",
  request: {
    body: { required: true, content: { "application/json": { schema: settingsShape.partial().strict() } } },
  },
  responses: jsonAnswer(answer, "All settings, as they are now"),
});

export function settingsRoutes(app: OpenAPIHono, parts: GatewayParts): void {
  app.openapi(readRoute, async (c) => {
    const owner = ownerOf(c, parts);
    const entries = owner === null
      ? new Map<string, string>()
      : (await parts.store.readDocuments(collectionOf("settings", owner))).entries;
    c.header("Cache-Control", "no-store");
    return c.json(answerOf(owner, kept(entries)), 200);
  });

  app.openapi(changeRoute, async (c) => {
    const changes = c.req.valid("json");
    const owner = ownerToKeepFor(c, parts);
    const settings = await changeDocuments(parts.store, collectionOf("settings", owner), (entries) => {
      const next = { ...kept(entries), ...changes };
      return { puts: [[KEY, JSON.stringify(next)]], answer: next };
    });
    return c.json(answerOf(owner, settings), 200);
  });
}

function kept(entries: ReadonlyMap<string, string>): Settings {
  const text = entries.get(KEY);
  return text === undefined ? DEFAULTS : keptShape.parse(JSON.parse(text));
}

function answerOf(owner: Owner | null, settings: Settings): z.infer<typeof answer> {
  return { owner: owner?.kind ?? "nobody", user: owner?.kind === "user" ? owner.name : null, settings };
}
