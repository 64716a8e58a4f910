/** /api/v1/views: addresses of pages under names, one's own and those that all see. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { GatewayParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import { jsonAnswer, problemBody, problemResponses } from "../query.ts";
import { changeDocuments } from "./change.ts";
import { collectionOf, ownerOf, ownerToKeepFor } from "./owner.ts";

const VIEWS_MAX = 200;
const SHARED = "views/shared";

const given = {
  name: z.string().trim().min(1, "a name is expected").max(80, "a name has at most 80 characters"),
  page: z.enum(["dashboard", "errors", "report", "topics"]),
  query: z.string().max(4000).regex(/^(\?.*)?$/s, "the query of an address, from its question mark on, is expected")
    .openapi({ description: "Query of the page's address", example: "?topic=app-logs&where=level%3DERROR" }),
};
const keptView = z.object(given);
const viewShape = z.object({
  id: z.string(),
  ...given,
  isShared: z.boolean().openapi({ description: "Whether all see it, and may change it" }),
}).openapi("View");
type View = z.infer<typeof viewShape>;

const path = z.object({ id: z.string().regex(/^[0-9a-f]{12}$/, "the id of a view is expected") });
const list = z.object({ views: z.array(viewShape) });
const body = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { "application/json": { schema } },
});

const listRoute = createRoute({
  method: "get",
  path: "/api/v1/views",
  tags: ["Personal"],
  summary: "Saved views: one's own, and those that all see",
  request: { query: z.strictObject({}) },
  responses: jsonAnswer(list, "By name"),
});

const oneRoute = createRoute({
  method: "get",
  path: "/api/v1/views/{id}",
  tags: ["Personal"],
  summary: "One saved view",
  request: { params: path },
  responses: jsonAnswer(viewShape, "The view"),
});

const saveRoute = createRoute({
  method: "post",
  path: "/api/v1/views",
  tags: ["Personal"],
  summary: "Save a view",
  request: { body: body(z.strictObject({ ...given, isShared: z.boolean().default(false) })) },
  responses: {
    201: { description: "Saved", content: { "application/json": { schema: viewShape } } },
    ...problemResponses,
    409: { description: "There are too many", ...problemBody },
  },
});

const changeRoute = createRoute({
  method: "patch",
  path: "/api/v1/views/{id}",
  tags: ["Personal"],
  summary: "Rename a view, or let it show something else",
  request: { params: path, body: body(z.strictObject(given).partial()) },
  responses: jsonAnswer(viewShape, "The view, as it is now"),
});

const deleteRoute = createRoute({
  method: "delete",
  path: "/api/v1/views/{id}",
  tags: ["Personal"],
  summary: "Delete a saved view",
  request: { params: path },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});

export function viewRoutes(app: OpenAPIHono, parts: GatewayParts): void {
  const collectionsOf = (c: Context): string[] => {
    const owner = ownerOf(c, parts);
    return owner === null ? [SHARED] : [collectionOf("views", owner), SHARED];
  };
  const allOf = async (c: Context): Promise<View[]> => {
    const read = await Promise.all(
      collectionsOf(c).map(async (collection) => {
        const { entries } = await parts.store.readDocuments(collection);
        return [...entries].map(([id, text]) => viewOf(id, text, collection));
      }),
    );
    return read.flat().sort((a, b) => a.name.localeCompare(b.name, "en") || (a.id < b.id ? -1 : 1));
  };
  /** The collection that has it; 404 where none of the asker's does. */
  const placeOf = async (c: Context, id: string): Promise<string> => {
    for (const collection of collectionsOf(c)) {
      if ((await parts.store.readDocuments(collection)).entries.has(id)) return collection;
    }
    throw noView(id);
  };

  app.openapi(listRoute, async (c) => c.json({ views: await allOf(c) }, 200));

  app.openapi(oneRoute, async (c) => {
    const { id } = c.req.valid("param");
    const view = (await allOf(c)).find((known) => known.id === id);
    if (view === undefined) throw noView(id);
    return c.json(view, 200);
  });

  app.openapi(saveRoute, async (c) => {
    const { isShared, ...view } = c.req.valid("json");
    const collection = isShared ? SHARED : collectionOf("views", ownerToKeepFor(c, parts));
    const id = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
    await changeDocuments(parts.store, collection, ({ size }) => {
      if (size >= VIEWS_MAX) {
        throw new Problem(409, "Too many views", `there are ${VIEWS_MAX} already: delete one that nobody needs`);
      }
      return { puts: [[id, JSON.stringify(view)]], answer: null };
    });
    return c.json({ id, ...view, isShared }, 201);
  });

  app.openapi(changeRoute, async (c) => {
    const { id } = c.req.valid("param");
    const changes = c.req.valid("json");
    const collection = await placeOf(c, id);
    const text = await changeDocuments(parts.store, collection, (entries) => {
      const before = entries.get(id);
      if (before === undefined) throw noView(id); // deleted meanwhile
      const after = JSON.stringify({ ...keptView.parse(JSON.parse(before)), ...changes });
      return { puts: [[id, after]], answer: after };
    });
    return c.json(viewOf(id, text, collection), 200);
  });

  app.openapi(deleteRoute, async (c) => {
    const { id } = c.req.valid("param");
    await changeDocuments(parts.store, await placeOf(c, id), () => ({ puts: [[id, null]], answer: null }));
    return c.body(null, 204);
  });
}

function viewOf(id: string, text: string, collection: string): View {
  return { id, ...keptView.parse(JSON.parse(text)), isShared: collection === SHARED };
}

function noView(id: string): Problem {
  return new Problem(404, "No such view", `there is no view ${id} here: it was deleted, or is another browser's own`);
}
