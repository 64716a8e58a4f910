/** GET /api/v1/export: a whole table as a file, streamed. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { messageOf } from "../../core/errors.ts";
import { DIMENSIONS, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { EXPORT_FORMATS, EXPORT_TABLES, type ExportFormat } from "../../core/store/ports.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter, Problem } from "../problem.ts";
import { problemBody, problemResponses, timeParameters, topicOf, topicParameter, whereParameter } from "../query.ts";
import { EVERYTHING, isoOf, rangeOf } from "../time_range.ts";
import { frontierOf } from "../topic_state.ts";
import { parseWhere } from "../where.ts";

const EXPORTS_MAX = 2;
const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
  ndjson: "application/x-ndjson",
};

const query = z.strictObject({
  table: z.enum(EXPORT_TABLES),
  format: z.enum(EXPORT_FORMATS),
  topic: topicParameter,
  ...timeParameters,
  where: whereParameter,
  raw: z.enum(["0", "1"]).default("0").openapi({
    description: "CSV: 1 leaves cells that a spreadsheet would run as formulas as they are",
  }),
});

const route = createRoute({
  method: "get",
  path: "/api/v1/export",
  tags: ["Exports"],
  summary: "Minutes, hours, events or quarantine as CSV, Parquet or NDJSON",
  description: "Streamed without a row cap, from one snapshot; X-Millrace-Frontier says how far it reaches, as " +
    "partition:offset pairs. In CSV, text that starts with = + - @ tab, CR or NUL gets an apostrophe in front.",
  request: { query },
  responses: {
    200: {
      description: "The file",
      headers: z.object({
        "X-Millrace-Frontier": z.string().openapi({ description: "partition:offset pairs", example: "0:123,1:456" }),
        "Content-Disposition": z.string(),
      }),
      content: Object.fromEntries(Object.values(MEDIA_TYPES).map((type) => [type, { schema: z.string() }])),
    },
    ...problemResponses,
    429: { description: "Two exports are running: try again after Retry-After", ...problemBody },
  },
});

export function exportRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  let running = 0;
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    // Its body would never be read, and the export never end.
    if (c.req.method === "HEAD") {
      throw new Problem(405, "Method not allowed", "an export has no HEAD: use GET", { allow: ["GET"] });
    }
    const topic = await topicOf(parts, given.topic);
    const range = rangeOf(given, parts.now(), EVERYTHING);
    if (given.table === "quarantine" && given.where.length > 0) {
      throw badParameter("where", "records in quarantine have no fields: leave it out");
    }
    const where = parseWhere(given.where, given.table === "events" ? TEXT_FIELDS : DIMENSIONS);
    if (running >= EXPORTS_MAX) {
      throw new Problem(429, "Too many exports", `${EXPORTS_MAX} exports are running: try again when one has ended`, {
        retryAfterSeconds: 5,
      });
    }
    running++;
    let isOver = false;
    const end = () => {
      if (!isOver) running--;
      isOver = true;
    };
    try {
      const { stream, frontier } = await parts.store.export({
        topicId: topic.id,
        table: given.table,
        format: given.format,
        range,
        where,
        isRaw: given.raw === "1",
      });
      const name = [topic.name, given.table, fileTime(range.fromMs), fileTime(range.toMs)].filter((part) =>
        part !== ""
      );
      return new Response(endingWith(stream, end), {
        headers: {
          "Content-Type": MEDIA_TYPES[given.format],
          "Content-Disposition": `attachment; filename="${name.join("-")}.${given.format}"`,
          "Cache-Control": "no-store",
          "X-Millrace-Frontier": frontierOf(topic, frontier).map(({ partition, offset }) => `${partition}:${offset}`)
            .join(","),
        },
      });
    } catch (error) {
      end();
      throw error;
    }
  });
}

/** 20260301T120000Z, or nothing for an open end. */
function fileTime(ms: number): string {
  return isoOf(ms)?.replace(/[-:]|\.\d+/g, "") ?? "";
}

/** The stream, calling `end` when it is read to its end, fails or is cancelled. A client learns only that it broke off. */
function endingWith(stream: ReadableStream<Uint8Array>, end: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        console.error(JSON.stringify({ level: "ERROR", message: `an export broke off: ${messageOf(error)}` }));
        controller.error(error);
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
}
