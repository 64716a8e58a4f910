/** GET /api/v1/topics/{topic}/groups: who reads a topic, and how far behind each is, in records and in seconds. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer, topicOf, topicParameter } from "../query.ts";
import { type PartitionStanding, standingOf } from "../topic_state.ts";

const groupShape = z.object({
  name: z.string(),
  kind: z.enum(["store", "kafka"]).openapi({
    description: "store: what is stored, by whichever engine; kafka: a consumer group, by what it committed",
  }),
  state: z.string().openapi({ description: "Of a consumer group, in Kafka's words", example: "stable" }),
  members: z.int().nullable(),
  lagRecords: z.int(),
  lagSeconds: z.number(),
  partitions: z.array(z.object({
    partition: z.int(),
    offset: z.int().nullable().openapi({ description: "The next that it reads; null where it never committed one" }),
    end: z.int(),
    lagRecords: z.int(),
    lagSeconds: z.number(),
    member: z.string().nullable().openapi({ description: "Who reads it now: client and host" }),
  })),
}).openapi("ConsumerGroup");
type Group = z.infer<typeof groupShape>;

const route = createRoute({
  method: "get",
  path: "/api/v1/topics/{topic}/groups",
  tags: ["Topics"],
  summary: "Readers of a topic with their lag: the store, and Kafka's consumer groups",
  request: {
    params: z.object({
      topic: topicParameter.openapi({ param: { name: "topic", in: "path" }, example: "app-logs" }),
    }),
    query: z.strictObject({}),
  },
  responses: jsonAnswer(z.object({ groups: z.array(groupShape) }), "The store first, then groups by name"),
});

export function groupRoute(app: OpenAPIHono, parts: GatewayParts & { now: () => number }): void {
  app.openapi(route, async (c) => {
    const topic = await topicOf(parts, c.req.valid("param").topic);
    const standings = await standingOf(parts, topic);
    const groups = await parts.log.consumerGroups?.(topic) ?? [];
    const described = await Promise.all(groups.map(async ({ name, state, members, partitions }): Promise<Group> => {
      const lags = await Promise.all(partitions.map(async ({ partition, offset, member }) => {
        const standing = standings.find((known) => known.partition === partition);
        const lag = await lagOf(parts, topic, standing, offset);
        return { partition, offset, member, ...lag };
      }));
      return { name, kind: "kafka", state, members, ...totalOf(lags), partitions: lags };
    }));
    return c.json({ groups: [storeGroup(standings), ...described] }, 200);
  });
}

function storeGroup(standings: readonly PartitionStanding[]): Group {
  const partitions = standings.map(({ partition, checkpoint, end, lagRecords, lagSeconds }) => ({
    partition,
    offset: checkpoint,
    end,
    lagRecords,
    lagSeconds,
    member: null,
  }));
  return { name: "the store", kind: "store", state: "", members: null, ...totalOf(partitions), partitions };
}

/** What a group that committed `offset` has not read yet; all that there is, where it never did. */
async function lagOf(
  { log, now }: { readonly log: Pick<PartitionedLog, "timestampAt">; readonly now: () => number },
  topic: Topic,
  standing: PartitionStanding | undefined,
  offset: number | null,
) {
  if (standing === undefined) return { end: 0, lagRecords: 0, lagSeconds: 0 };
  const { partition, start, end } = standing;
  const next = Math.max(start, offset ?? start);
  const lagRecords = Math.max(0, end - next);
  const firstMs = lagRecords === 0 ? null : await log.timestampAt(topic, partition, next);
  return { end, lagRecords, lagSeconds: firstMs === null ? 0 : Math.max(0, now() - firstMs) / 1000 };
}

function totalOf(lags: readonly { readonly lagRecords: number; readonly lagSeconds: number }[]) {
  return {
    lagRecords: lags.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
    lagSeconds: Math.max(0, ...lags.map(({ lagSeconds }) => lagSeconds)),
  };
}
