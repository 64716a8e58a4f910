/** POST /ingest/v1/{topic}: lines into the log, answered once they are durable. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { topicSettingsOf } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { GatewayParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import { problemResponses, problemSchema, topicParameter } from "../query.ts";
import { LineSplitter, LineTooLong } from "./lines.ts";

const BATCH_BYTES = 256 * 1024;

const problemBody = { content: { "application/problem+json": { schema: problemSchema } } };
const route = createRoute({
  method: "post",
  path: "/ingest/v1/{topic}",
  tags: ["Ingest"],
  summary: "Append lines to a topic",
  description: "Each line (NDJSON or any other format) is one record; empty lines are passed over. The answer comes " +
    "once all of them are durable. The topic is made if it is missing.",
  request: {
    params: z.object({ topic: topicParameter.openapi({ param: { name: "topic", in: "path" }, example: "app-logs" }) }),
    query: z.strictObject({
      partitions: z.string().regex(/^\d{1,4}$/, "a whole number from 1 to 1024 is expected").transform(Number)
        .refine((value) => value >= 1 && value <= 1024, "a whole number from 1 to 1024 is expected").optional()
        .openapi({ type: "integer", description: "Partitions, where this request makes the topic" }),
      format: z.string().min(1).optional().openapi({ description: "Parser, where this request makes the topic" }),
    }),
    body: {
      content: {
        "application/x-ndjson": { schema: z.string() },
        "text/plain": { schema: z.string() },
      },
    },
  },
  responses: {
    200: {
      description: "All lines are durable",
      content: {
        "application/json": { schema: z.object({ topic: z.string(), accepted: z.int(), bytes: z.int() }) },
      },
    },
    ...problemResponses,
    413: { description: "A line or the body is too large", ...problemBody },
    415: { description: "A Content-Encoding other than gzip", ...problemBody },
    429: { description: "Too much is waiting to become durable: try again after Retry-After", ...problemBody },
    507: { description: "The disk is full", ...problemBody },
  },
});

interface Intake {
  accepted: number;
  bytes: number;
}

export function ingestRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  /** Bytes read but not durable, over all requests of this process. */
  let pendingBytes = 0;
  app.openapi(route, async (c) => {
    const { topic: name } = c.req.valid("param");
    const body = decoded(c.req.raw);
    if (Math.max(pendingBytes, parts.log.pendingBytes ?? 0) >= parts.config.gateway.ingestPendingBytesMax) {
      throw new Problem(429, "Too busy", "more is coming in than becomes durable: send it again a little later", {
        retryAfterSeconds: 1,
      });
    }
    const topic = await openTopic(parts, name, c.req.valid("query"));
    const intake: Intake = { accepted: 0, bytes: 0 };
    const writer = new TopicWriter(parts.log, topic, { batchBytes: BATCH_BYTES });
    try {
      await takeLines(parts, body, writer, intake, (bytes) => pendingBytes += bytes);
      await writer.flush();
    } catch (error) {
      throw await explained(error, writer, intake);
    } finally {
      pendingBytes -= intake.bytes;
    }
    return c.json({ topic: topic.name, ...intake }, 200);
  });
}

/** The body as it was before Content-Encoding. */
function decoded(request: Request): ReadableStream<Uint8Array> | null {
  const encoding = (request.headers.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding === "identity" || encoding === "") return request.body;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    throw new Problem(415, "Unknown encoding", `Content-Encoding is ${encoding}: send gzip, or nothing`);
  }
  return request.body?.pipeThrough(new DecompressionStream("gzip")) ?? null;
}

async function openTopic(
  { config, log }: GatewayParts,
  name: string,
  wanted: { partitions?: number; format?: string },
): Promise<Topic> {
  const settings = topicSettingsOf(config, name);
  return await log.findTopic(name) ?? await log.createTopic(name, {
    partitions: wanted.partitions ?? settings.partitions ?? config.log.partitions,
    format: wanted.format ?? settings.format,
  });
}

async function takeLines(
  { config, now }: GatewayParts & { now: () => number },
  body: ReadableStream<Uint8Array> | null,
  writer: TopicWriter,
  intake: Intake,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (body === null) return;
  const splitter = new LineSplitter(config.log.recordBytesMax, (line) => {
    intake.accepted++;
    return writer.write(line, now());
  });
  for await (const chunk of body) {
    intake.bytes += chunk.length;
    onBytes(chunk.length);
    if (intake.bytes > config.gateway.ingestBodyBytesMax) {
      throw new Problem(
        413,
        "Body too large",
        `the body is larger than ${config.gateway.ingestBodyBytesMax} bytes (gateway.ingestBodyBytesMax): send it in parts`,
      );
    }
    await splitter.push(chunk);
  }
  await splitter.end();
}

/** What was read before the failure is made durable, so that the answer can say how far it came. */
async function explained(error: unknown, writer: TopicWriter, intake: Intake): Promise<unknown> {
  let accepted = intake.accepted;
  try {
    await writer.flush();
  } catch {
    accepted = 0; // how many of them are in cannot be told
  }
  const fields = { accepted };
  const stored = `${accepted} lines before it are stored`;
  if (error instanceof LineTooLong) {
    return new Problem(413, "Line too long", `line ${error.lineNumber} is longer than log.recordBytesMax; ${stored}`, {
      fields: { ...fields, line: error.lineNumber },
    });
  }
  if (error instanceof Problem) {
    return new Problem(error.status, error.title, `${error.detail}; ${stored}`, { ...error.extra, fields });
  }
  if (error instanceof MillraceError && error.code === "DISK_FULL") {
    return new Problem(507, "Disk full", `${error.message}; ${error.remedy}`, { retryAfterSeconds: 10, fields });
  }
  if (error instanceof TypeError) {
    return new Problem(400, "Unreadable body", `the body ended early or is no gzip stream; ${stored}`, { fields });
  }
  return error;
}
