/** What a topic holds, counted plainly by an independent client: the oracle. */
import { Kafka, logLevel } from "kafkajs";
import { z } from "zod";

export interface Figures {
  count: number;
  errors: number;
  sum: number;
  min: number;
  max: number;
}

export interface Recount {
  /** By `MINUTE service level`, the minute in ISO 8601. */
  readonly minutes: ReadonlyMap<string, Figures>;
  /** Offsets of records, by partition, that can be parsed, and that cannot. */
  readonly parsed: readonly ReadonlySet<number>[];
  readonly unparsed: readonly ReadonlySet<number>[];
  readonly records: number;
}

const event = z.object({ timestamp: z.string(), level: z.string(), service: z.string(), duration_ms: z.number() });

/** Reads the topic from its start to the ends that it has now. */
export async function recount(brokers: readonly string[], topic: string): Promise<Recount> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high)]));
  await admin.disconnect();
  const minutes = new Map<string, Figures>();
  const parsed = Array.from(ends, () => new Set<number>());
  const unparsed = Array.from(ends, () => new Set<number>());
  const open = new Set([...ends].filter(([, end]) => end > 0).map(([partition]) => partition));
  let records = 0;
  const consumer = kafka.consumer({ groupId: `recount-${crypto.randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const done = Promise.withResolvers<void>();
  if (open.size === 0) done.resolve();
  await consumer.run({
    eachBatch: ({ batch: { partition, messages } }) => {
      const end = ends.get(partition) ?? 0;
      for (const { offset, value } of messages) {
        if (Number(offset) >= end) continue;
        records++;
        const isParsed = add(minutes, String(value));
        (isParsed ? parsed : unparsed)[partition].add(Number(offset));
      }
      if (Number(messages.at(-1)?.offset ?? -1) >= end - 1) open.delete(partition);
      if (open.size === 0) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  await consumer.disconnect();
  return { minutes, parsed, unparsed, records };
}

function add(minutes: Map<string, Figures>, text: string): boolean {
  if (!text.startsWith("{")) return false;
  const { timestamp, level, service, duration_ms: duration } = event.parse(JSON.parse(text));
  const minute = new Date(Math.floor(Date.parse(timestamp) / 60_000) * 60_000).toISOString();
  const key = `${minute} ${service} ${level}`;
  let figures = minutes.get(key);
  if (figures === undefined) {
    figures = { count: 0, errors: 0, sum: 0, min: Infinity, max: -Infinity };
    minutes.set(key, figures);
  }
  figures.count++;
  if (level === "ERROR") figures.errors++;
  figures.sum += duration;
  figures.min = Math.min(figures.min, duration);
  figures.max = Math.max(figures.max, duration);
  return true;
}
