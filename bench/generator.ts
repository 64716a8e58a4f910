/**
 * How fast the generator draws, writes and packs records, on one core, by the CPU time of this process: other work on the
 * machine does not count.
 * Run: deno run -A bench/generator.ts
 */
import process from "node:process";
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import { SCENARIOS } from "../generator/scenarios/registry.ts";
import { RECORD_ROOM_BYTES, type Scenario } from "../generator/scenarios/scenario.ts";
import { readScript } from "../generator/script/load.ts";
import { simulate } from "../generator/simulation.ts";

const RECORDS = 1_000_000;
const ROUNDS = 5;
const BATCH_BYTES = 512 * 1024;
const START_MS = Date.UTC(2026, 2, 2);

const SCRIPT = `
incidents:
  - { kind: error_burst, from: +10m, for: 30m }
  - { kind: latency_step, from: +1h, for: 30m }
  - { kind: traffic_drop, service: payments, from: +2h, for: 1h }
`;

/** Million records a second of CPU time: the median of some rounds. */
function rateOf(run: () => number): string {
  const rates = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    const records = run();
    const { user, system } = process.cpuUsage(before);
    return records / (user + system);
  });
  return rates.sort((a, b) => a - b)[ROUNDS >> 1].toFixed(2);
}

function draw(scenario: Scenario): number {
  const { incidents } = readScript(SCRIPT, "bench", START_MS);
  const hours = 24;
  let records = 0;
  const rate = RECORDS / (hours * 3600);
  simulate(
    { scenario, seed: 1, rate, fromMs: START_MS, toMs: START_MS + hours * 3_600_000, incidents },
    () => records++,
  );
  return records;
}

function write(scenario: Scenario): number {
  const writer = scenario.create(1);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  for (let i = 0; i < RECORDS; i++) writer.write(0, i, START_MS + i, out, 0);
  return RECORDS;
}

function pack(scenario: Scenario): number {
  const writer = scenario.create(1);
  const builder = new RecordBatchBuilder(BATCH_BYTES);
  const out = new Uint8Array(RECORD_ROOM_BYTES);
  for (let i = 0; i < RECORDS; i++) {
    builder.add(out, START_MS + i, null, 0, writer.write(0, i, START_MS + i, out, 0));
    if (builder.sizeBytes > BATCH_BYTES - 2 * RECORD_ROOM_BYTES) builder.finish();
  }
  return RECORDS;
}

console.log("| million records/s of one core | drawn | written | packed into batches |\n| --- | --- | --- | --- |");
for (const scenario of SCENARIOS) {
  const figures = [draw, write, pack].map((way) => rateOf(() => way(scenario)));
  console.log(`| ${scenario.name} | ${figures.join(" | ")} |`);
}
