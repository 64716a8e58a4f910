/** The Kafka that contract tests run against. */
import { configSchema } from "../../core/config/schema.ts";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";

const brokers = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((address) => address !== "");

export const hasKafka = brokers.length > 0;

export function kafkaAccess(): KafkaAccess {
  return configSchema.parse({ kafka: { brokers } }).kafka;
}
