/** The engine and its peers on the same topics of a real Kafka, with the broker on the same cores. */
import { configSchema } from "../../core/config/schema.ts";
import { openKafkaLog } from "../../core/log/kafka.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { up } from "../../tests/services/manager.ts";
import { serviceOf } from "../../tests/services/registry.ts";
import { START_MS } from "../records.ts";
import { contendersOf, PEER_NAMES, type PeerName, type Task } from "./contenders.ts";
import { compare, type Comparison } from "./runs.ts";
import { type ShapeName, SHAPES } from "./shapes.ts";

const PARTITIONS = 4;

/** A topic to read, and how: its records, how batches are compressed, and whether events are kept. */
interface Course {
  readonly shape: ShapeName;
  readonly codec: "none" | "lz4" | "zstd";
  readonly mode: Task["mode"];
}

/** By the names that `--topics` takes. */
const COURSES: Readonly<Record<string, Course>> = {
  json: { shape: "json", codec: "none", mode: "minutes" },
  lz4: { shape: "json", codec: "lz4", mode: "minutes" },
  zstd: { shape: "json", codec: "zstd", mode: "minutes" },
  access: { shape: "access", codec: "none", mode: "minutes" },
  wide: { shape: "wide", codec: "none", mode: "minutes" },
  archive: { shape: "json", codec: "none", mode: "archive" },
};
export const COURSE_NAMES = Object.keys(COURSES);

export interface FromKafkaOptions {
  readonly records: number;
  readonly runs: number;
  readonly topics: readonly string[];
  readonly peers: readonly string[];
}

async function fill(task: Omit<Task, "topicId">, codec: Course["codec"]): Promise<string> {
  const { brokers, topic, shape, records } = task;
  const { kafka } = configSchema.parse({ kafka: { brokers: brokers.split(","), compression: codec } });
  const log = await openKafkaLog({ access: kafka, recordBytesMax: 1024 * 1024 });
  try {
    const made = await log.createTopic(topic, { partitions: PARTITIONS });
    const writer = new TopicWriter(log, made, { batchBytes: 256 * 1024 });
    const [next, encoder] = [SHAPES[shape].source(), new TextEncoder()];
    for (let i = 0; i < records; i++) await writer.write(encoder.encode(next()), START_MS + 3_600_000);
    await writer.flush();
    return made.id;
  } finally {
    await log.close();
  }
}

async function deleteTopic(brokers: string, topic: string): Promise<void> {
  const { kafka } = configSchema.parse({ kafka: { brokers: brokers.split(",") } });
  const log = await openKafkaLog({ access: kafka, recordBytesMax: 1024 * 1024 });
  await log.deleteTopic(topic).finally(() => log.close());
}

/** Runs all topics asked for, one after the other, printing a table each. */
export async function measureFromKafka({ records, runs, topics, peers }: FromKafkaOptions): Promise<Comparison[]> {
  const unknown = [
    ...topics.filter((name) => COURSES[name] === undefined),
    ...peers.filter((name) => !PEER_NAMES.some((known) => known === name)),
  ];
  if (unknown.length > 0) {
    throw new Error(`unknown: ${unknown.join()}; topics are ${COURSE_NAMES.join()}, peers ${PEER_NAMES.join()}`);
  }
  const { brokers } = (await up(serviceOf("kafka"))).access;
  const comparisons: Comparison[] = [];
  for (const name of topics) {
    const { shape, codec, mode } = COURSES[name];
    const directory = await Deno.makeTempDir({ prefix: "millrace-bench-" });
    const topic = `bench-${name}-${crypto.randomUUID().slice(0, 8)}`;
    const task = { brokers, topic, shape, records, mode, directory };
    try {
      const topicId = await fill(task, codec);
      const list = await contendersOf(
        { ...task, topicId },
        PEER_NAMES.filter((peer) => peers.includes(peer)) as PeerName[],
      );
      const how = codec === "none" ? "" : `, ${codec}`;
      const kept = mode === "archive" ? "; all events as Parquet, too" : "";
      const title = `Minutes of ${SHAPES[shape].title}${how}, from Kafka${kept}; ${records / 1e6} million records`;
      comparisons.push(await compare(title, runs, list));
    } finally {
      await deleteTopic(brokers, topic).catch(() => {});
      await Deno.remove(directory, { recursive: true });
    }
  }
  return comparisons;
}
