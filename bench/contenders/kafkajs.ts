/**
 * kafkajs and JSON.parse in two workers, half of the partitions each: BROKERS TOPIC json|wide|access FILE. Prints one line of JSON, and writes
 * the minutes to FILE. Timed from the first batch on, so that joining the group does not count.
 */
import process from "node:process";
import { admin } from "./kafkajs_client.ts";

const [brokers, topic, shape, file] = Deno.args;
const cells: string[] = [];
let [total, seen] = [0, 0];
const client = admin(brokers);
await client.connect();
const partitions: number[] = [];
for (const { partition, low, high } of await client.fetchTopicOffsets(topic)) {
  total += Number(high) - Number(low);
  partitions.push(partition);
}
await client.disconnect();

const isDone = Promise.withResolvers<void>();
let beganMs: number | null = null;
let cpuBefore = process.cpuUsage();
const workers = [0, 1].map((n) => {
  const worker = new Worker(new URL("./kafkajs_worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<{ began?: true; records?: number; cells?: string[] }>) => {
    if (data.began && beganMs === null) {
      beganMs = performance.now();
      cpuBefore = process.cpuUsage();
    }
    if (data.records !== undefined && (seen += data.records) >= total) isDone.resolve();
    if (data.cells !== undefined) cells.push(...data.cells);
  };
  worker.postMessage({ brokers, topic, shape, partitions, own: partitions.filter((partition) => partition % 2 === n) });
  return worker;
});
await isDone.promise;
const seconds = (performance.now() - (beganMs ?? NaN)) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const told = Promise.withResolvers<void>();
let left = workers.length;
for (const worker of workers) {
  const collect = worker.onmessage;
  worker.onmessage = (event) => {
    collect?.call(worker, event);
    if (event.data.cells !== undefined && --left === 0) told.resolve();
  };
  worker.postMessage("cells");
}
await told.promise;
await Deno.writeTextFile(file, cells.join("\n") + "\n");
console.log(JSON.stringify({
  records: seen,
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}));
Deno.exit(0);
