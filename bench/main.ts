/**
 * Ours and the peers', side by side: each contender a process of its own, in turn, and all must count the same.
 * Run: deno task bench [--only scan,sketch,log,dev,cluster,cassandra,spark,patterns] [--records N] [--runs N] [--seconds N] [--json FILE]
 */
import { Command } from "commander";
import { z } from "zod";
import { measureCluster } from "./cluster.ts";
import { measureDev } from "./dev.ts";
import { prepare } from "./prepare.ts";
import { measureSpark } from "./spark.ts";

const root = new URL("../", import.meta.url).pathname;
const out = new URL("./out/", import.meta.url).pathname;

const runLine = z.object({
  records: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakRssBytes: z.number(),
  check: z.array(z.number()),
});
type Run = z.infer<typeof runLine>;

const options = new Command("bench")
  .description("Ours and the peers', side by side")
  .option(
    "--only <names>",
    "which benches: scan, sketch, log, dev, cluster, cassandra, spark, patterns",
    "scan,sketch,log,dev",
  )
  .option("--records <n>", "records of the benches log and spark", "4000000")
  .option("--runs <n>", "runs of each contender", "5")
  .option("--codec <name>", "how the bench spark has its topic compressed", "none")
  .option("--seconds <n>", "length of the benches dev and cluster", "60")
  .option("--json <file>", "also write the figures as JSON")
  .parse(["deno", "bench", ...Deno.args])
  .opts<{ only: string; records: string; runs: string; codec: string; seconds: string; json?: string }>();

/** Runs one process and reads the JSON of its last line. */
async function run(command: string, args: readonly string[]): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd: root }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${code}\n${new TextDecoder().decode(stderr)}`);
  return runLine.parse(JSON.parse(lines[lines.length - 1]));
}

/** Whether the command could be run and ended well. */
async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    const { code } = await new Deno.Command(command, { args: [...args], stdout: "null", stderr: "null" }).output();
    return code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Python with chdb in a virtual environment of the bench's own, or null with the reason printed. */
async function clickhousePython(): Promise<string | null> {
  const python = `${out}venv/bin/python`;
  if (await succeeds(python, ["-c", "import chdb"])) return python;
  const isMade = await succeeds("python3", ["-m", "venv", `${out}venv`]);
  if (isMade && await succeeds(python, ["-m", "pip", "install", "-q", "chdb==4.4.0"])) return python;
  console.log("ClickHouse is left out: chdb could not be installed (it needs python3 with venv and pip)");
  return null;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function benchLog(records: number, runs: number) {
  await Deno.mkdir(out, { recursive: true });
  const directory = await prepare(records);
  const deno = (file: string, ...args: string[]) => () =>
    run(Deno.execPath(), ["run", "-A", "--no-check", file, directory, String(records), ...args]);
  const contenders = new Map<string, () => Promise<Run>>([
    ["Millrace, embedded log, 2 workers, with quantiles", deno("bench/contenders/ours.ts")],
    ["DuckDB, 2 threads", deno("bench/contenders/duckdb.ts")],
    ["DuckDB, 2 threads, with quantiles", deno("bench/contenders/duckdb.ts", "quantiles")],
  ]);
  const python = await clickhousePython();
  if (python !== null) {
    const clickhouse = (...args: string[]) => () =>
      run(python, ["bench/contenders/clickhouse.py", directory, String(records), ...args]);
    contenders.set("ClickHouse (chdb), 2 threads", clickhouse());
    contenders.set("ClickHouse (chdb), 2 threads, with quantiles", clickhouse("quantiles"));
  }
  const results = new Map<string, Run[]>();
  let check = "";
  for (let round = 0; round < runs; round++) {
    for (const [name, start] of contenders) {
      const result = await start();
      check ||= JSON.stringify(result.check);
      if (JSON.stringify(result.check) !== check) throw new Error(`${name} counts ${result.check}, not ${check}`);
      results.set(name, [...results.get(name) ?? [], result]);
    }
  }
  const [[, ours]] = results;
  const rows = [...results].map(([name, list]) => {
    const rates = list.map((result) => result.records / result.seconds / 1e6);
    const ratios = list.map((result, i) => result.seconds / ours[i].seconds);
    return {
      name,
      min: Math.min(...rates),
      median: median(rates),
      max: Math.max(...rates),
      oursIsFasterBy: median(ratios),
      cpuSeconds: median(list.map(({ cpuSeconds }) => cpuSeconds)),
      peakRssMegabytes: median(list.map(({ peakRssBytes }) => peakRssBytes / 1e6)),
    };
  });
  console.log(`\n## The embedded log: ${records} records, ${runs} runs each, alternating; M records/s\n`);
  console.log(
    "| contender | min | median | max | ours is faster by | CPU s | peak RSS, MB |\n|---|---|---|---|---|---|---|",
  );
  for (const row of rows) {
    console.log(
      `| ${row.name} | ${row.min.toFixed(2)} | ${row.median.toFixed(2)} | ${row.max.toFixed(2)} | ` +
        `${row.oursIsFasterBy.toFixed(2)} | ${row.cpuSeconds.toFixed(2)} | ${row.peakRssMegabytes.toFixed(0)} |`,
    );
  }
  return rows;
}

/** Runs a bench that is a script: it prints a table or, with --json, its figures. */
async function benchScript(title: string, file: string): Promise<unknown> {
  const output = async (...args: string[]): Promise<string> => {
    const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", file, ...args], cwd: root });
    const { code, stdout, stderr } = await command.output();
    if (code !== 0) throw new Error(`${file}: exit ${code}\n${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  };
  console.log(`\n## ${title}\n\n${await output()}`);
  return options.json === undefined ? null : JSON.parse(await output("--json"));
}

const figures: Record<string, unknown> = { deno: Deno.version.deno, cores: navigator.hardwareConcurrency };
for (const name of options.only.split(",")) {
  if (name === "scan") figures.scan = await benchScript("Parsing and aggregation, one core", "bench/scan.ts");
  else if (name === "sketch") figures.sketch = await benchScript("Quantile sketches, one core", "bench/sketch.ts");
  else if (name === "log") figures.log = await benchLog(Number(options.records), Number(options.runs));
  else if (name === "dev") figures.dev = await measureDev(Number(options.seconds));
  else if (name === "cassandra") figures.cassandra = await benchScript("Writing to Cassandra", "bench/cassandra.ts");
  else if (name === "cluster") figures.cluster = await measureCluster(Number(options.seconds));
  else if (name === "patterns") {
    figures.patterns = await benchScript("Grouping of messages, one core", "bench/patterns.ts");
  } else if (name === "spark") {
    figures.spark = await measureSpark(Number(options.records), Number(options.runs), options.codec);
  } else throw new Error(`no bench is called ${name}: scan, sketch, log, dev, cluster, cassandra, spark, patterns`);
}
if (options.json !== undefined) await Deno.writeTextFile(options.json, JSON.stringify(figures, null, 2) + "\n");
