/** GET /api/v1/topics/{topic}/records: the log itself, record by record. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { browse, type Browsed, type BrowsedRecord, offsetAtTime } from "../../core/log/browse.ts";
import type { PartitionEnds, PartitionReader, Topic } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { parseTime, TIME_HINT } from "../../core/times.ts";
import type { GatewayParts } from "../parts.ts";
import { badParameter } from "../problem.ts";
import { jsonAnswer, topicOf, topicParameter, wholeNumber } from "../query.ts";
import { rawText } from "../raw_text.ts";

/** What one request looks through: more goes on from `next`. */
const BYTES_MAX = 16 * 1_048_576;

const params = z.object({
  topic: topicParameter.openapi({ param: { name: "topic", in: "path" }, example: "app-logs" }),
});
const query = z.strictObject({
  partition: wholeNumber(0, 999_999, 0).openapi({ description: "The partition" }),
  offset: z.string().regex(/^(?:\d{1,15}|earliest|latest)$/, "an offset, earliest or latest is expected").optional()
    .openapi({
      description: "Where to begin: an offset, earliest, or latest for the newest records",
      example: "latest",
    }),
  time: z.string().optional().openapi({ description: `Instead: records from a time on: ${TIME_HINT}` }),
  limit: wholeNumber(1, 1000, 50).openapi({ description: "Records at most" }),
  q: z.string().max(1000).optional().openapi({ description: "Text that key or value contains, in any case" }),
  key: z.string().max(1000).optional().openapi({ description: "Only records of this very key" }),
});

const answer = z.object({
  topic: z.string(),
  partition: z.int(),
  start: z.int(),
  end: z.int(),
  records: z.array(z.object({
    offset: z.int(),
    timestamp: z.string().openapi({ description: "The record's own time in the log" }),
    key: z.string().nullable(),
    value: z.string().nullable(),
    valueBytes: z.int(),
  })),
  next: z.int().openapi({ description: "Offset to go on from; end where nothing is left" }),
}).openapi("LogRecords");

const route = createRoute({
  method: "get",
  path: "/api/v1/topics/{topic}/records",
  tags: ["Topics"],
  summary: "Records of a partition as they lie in the log",
  request: { params, query },
  responses: jsonAnswer(answer, "In the order of their offsets"),
});

export function logRecordRoutes(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const given = c.req.valid("query");
    const topic = await topicOf(parts, c.req.valid("param").topic);
    const ends = (await parts.log.ends(topic)).find(({ partition }) => partition === given.partition);
    if (ends === undefined) {
      throw badParameter(
        "partition",
        `there is no partition ${given.partition}: there are 0 to ${topic.partitions - 1}`,
      );
    }
    const { start, end } = ends;
    const reader = openReader(parts.log.readerSpec(topic, given.partition));
    let page: Browsed;
    try {
      const from = await startOf(parts, topic, reader, ends, given);
      page = from >= end ? { records: [], next: end } : await read(reader, from, given);
    } finally {
      reader.close();
    }
    return c.json({
      topic: topic.name,
      partition: given.partition,
      start,
      end,
      records: page.records.map(({ offset, timestampMs, key, value }) => ({
        offset,
        timestamp: new Date(timestampMs).toISOString(),
        key: key === null ? null : rawText(key),
        value: value === null ? null : rawText(value),
        valueBytes: value?.length ?? 0,
      })),
      next: page.next,
    }, 200);
  });
}

interface Given {
  readonly offset?: string;
  readonly time?: string;
  readonly limit: number;
  readonly q?: string;
  readonly key?: string;
}

/** The first offset that was asked for. */
async function startOf(
  { log, now }: GatewayParts & { now: () => number },
  topic: Topic,
  reader: PartitionReader,
  { partition, start, end }: PartitionEnds,
  { offset: text = "latest", time, limit }: Given,
): Promise<number> {
  if (time !== undefined) {
    const timeMs = parseTime(time, now());
    if (timeMs === null) throw badParameter("time", `"${time}" is not a time: ${TIME_HINT}`);
    const timestampAt = (offset: number) => log.timestampAt(topic, partition, offset);
    return await offsetAtTime({ reader, timestampAt, start, end }, timeMs);
  }
  if (text === "earliest") return start;
  if (text === "latest") return Math.max(start, end - limit);
  const offset = Number(text);
  if (offset >= start && offset <= end) return offset;
  throw badParameter("offset", `${offset} is not in the log: it holds ${start} to ${end - 1}`);
}

async function read(reader: PartitionReader, from: number, { limit, q = "", key: wantedKey }: Given): Promise<Browsed> {
  const wanted = q.toLowerCase();
  const has = (bytes: Uint8Array | null) => bytes !== null && rawText(bytes).toLowerCase().includes(wanted);
  const isOfKey = (key: Uint8Array | null) => wantedKey === undefined || (key !== null && rawText(key) === wantedKey);
  const isWanted = ({ key, value }: BrowsedRecord) => isOfKey(key) && (wanted === "" || has(value) || has(key));
  return await browse(reader, { from, limit, bytesMax: BYTES_MAX, isWanted });
}
