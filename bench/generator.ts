/**
 * How fast the generator draws, writes and packs records, and feeds them to the embedded log and to Kafka (if
 * KAFKA_BROKERS names one), by the CPU time of this process: other work on the machine does not count. What waits for a
 * disk or a broker is in the other figure, records a second of the clock.
 * Run: KAFKA_BROKERS=127.0.0.1:9092 deno run -A bench/generator.ts
 */
import process from "node:process";
import { type Config, configSchema } from "../core/config/schema.ts";
import type { PartitionedLog } from "../core/log/partitioned_log.ts";
import { openEmbeddedLog, openKafkaLog } from "../core/log/registry.ts";
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import { FLAT } from "../generator/curve.ts";
import { startGenerator } from "../generator/main.ts";
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
  let spare = new Uint8Array(BATCH_BYTES);
  for (let i = 0; i < RECORDS; i++) {
    const start = builder.begin(START_MS + i, RECORD_ROOM_BYTES);
    builder.end(writer.write(0, i, START_MS + i, builder.bytes, start));
    if (builder.sizeBytes > BATCH_BYTES - 2 * RECORD_ROOM_BYTES) {
      spare = new Uint8Array(builder.finish(spare).bytes.buffer);
    }
  }
  return RECORDS;
}

console.log("| million records/s of one core | drawn | written | packed into batches |\n| --- | --- | --- | --- |");
for (const scenario of SCENARIOS) {
  const figures = [draw, write, pack].map((way) => rateOf(() => way(scenario)));
  console.log(`| ${scenario.name} | ${figures.join(" | ")} |`);
}

const FED = 6_000_000;
/** Of these: a new thread compiles its code during the first second, which is no part of a rate. */
const WARM_UP = 1_000_000;
const FED_ROUNDS = 3;

interface Figures {
  readonly perCore: number;
  readonly perSecond: number;
}

/** Feeds records of `api` from one thread, as fast as the log takes them. */
async function feed(config: Config, log: PartitionedLog): Promise<Figures> {
  const traffic = {
    ...{ scenarios: ["api"], rate: 1_000, seed: 1, shape: FLAT, incidents: [], rampMs: 0, burst: null, framing: null },
    pace: { kind: "planned", fromMs: START_MS, toMs: Infinity, speed: Infinity } as const,
    count: FED,
    workers: 1,
  };
  const generator = await startGenerator({ config, log, traffic, onNotice: console.error });
  while (generator.produced() < WARM_UP) await new Promise((resolve) => setTimeout(resolve, 5));
  const first = generator.produced();
  const beganMs = performance.now();
  const before = process.cpuUsage();
  await generator.finished;
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - beganMs) / 1000;
  await generator.stop();
  return { perCore: (FED - first) / (user + system), perSecond: (FED - first) / seconds / 1e6 };
}

async function embedded(): Promise<Figures> {
  const data = await Deno.makeTempDir();
  const config = configSchema.parse({ data });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  const figures = await feed(config, log);
  await log.close();
  await Deno.remove(data, { recursive: true });
  return figures;
}

async function kafka(brokers: readonly string[], compression: string): Promise<Figures> {
  const config = configSchema.parse({ kafka: { brokers, compression } });
  const log = await openKafkaLog({ access: config.kafka, recordBytesMax: 1024 * 1024 });
  await log.deleteTopic("app-logs");
  const figures = await feed(config, log);
  await log.close();
  return figures;
}

console.log(
  `\n| ${(FED - WARM_UP) / 1e6} million records of \`api\` into | million/s of one core | million/s of the clock |`,
);
console.log("| --- | --- | --- |");
const brokers = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((address) => address !== "");
const targets: Readonly<Record<string, () => Promise<Figures>>> = {
  "the embedded log": embedded,
  ...(brokers.length === 0 ? {} : {
    "Kafka, lz4": () => kafka(brokers, "lz4"),
    "Kafka, uncompressed": () => kafka(brokers, "none"),
  }),
};
for (const [name, run] of Object.entries(targets)) {
  const rounds: Figures[] = [];
  for (let round = 0; round < FED_ROUNDS; round++) rounds.push(await run());
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[FED_ROUNDS >> 1].toFixed(2);
  const cells = [rounds.map(({ perCore }) => perCore), rounds.map(({ perSecond }) => perSecond)].map(median);
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
