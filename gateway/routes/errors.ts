/** /api/v1/incidents and /api/v1/fingerprints: what the analyzer knows of errors. /api/v1/decisions: what people say of it. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { didYouMean } from "../../core/config/nearest.ts";
import { decide, type Decision, VERDICTS } from "../../core/incidents/decisions.ts";
import { fingerprintJson, fingerprintShape, incidentJson, incidentShape } from "../errors/error_json.ts";
import { ErrorCatalog, type KnownErrors } from "../errors/known_errors.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter, Problem } from "../problem.ts";
import { jsonAnswer, topicOf, topicParameter, wholeNumber } from "../query.ts";

/** How the analyzer fares with the topic. */
const analyzerShape = z.object({
  readAt: z.string().nullable().openapi({
    description: "When it last kept something; null: no analyzer has read the topic",
  }),
  records: z.int().openapi({ description: "Records it has read" }),
  errors: z.int().openapi({ description: "Errors among them" }),
  author: z.string().openapi({ description: "Who wrote the latest summary" }),
  trouble: z.string().nullable().openapi({ description: "Why no model wrote it, where none did" }),
  asked: z.int().openapi({ description: "Summaries that models have written" }),
  tokens: z.int(),
  usd: z.number(),
}).openapi("AnalyzerState");

const incidentsQuery = z.strictObject({
  topic: topicParameter,
  state: z.enum(["open", "resolved", "all"]).default("all").openapi({ description: "open: also acknowledged ones" }),
  service: z.string().optional().openapi({ description: "Of this service alone" }),
  limit: wholeNumber(1, 500, 50).openapi({ description: "Incidents at most" }),
});
const incidentsRoute = createRoute({
  method: "get",
  path: "/api/v1/incidents",
  tags: ["Errors"],
  summary: "Incidents of errors",
  request: { query: incidentsQuery },
  responses: jsonAnswer(
    z.object({ incidents: z.array(incidentShape), total: z.int(), analyzer: analyzerShape }).openapi("Incidents"),
    "Open ones first, then the latest",
  ),
});

const idParameter = z.string().min(1).max(100).openapi({ param: { name: "id", in: "path" }, example: "3f2a" });
const ofTopic = z.strictObject({ topic: topicParameter });

const incidentRoute = createRoute({
  method: "get",
  path: "/api/v1/incidents/{id}",
  tags: ["Errors"],
  summary: "One incident, with its fingerprints",
  request: { params: z.object({ id: idParameter }), query: ofTopic },
  responses: jsonAnswer(
    z.object({ incident: incidentShape, fingerprints: z.array(fingerprintShape) }).openapi("IncidentDetails"),
    "The first fingerprint is the one that it is about",
  ),
});

const SORTS = ["recent", "count", "new", "change"] as const;
const fingerprintsQuery = z.strictObject({
  topic: topicParameter,
  service: z.string().optional().openapi({ description: "Of this service alone" }),
  q: z.string().max(200).optional().openapi({ description: "Text that template or name contains, in any case" }),
  sort: z.enum(SORTS).default("recent").openapi({
    description: "recent: by occurrences of the last two hours; count: of all times; new: the latest met first; " +
      "change: by how far the rate is above the usual one",
  }),
  limit: wholeNumber(1, 500, 100).openapi({ description: "Fingerprints at most" }),
});
const fingerprintsRoute = createRoute({
  method: "get",
  path: "/api/v1/fingerprints",
  tags: ["Errors"],
  summary: "Kinds of errors",
  request: { query: fingerprintsQuery },
  responses: jsonAnswer(
    z.object({
      fingerprints: z.array(fingerprintShape),
      total: z.int(),
      services: z.array(z.string()).openapi({ description: "Services of all fingerprints, those left out as well" }),
      analyzer: analyzerShape,
    }).openapi("Fingerprints"),
    "As they are sorted",
  ),
});

const fingerprintRoute = createRoute({
  method: "get",
  path: "/api/v1/fingerprints/{id}",
  tags: ["Errors"],
  summary: "One kind of error",
  request: { params: z.object({ id: idParameter }), query: ofTopic },
  responses: jsonAnswer(fingerprintShape, "Where it was merged: the one that it counts as"),
});

const who = z.string().max(200).default("").openapi({ description: "Who says so", example: "ada" });
const decisionBody = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("merge"), fingerprint: z.string(), into: z.string(), by: who }),
  z.strictObject({ kind: z.literal("split"), fingerprint: z.string(), contains: z.string().min(1).max(200), by: who }),
  z.strictObject({ kind: z.literal("name"), fingerprint: z.string(), name: z.string().max(150), by: who }),
  z.strictObject({ kind: z.literal("acknowledge"), incident: z.string(), by: who }),
  z.strictObject({
    kind: z.literal("silence"),
    target: z.enum(["fingerprint", "incident", "service"]),
    id: z.string(),
    minutes: z.int().min(0).max(43_200).openapi({ description: "From now on; 0 ends a silence" }),
    comment: z.string().max(500).default(""),
    by: who,
  }),
  z.strictObject({
    kind: z.literal("verdict"),
    incident: z.string(),
    verdict: z.enum(VERDICTS),
    comment: z.string().max(1_000).default(""),
    by: who,
  }),
]).openapi("Decision");
const decisionRoute = createRoute({
  method: "post",
  path: "/api/v1/decisions",
  tags: ["Errors"],
  summary: "Acknowledge, silence or judge an incident; merge, split or name kinds of errors",
  request: { query: ofTopic, body: { content: { "application/json": { schema: decisionBody } }, required: true } },
  responses: jsonAnswer(
    z.object({ decided: z.string(), at: z.string() }).openapi("Decided"),
    "Kept; the analyzer heeds it within a second or two",
  ),
});

export function errorRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  const catalog = new ErrorCatalog(parts.store);

  app.openapi(incidentsRoute, async (c) => {
    const { topic: name, state, service, limit } = c.req.valid("query");
    const topic = await topicOf(parts, name);
    const known = await catalog.read(topic.id);
    const incidents = [...known.incidents.values()].filter((incident) =>
      (state === "all" || incident.state === state) && (service === undefined || incident.service === service)
    ).sort((a, b) => Number(a.state === "resolved") - Number(b.state === "resolved") || b.lastMs - a.lastMs);
    const nowMs = parts.now();
    return c.json({
      incidents: incidents.slice(0, limit).map((incident) => incidentJson(incident, topic.name, known, nowMs)),
      total: incidents.length,
      analyzer: analyzerJson(known),
    }, 200);
  });

  app.openapi(incidentRoute, async (c) => {
    const topic = await topicOf(parts, c.req.valid("query").topic);
    const known = await catalog.read(topic.id);
    const { id } = c.req.valid("param");
    const incident = known.incidents.get(id);
    if (incident === undefined) throw missing("incident", id, known.incidents.keys());
    const nowMs = parts.now();
    const json = incidentJson(incident, topic.name, known, nowMs);
    const fingerprints = json.fingerprints.flatMap(({ id }) => known.rootOf(id) ?? []);
    return c.json({
      incident: json,
      fingerprints: fingerprints.map((each) => fingerprintJson(each, known, nowMs)),
    }, 200);
  });

  app.openapi(fingerprintsRoute, async (c) => {
    const { topic: name, service, q, sort, limit } = c.req.valid("query");
    const topic = await topicOf(parts, name);
    const known = await catalog.read(topic.id);
    const nowMs = parts.now();
    const wanted = q?.toLowerCase() ?? "";
    const all = [...known.fingerprints.values()].filter(({ mergedInto, ...each }) =>
      mergedInto === null && (service === undefined || each.service === service) &&
      `${each.template}\n${known.decisions.nameOf(each.id) ?? ""}`.toLowerCase().includes(wanted)
    ).map((each) => fingerprintJson(each, known, nowMs));
    all.sort((a, b) => rankOf(b, sort) - rankOf(a, sort) || b.count - a.count);
    const roots = [...known.fingerprints.values()].filter(({ mergedInto }) => mergedInto === null);
    const services = [...new Set(roots.map(({ service }) => service))].sort();
    return c.json({
      fingerprints: all.slice(0, limit),
      total: all.length,
      services,
      analyzer: analyzerJson(known),
    }, 200);
  });

  app.openapi(fingerprintRoute, async (c) => {
    const topic = await topicOf(parts, c.req.valid("query").topic);
    const known = await catalog.read(topic.id);
    const { id } = c.req.valid("param");
    const fingerprint = known.rootOf(id);
    if (fingerprint === undefined) throw missing("fingerprint", id, known.fingerprints.keys());
    return c.json(fingerprintJson(fingerprint, known, parts.now()), 200);
  });

  app.openapi(decisionRoute, async (c) => {
    const topic = await topicOf(parts, c.req.valid("query").topic);
    const body = c.req.valid("json");
    const atMs = parts.now();
    checkTargets(body, await catalog.read(topic.id));
    const decision: Decision = body.kind === "silence"
      ? { ...body, atMs, untilMs: atMs + body.minutes * 60_000 }
      : { ...body, atMs };
    await decide(parts.store, topic.id, decision);
    return c.json({ decided: body.kind, at: new Date(atMs).toISOString() }, 200);
  });
}

/** Decides nothing about what there is not. */
function checkTargets(body: z.infer<typeof decisionBody>, known: KnownErrors): void {
  const fingerprint = (parameter: string, id: string): void => {
    if (known.fingerprints.has(id)) return;
    throw badParameter(parameter, `there is no fingerprint ${id}${didYouMean(id, [...known.fingerprints.keys()])}`);
  };
  const incident = (parameter: string, id: string): void => {
    if (known.incidents.has(id)) return;
    throw badParameter(parameter, `there is no incident ${id}${didYouMean(id, [...known.incidents.keys()])}`);
  };
  if ("fingerprint" in body) fingerprint("fingerprint", body.fingerprint);
  if ("into" in body) fingerprint("into", body.into);
  if ("incident" in body) incident("incident", body.incident);
  if (body.kind !== "silence") return;
  if (body.target === "incident") incident("id", body.id);
  if (body.target === "fingerprint") fingerprint("id", body.id);
}

function rankOf(fingerprint: z.infer<typeof fingerprintShape>, sort: typeof SORTS[number]): number {
  const { recent, count, firstSeen, ratePerMinute, usualPerMinute } = fingerprint;
  switch (sort) {
    case "recent":
      return recent;
    case "count":
      return count;
    case "new":
      return Date.parse(firstSeen);
    case "change":
      // One a minute on both sides: from none to one is not infinitely more.
      return (ratePerMinute + 1) / ((usualPerMinute ?? 0) + 1);
  }
}

function analyzerJson({ head }: KnownErrors): z.infer<typeof analyzerShape> {
  return {
    readAt: head === null ? null : new Date(head.committedMs).toISOString(),
    records: head?.records ?? 0,
    errors: head?.errors ?? 0,
    author: head?.author ?? "",
    trouble: head?.trouble ?? null,
    asked: head?.asked ?? 0,
    tokens: head?.tokens ?? 0,
    usd: head?.usd ?? 0,
  };
}

function missing(what: string, id: string, ids: Iterable<string>): Problem {
  return new Problem(404, `No such ${what}`, `there is no ${what} ${id}${didYouMean(id, [...ids])}`);
}
