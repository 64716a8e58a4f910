/** Writes the same records into an embedded log and into NDJSON files, once; later runs find them. */
import { configSchema } from "../core/config/schema.ts";
import { openEmbeddedLog } from "../core/log/registry.ts";
import { TopicWriter } from "../core/log/topic_writer.ts";
import { RECORDS_PER_MINUTE, recordSource, SEED, START_MS } from "./records.ts";

const PARTITIONS = 4;
/** Read first by every contender, untimed: enough for the compiler of each of our workers to be done. */
const WARM_RECORDS = 1_000_000;
const LINES = 10_000;

/**
 * Answers the directory with `bench.ndjson`, `warm.ndjson` and the topics `bench` and `warm`. So many records a minute are
 * all partitions' together.
 */
export async function prepare(
  records: number,
  partitions = PARTITIONS,
  perMinute = RECORDS_PER_MINUTE,
): Promise<string> {
  const suffix = (value: number, usual: number) => value === usual ? "" : `-${value}`;
  const name = `records-${records}${suffix(partitions, PARTITIONS)}${suffix(perMinute, RECORDS_PER_MINUTE)}`;
  const directory = new URL(`./out/${name}`, import.meta.url).pathname;
  if (await exists(`${directory}/ready`)) return directory;
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  await Deno.mkdir(directory, { recursive: true });
  const log = await openEmbeddedLog({ dataDirectory: directory, settings: configSchema.parse({}).log });
  for (const [name, count] of [["warm", WARM_RECORDS], ["bench", records]] as const) {
    const topic = await log.createTopic(name, { partitions, format: "json" });
    const writer = new TopicWriter(log, topic, { batchBytes: 256 * 1024 });
    const file = await Deno.open(`${directory}/${name}.ndjson`, { write: true, create: true, truncate: true });
    const next = recordSource(SEED, perMinute);
    const encoder = new TextEncoder();
    for (let done = 0; done < count;) {
      const lines = Array.from({ length: Math.min(LINES, count - done) }, next);
      for (const line of lines) await writer.write(encoder.encode(line), START_MS + 3_600_000);
      const bytes = encoder.encode(lines.join("\n") + "\n");
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      done += lines.length;
    }
    await writer.flush();
    file.close();
  }
  await log.close();
  await Deno.writeTextFile(`${directory}/ready`, "");
  return directory;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
