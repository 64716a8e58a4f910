/**
 * The engine by itself, from the embedded log: with one worker and two; the same records in few partitions and in many;
 * the same partition among few and among many; resident memory over many records; pauses of the garbage collector.
 * Run: deno task bench --only engine [--records N] [--runs N] [--passes N]
 */
import { median, type Run, runLine } from "./peers/runs.ts";
import { prepare } from "./prepare.ts";
import { taskCommand } from "../tests/faults/task_command.ts";

const contender = new URL("./contenders/ours.ts", import.meta.url).pathname;
const PARTITIONS = [4, 16, 64, 256];
/** Of the partitions that are compared one by one: as four partitions of a topic have them, for a minute. */
const PARTITION_RECORDS = 25_000;
const PARTITION_RECORDS_PER_MINUTE = 25_000;
/** Workers are compared over so many times the records: the wait for a run's last flush is the same with any of them. */
const WORKER_TIMES = 4;

/**
 * Runs the engine with the flags of its task and more; what V8 traces stands on standard output, too. With `isOnOneCore` the
 * whole process has a single one.
 */
async function runEngine(
  args: readonly string[],
  { trace = false, isOnOneCore = false } = {},
): Promise<{ run: Run; pausesMs: number[] }> {
  const { args: task, env } = await taskCommand("engine");
  const flags = task.find((flag) => flag.startsWith("--v8-flags=")) ?? "--v8-flags=";
  const command = ["run", "-A", "--no-check", trace ? `${flags},--trace-gc` : flags, contender, ...args];
  const [program, ...before] = isOnOneCore ? ["taskset", "-c", "0", Deno.execPath()] : [Deno.execPath()];
  const { code, stdout, stderr } = await new Deno.Command(program, { args: [...before, ...command], env }).output();
  const output = new TextDecoder().decode(stdout);
  if (code !== 0) throw new Error(`the engine ended with ${code}\n${new TextDecoder().decode(stderr)}`);
  const [line] = /\{"records".*\}/.exec(output) ?? [""]; // behind what V8 traces at the time
  // [pid:isolate] 123 ms: Scavenge 8.0 (9.9) -> 7.1 (10.1) MB, pooled: 0.0 MB, 1.33 / 0.00 ms …
  const pausesMs = [
    ...output.matchAll(/ms: (?:Scavenge|(?:Incremental )?Mark-Compact|Minor).*?MB, (?:pooled: .*?MB, )?([\d.]+) \/ /g),
  ]
    .map(([, pause]) => Number(pause));
  return { run: runLine.parse(JSON.parse(line)), pausesMs };
}

const rateOf = ({ records, seconds }: Run) => records / seconds / 1e6;

export interface EngineOptions {
  readonly records: number;
  readonly runs: number;
  /** How often all records are read, for the memory. */
  readonly passes: number;
}

/** One worker with a core for all that the process does, one with the other core for what is beside it, and two workers. */
const WORKER_CASES = [
  { what: "1 worker, one core", workers: 1, isOnOneCore: true },
  { what: "1 worker, all cores", workers: 1, isOnOneCore: false },
  { what: "2 workers, all cores", workers: 2, isOnOneCore: false },
] as const;

async function measureWorkers(options: EngineOptions) {
  const { runs } = options;
  const records = options.records * WORKER_TIMES;
  const directory = await prepare(records);
  const rates: number[][] = WORKER_CASES.map(() => []);
  for (let round = 0; round < runs; round++) {
    for (const [n, { workers, isOnOneCore }] of WORKER_CASES.entries()) {
      const { run } = await runEngine([directory, String(records), String(workers)], { isOnOneCore });
      rates[n].push(rateOf(run));
    }
  }
  const medians = rates.map(median);
  const two = medians[medians.length - 1];
  console.log(`\n## Workers, ${records} records of the embedded log, ${runs} runs each, in turns\n`);
  console.log(`| | M records/s | two workers are faster by |\n|---|---|---|`);
  return WORKER_CASES.map(({ what }, n) => {
    console.log(`| ${what} | ${medians[n].toFixed(2)} | ${(two / medians[n]).toFixed(2)} |`);
    return { what, rate: medians[n], ratio: two / medians[n] };
  });
}

async function measurePartitions({ records, runs }: EngineOptions) {
  const directories = new Map<number, string>();
  for (const partitions of PARTITIONS) directories.set(partitions, await prepare(records, partitions));
  const found = new Map<number, Run[]>(PARTITIONS.map((partitions) => [partitions, []]));
  for (let round = 0; round < runs; round++) {
    for (const [partitions, directory] of directories) {
      found.get(partitions)?.push((await runEngine([directory, String(records)])).run);
    }
  }
  console.log(`\n## Partitions, ${records} records of the embedded log, 2 workers, ${runs} runs each, in turns\n`);
  console.log("| partitions | M records/s | CPU, µs a record | peak RSS, MB |\n|---|---|---|---|");
  return [...found].map(([partitions, list]) => {
    const row = {
      partitions,
      rate: median(list.map(rateOf)),
      cpuMicros: median(list.map(({ cpuSeconds }) => cpuSeconds / records * 1e6)),
      peakRssMegabytes: median(list.map(({ peakRssBytes }) => peakRssBytes / 1e6)),
    };
    console.log(
      `| ${partitions} | ${row.rate.toFixed(2)} | ${row.cpuMicros.toFixed(2)} | ${row.peakRssMegabytes.toFixed(0)} |`,
    );
    return row;
  });
}

/** The same partition, with as many records a minute and of as many kinds, few times and many: what each costs. */
async function measurePartitionCost(runs: number) {
  const most = Math.max(...PARTITIONS);
  const directories = new Map<number, string>();
  for (const partitions of PARTITIONS) {
    const records = partitions * PARTITION_RECORDS;
    directories.set(partitions, await prepare(records, partitions, partitions * PARTITION_RECORDS_PER_MINUTE));
  }
  const found = new Map<number, number[]>(PARTITIONS.map((partitions) => [partitions, []]));
  for (let round = 0; round < runs; round++) {
    for (const [partitions, directory] of directories) {
      // As many partitions in all, a few at a time: each time a topic of its own.
      const args = [directory, String(partitions * PARTITION_RECORDS), "2", String(most / partitions)];
      const { run } = await runEngine(args);
      found.get(partitions)?.push((run.passesCpuSeconds ?? NaN) * 1000 / most);
    }
  }
  console.log(
    `\n## A partition of ${PARTITION_RECORDS} records, ${PARTITION_RECORDS_PER_MINUTE} a minute, among so many, ${runs} runs each, in turns\n`,
  );
  console.log("| partitions | CPU, ms a partition |\n|---|---|");
  return [...found].map(([partitions, list]) => {
    const row = { partitions, cpuMillis: median(list) };
    console.log(`| ${partitions} | ${row.cpuMillis.toFixed(1)} |`);
    return row;
  });
}

async function measureMemory(directory: string, { records, passes }: EngineOptions) {
  const { run, pausesMs } = await runEngine([directory, String(records), "2", String(passes)], {
    trace: true,
  });
  const resident = (run.resident ?? []).map((bytes) => Math.round(bytes / 1e6));
  const sorted = pausesMs.toSorted((a, b) => a - b);
  const at = (q: number) => sorted[Math.ceil(q * (sorted.length - 1))];
  console.log(`\n## Memory and pauses over ${passes} × ${records} records, 2 workers\n`);
  console.log(`Resident after each pass, MB: ${resident.join(" ")}; at most ${(run.peakRssBytes / 1e6).toFixed(0)}.\n`);
  console.log(
    `${sorted.length} pauses of the collector: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms, together ${
      (sorted.reduce((a, b) => a + b, 0) / 1000).toFixed(1)
    } s.`,
  );
  return { resident, peakRssBytes: run.peakRssBytes, pauses: { p50: at(0.5), p99: at(0.99), max: at(1) } };
}

export async function measureEngine(options: EngineOptions): Promise<unknown> {
  const directory = await prepare(options.records);
  return {
    workers: await measureWorkers(options),
    partitions: await measurePartitions(options),
    partitionCost: await measurePartitionCost(options.runs),
    memory: await measureMemory(directory, options),
  };
}
