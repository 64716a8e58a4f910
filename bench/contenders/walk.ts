/**
 * What remains of the engine without parsing and counting: two workers that fetch, check and decompress batches and walk
 * their records. BROKERS TOPIC. Prints one line of JSON. Reads twice; the second, warm time counts.
 */
import process from "node:process";
import { configSchema } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { openKafkaLog } from "../../core/log/kafka.ts";

const [brokers, name] = Deno.args;
const config = configSchema.parse({ kafka: { brokers: brokers.split(",") } });
const log = await openKafkaLog({ access: config.kafka, recordBytesMax: config.engine.recordBytesMax });
const topic = await findTopic();
const ends = await log.ends(topic);

async function findTopic(): Promise<Topic> {
  const found = await log.findTopic(name);
  if (found === undefined) throw new Error(`no topic ${name}`);
  return found;
}

const workers = [0, 1].map(() => new Worker(new URL("./walk_worker.ts", import.meta.url), { type: "module" }));
async function run(): Promise<number> {
  const counts = await Promise.all(workers.map((worker, n) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
    worker.postMessage({
      fetchBytes: config.engine.fetchBytes,
      partitions: ends.filter(({ partition }) => partition % 2 === n)
        .map(({ partition, end }) => ({ spec: log.readerSpec(topic, partition), end })),
    });
    return promise;
  }));
  return counts.reduce((a, b) => a + b, 0);
}

await run();
const cpuBefore = process.cpuUsage();
const before = performance.now();
const records = await run();
const seconds = (performance.now() - before) / 1000;
const cpu = process.cpuUsage(cpuBefore);
console.log(JSON.stringify({
  records,
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}));
Deno.exit(0);
