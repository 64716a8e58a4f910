/**
 * The whole dose of faults: `deno task faults`. Repeat one with SEED=N. Ends with 0 where nothing was lost, nothing
 * counted twice, and flushes of engines that had lost their partitions were refused.
 */
import { up } from "../../services/manager.ts";
import { serviceOf } from "../../services/registry.ts";
import { runClusterFaults } from "./cluster_parts.ts";

const seed = Number(Deno.env.get("SEED") ?? Date.now() % 1_000_000);
const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);

say(`SEED=${seed}`);
const { brokers } = (await up(serviceOf("kafka"))).access;
const { contactPoints } = (await up(serviceOf("cassandra"))).access;
const plan = {
  seed,
  records: 2_000_000,
  seconds: 300,
  partitions: 12,
  engines: 3,
  kills: 30,
  freezes: 10,
  rebalanceSeconds: 60,
  brokerKills: 1,
  storeStopSeconds: 60,
};
const { truth, topic: _topic, ...figures } = await runClusterFaults(plan, { brokers, contactPoints }, say);
say(`${truth.records} records, ${truth.minutes.size} minute cells: 0 lost, 0 twice`);
console.log(JSON.stringify(figures));
if (figures.fenced === 0) console.error("error: no flush was fenced: the faults did not do what they are for");
// Clients of servers that were killed may still wait for them.
Deno.exit(figures.fenced === 0 ? 1 : 0);
