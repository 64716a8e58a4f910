/**
 * The engine over a topic of Kafka, warm: BROKERS TOPIC SHAPE FILE DATA minutes|archive. Prints one line of JSON, and writes
 * the minutes to FILE.
 *
 * One engine reads the topic twice; the second time counts, as of the peers. For the store the first time is another
 * topic's. Partitions are given to it, as to the peers, without a group.
 */
import process from "node:process";
import { openData } from "../../cli/data.ts";
import { configSchema } from "../../core/config/schema.ts";
import type { OwnershipChange } from "../../core/log/membership.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { startEngine } from "../../engine/main.ts";
import { writeMinutes } from "../peers/minutes.ts";
import { shapeNamed } from "../peers/shapes.ts";

const [brokers, name, shape, file, directory, mode] = Deno.args;
const config = configSchema.parse({
  data: directory,
  kafka: { brokers: brokers.split(","), topics: [name] },
  engine: { workers: 2, events: mode === "archive" ? "archive" : "off" },
});
const data = await openData(config, console.error);
const topic = await findTopic();
const ends = await data.log.ends(topic);
const goal = ends.reduce((sum, { end }) => sum + end, 0);

async function findTopic(): Promise<Topic> {
  const found = await data.log.findTopic(name);
  if (found === undefined) throw new Error(`no topic ${name}`);
  return found;
}

let give: OwnershipChange = () => Promise.resolve();
let left = new Set<string>();
let isRead = Promise.withResolvers<void>();
let records = 0;
/** The topic that is read at the moment, by its id. */
let reading = "";

function reached(topicId: string, what: string, partition: number, at: number): void {
  if (topicId !== reading || at < ends[partition].end) return;
  left.delete(`${what}/${partition}`);
  if (left.size === 0) isRead.resolve();
}

const engine = await startEngine({
  config,
  log: { ends: () => Promise.resolve(ends), readerSpec: (_, partition) => data.log.readerSpec(topic, partition) },
  membership: {
    start(onChange) {
      give = onChange;
      return onChange([]);
    },
    reached: () => {},
    status: () => ({ group: null, state: "joined", partitions: topic.partitions, changes: 1 }),
    leave: () => Promise.resolve(),
  },
  store: data.store,
  archive: data.archive,
  archivesAtEnd: true,
  onNotice: console.error,
  onFlush: ({ topicId, partition, at, totals }) => {
    if (topicId === topic.id) records += totals.consumed;
    reached(topicId, "minutes", partition, at);
  },
  onArchived: ({ topicId, partition, to }) => reached(topicId, "archive", partition, to),
});

/** Until every record is stored, in seconds. */
async function readAll(as: Topic): Promise<number> {
  const what = mode === "archive" ? ["minutes", "archive"] : ["minutes"];
  const full = ends.filter(({ end }) => end > 0);
  left = new Set(what.flatMap((each) => full.map(({ partition }) => `${each}/${partition}`)));
  isRead = Promise.withResolvers();
  reading = as.id;
  const before = performance.now();
  await give(full.map(({ partition }) => ({ topic: as, partition })));
  await isRead.promise;
  return (performance.now() - before) / 1000;
}

await readAll({ ...topic, id: crypto.randomUUID(), name: `${name}-warm` });
const cpuBefore = process.cpuUsage();
const seconds = await readAll(topic);
const cpu = process.cpuUsage(cpuBefore);
if (records !== goal) throw new Error(`${records} of ${goal} records are stored`);
await engine.stop();
await writeMinutes(data.store, topic.id, shapeNamed(shape), file);
await data.close();
console.log(JSON.stringify({
  records,
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}));
Deno.exit(0);
