/** The Kafka that contract tests run against. */
import { configSchema } from "../../core/config/schema.ts";
import type { KafkaAccess } from "../../core/log/kafka_access.ts";
import { serviceForTests } from "../services/for_tests.ts";

const access = await serviceForTests("kafka");

export const hasKafka = access !== null;

export function kafkaAccess(): KafkaAccess {
  const brokers = access?.brokers.split(",") ?? [];
  return configSchema.parse({ kafka: { brokers } }).kafka;
}
