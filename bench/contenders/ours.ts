/**
 * The engine over an existing embedded log: DIR RECORDS [WORKERS [PASSES]]. Prints one JSON line. With several passes the log
 * is read again and again, as topics of their own, and resident memory is told after each. The log of a first, untimed run warms the
 * workers up, as the other contenders are warmed by a first query.
 */
import process from "node:process";
import { configSchema } from "../../core/config/schema.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";

const [directory, , workers = "2", passes = "1"] = Deno.args;
await Deno.remove(`${directory}/store`, { recursive: true }).catch(() => {});
const config = configSchema.parse({ data: directory, engine: { workers: Number(workers), events: "off" } });
const log = await openEmbeddedLog({ dataDirectory: directory, settings: config.log });
const store = await openStore("duckdb", config);

/** The log as the engine sees it: topics appear one after the other. */
const visible: Topic[] = [];
/** By the id of a topic that stands for another one's records: that other. */
const real = new Map<string, Topic>();
/** When the engine took the newest topic up: it looks for topics every 250 ms. */
let taken: number | null = null;
const engine = await startEngine({
  config,
  membership: new SoleMembership({ listTopics: () => Promise.resolve(visible) }, console.error),
  log: {
    ends: () => Promise.resolve([]),
    readerSpec(topic, partition) {
      taken ??= performance.now();
      return log.readerSpec(real.get(topic.id) ?? topic, partition);
    },
  },
  store,
  onNotice: (message) => console.error(message),
});

async function readAll(name: string, pass = 0): Promise<number> {
  const topic = await log.findTopic(name);
  if (topic === undefined) throw new Error(`no topic ${name} in ${directory}`);
  const total = (await log.ends(topic)).reduce((sum, { end }) => sum + end, 0);
  const before = engine.status().recordsTotal;
  taken = null;
  const shown = pass === 0 ? topic : { ...topic, id: `${topic.id}#${pass}`, name: `${name}-${pass}` };
  real.set(shown.id, topic);
  visible.splice(0, visible.length, shown); // what was read is let go of
  // What the store has accepted, as the engine counts it: asking the store would take the time of the workers' cores.
  while (engine.status().recordsTotal < before + total) await new Promise((resolve) => setTimeout(resolve, 5));
  return total;
}

await readAll("warm");
const cpuBefore = process.cpuUsage();
const records = await readAll("bench");
const seconds = (performance.now() - (taken ?? NaN)) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const resident = [Deno.memoryUsage().rss];
for (let pass = 1; pass < Number(passes); pass++) {
  await readAll("bench", pass);
  resident.push(Deno.memoryUsage().rss);
}
const allCpu = process.cpuUsage(cpuBefore);
const topic = await log.findTopic("bench");
const range = { fromMs: 0, toMs: Date.UTC(2100, 0) };
const summary = topic === undefined ? null : await store.summary({ topicId: topic.id, range, apisMax: 100, where: [] });
console.log(JSON.stringify({
  records,
  seconds,
  cpuSeconds: (cpu.user + cpu.system) / 1e6,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
  check: [summary?.totals.count, summary?.totals.errors],
  passesCpuSeconds: (allCpu.user + allCpu.system) / 1e6,
  ...(Number(passes) > 1 ? { resident } : {}),
}));
await engine.stop();
await store.close();
await log.close();
Deno.exit(0);
