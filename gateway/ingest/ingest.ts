/** POST /ingest/v1/{topic}: lines into the log, answered once they are durable. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Config, topicSettingsOf } from "../../core/config/schema.ts";
import { isDiskFull, messageOf } from "../../core/errors.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import type { GatewayParts } from "../parts.ts";
import { Problem } from "../problem.ts";
import { checkFormat, problemBody, problemResponses, topicParameter } from "../query.ts";
import { bodyChunks, isCompressed, UnreadableBody } from "./body.ts";
import { LineSplitter, LineTooLong } from "./lines.ts";

const BATCH_BYTES = 256 * 1024;
/** Of one request, beyond which its body is not read on. */
const PENDING_BYTES_MAX = 2 * 1024 * 1024;

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

/** What came of one request so far. */
interface Intake {
  /** Records handed to the log. */
  accepted: number;
  /** Of the body, after decompression. */
  bytes: number;
}

export function ingestRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  const { ingestPendingBytesMax, ingestBodyBytesMax } = parts.config.gateway;
  const writers = new Set<TopicWriter>();
  /** Bytes taken but not durable, of this process: a request that is slow to arrive holds nothing back for others. */
  const pendingBytes = () => {
    const taken = [...writers].reduce((sum, writer) => sum + writer.pendingBytes, 0);
    return Math.max(taken, parts.log.pendingBytes ?? 0);
  };
  app.openapi(route, async (c) => {
    const { topic: name } = c.req.valid("param");
    if (Number(c.req.header("content-length") ?? 0) > ingestBodyBytesMax) throw bodyTooLarge(ingestBodyBytesMax, 0);
    const isGzip = isCompressed(c.req.raw.headers);
    if (pendingBytes() >= ingestPendingBytesMax) {
      throw new Problem(429, "Too busy", "more is coming in than becomes durable: send it again a little later", {
        retryAfterSeconds: 1,
      });
    }
    const topic = await openTopic(parts, name, c.req.valid("query"));
    const intake: Intake = { accepted: 0, bytes: 0 };
    const writer = new TopicWriter(parts.log, topic, { batchBytes: BATCH_BYTES, pendingBytesMax: PENDING_BYTES_MAX });
    writers.add(writer);
    try {
      await takeLines(parts, bodyChunks(c.req.raw, isGzip), writer, intake);
      await writer.flush();
    } catch (error) {
      throw await explained(error, { writer, intake, config: parts.config });
    } finally {
      writers.delete(writer);
    }
    return c.json({ topic: topic.name, ...intake }, 200);
  });
}

async function openTopic(
  parts: GatewayParts,
  name: string,
  wanted: { partitions?: number; format?: string },
): Promise<Topic> {
  checkFormat(parts, wanted.format);
  const settings = topicSettingsOf(parts.config, name);
  return await parts.log.findTopic(name) ?? await parts.log.createTopic(name, {
    partitions: wanted.partitions ?? settings.partitions ?? parts.config.log.partitions,
    format: wanted.format ?? settings.format,
  });
}

/** Hands each line to the writer; waits while it has too much to do. */
async function takeLines(
  { config, now }: GatewayParts & { now: () => number },
  body: AsyncIterable<Uint8Array>,
  writer: TopicWriter,
  intake: Intake,
): Promise<void> {
  const splitter = new LineSplitter(config.log.recordBytesMax, (line) => {
    const waiting = writer.write(line, now());
    intake.accepted++;
    return waiting;
  });
  for await (const chunk of body) {
    intake.bytes += chunk.length;
    if (intake.bytes > config.gateway.ingestBodyBytesMax) {
      throw bodyTooLarge(config.gateway.ingestBodyBytesMax, intake.accepted);
    }
    await splitter.push(chunk);
  }
  await splitter.end();
}

function bodyTooLarge(bytesMax: number, accepted: number): Problem {
  const stored = accepted === 0 ? "nothing of it is stored" : `its first ${accepted} records are stored`;
  const detail = `a body has at most ${bytesMax} bytes, also when decompressed; ${stored}: send the rest in parts`;
  return new Problem(413, "Body too large", detail, { fields: { accepted } });
}

/**
 * The answer to a failure. What came before a sender's mistake is made durable first, so that the answer can say how
 * far it got; after a failure of the log nobody can.
 */
async function explained(
  error: unknown,
  { writer, intake, config }: { writer: TopicWriter; intake: Intake; config: Config },
): Promise<unknown> {
  if (error instanceof Problem || error instanceof LineTooLong || error instanceof UnreadableBody) {
    try {
      await writer.flush();
    } catch (failure) {
      return await explained(failure, { writer, intake, config });
    }
    if (error instanceof Problem) return error;
    const { accepted } = intake;
    const stored = `the ${accepted} records before it are stored`;
    if (error instanceof UnreadableBody) {
      const detail = `the body ended early or is no gzip stream; ${stored}`;
      return new Problem(400, "Unreadable body", detail, { fields: { accepted } });
    }
    const detail = `line ${error.lineNumber} is longer than ${config.log.recordBytesMax} bytes; ${stored}`;
    return new Problem(413, "Line too long", detail, { fields: { accepted, line: error.lineNumber } });
  }
  if (isDiskFull(error)) {
    const detail = `${messageOf(error)}; make room and send it again: a part of it may be stored already`;
    return new Problem(507, "Disk full", detail, { retryAfterSeconds: 10 });
  }
  return error;
}
