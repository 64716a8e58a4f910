/** GET /api/v1/status: what this gateway stands on, and the workers of the engine in the same process. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { chosenStore } from "../../core/config/chosen_store.ts";
import { VERSION } from "../../core/version.ts";
import type { GatewayParts } from "../parts.ts";
import { jsonAnswer } from "../query.ts";

const answer = z.object({
  version: z.string(),
  log: z.enum(["embedded", "kafka"]),
  store: z.string(),
  consumerGroup: z.string().nullable().openapi({ description: "Group of the engines, where the log is Kafka" }),
  engine: z.object({
    isHealthy: z.boolean(),
    lastError: z.string().nullable(),
    workers: z.array(z.object({
      worker: z.int(),
      partitions: z.array(z.object({ topic: z.string(), partition: z.int() })),
    })),
  }).nullable().openapi({ description: "null where the engines are processes of their own" }),
}).openapi("Status");

const route = createRoute({
  method: "get",
  path: "/api/v1/status",
  tags: ["Operations"],
  summary: "Log, store, and the engine's workers with their partitions",
  request: { query: z.strictObject({}) },
  responses: jsonAnswer(answer, "The status"),
});

export function statusRoute(app: OpenAPIHono, { config, engine }: GatewayParts): void {
  app.openapi(route, (c) => {
    const isKafka = config.kafka.brokers.length > 0;
    const status = engine.status();
    return c.json({
      version: VERSION,
      log: isKafka ? "kafka" as const : "embedded" as const,
      store: chosenStore(config),
      consumerGroup: isKafka ? config.kafka.groupId : null,
      engine: status === null ? null : {
        isHealthy: status.isHealthy,
        lastError: status.lastError,
        workers: status.assignments.map(({ worker, partitions }) => ({
          worker,
          partitions: partitions.map(({ topic, partition }) => ({ topic, partition })),
        })),
      },
    }, 200);
  });
}
