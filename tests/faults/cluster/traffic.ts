/** Seeded records into a topic, at a pace, while engines and servers are killed. */
import type { PartitionedLog, Topic } from "../../../core/log/partitioned_log.ts";
import { TopicWriter } from "../../../core/log/topic_writer.ts";
import { randomFrom } from "../../simulation/delivery_simulator.ts";

const HOUR_MS = 3_600_000;
const CHUNK_RECORDS = 500;
const ENCODER = new TextEncoder();

/** Event times lie within so many hours before this, so that several units of a partition are open at once. */
export const TRAFFIC_END_MS = Date.UTC(2026, 4, 1, 12);
const TRAFFIC_HOURS = 3;

/** Record `i` of a seed: one of 50 cannot be parsed, one of ten is late by up to some hours. */
export function recordOf(i: number, random: () => number, total: number): string {
  if (i % 50 === 49) return `broken record ${i}`;
  const progress = i / total * TRAFFIC_HOURS * HOUR_MS;
  const late = random() < 0.1 ? random() * progress : 0;
  const timestamp = new Date(TRAFFIC_END_MS - TRAFFIC_HOURS * HOUR_MS + Math.floor(progress - late)).toISOString();
  const level = random() < 0.1 ? "ERROR" : "INFO";
  const service = `service-${Math.floor(random() * 5)}`;
  return JSON.stringify({ timestamp, level, service, duration_ms: Math.floor(random() * 1000), i });
}

/** How long to wait for brokers that refuse. */
const REFUSED_MS = 500;

/**
 * Writes records until so many are acknowledged, over about `seconds` seconds. While the brokers are away a batch may be
 * written or not: it is not written again, for what counts is what the topic holds in the end. Resolves to the records
 * that were not acknowledged.
 */
export async function writeTraffic(
  log: Pick<PartitionedLog, "append">,
  topic: Topic,
  { seed, records, seconds }: { readonly seed: number; readonly records: number; readonly seconds: number },
): Promise<{ readonly unacknowledged: number }> {
  const random = randomFrom(seed);
  const startMs = performance.now();
  let unacknowledged = 0;
  for (let i = 0; i - unacknowledged < records; i += CHUNK_RECORDS) {
    const writer = new TopicWriter(log, topic, { firstPartition: Math.floor(random() * topic.partitions) });
    for (let k = 0; k < CHUNK_RECORDS; k++) {
      await writer.write(ENCODER.encode(recordOf(i + k, random, records)), Date.now());
    }
    try {
      await writer.flush();
    } catch {
      unacknowledged += CHUNK_RECORDS;
      await new Promise((resolve) => setTimeout(resolve, REFUSED_MS));
    }
    const aheadMs = (i + CHUNK_RECORDS) / records * seconds * 1000 - (performance.now() - startMs);
    if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
  return { unacknowledged };
}
