/**
 * Ours and the peers', side by side: each contender a process of its own, in turn, and all must count the same.
 * Run: deno task bench [--only scan,sketch,log,kafka,dev,cluster,cassandra,patterns,dashboard] [--records N] [--runs N]
 *      [--topics json,lz4,…] [--peers spark,flink,…] [--seconds N] [--json FILE] [--chart FILE]
 */
import { Command } from "commander";
import { measureCluster } from "./cluster.ts";
import { measureDev } from "./dev.ts";
import { measureEngine } from "./engine.ts";
import { measureGateway } from "./gateway.ts";
import { chartOf } from "./peers/chart.ts";
import { PEER_NAMES } from "./peers/contenders.ts";
import { COURSE_NAMES, measureFromKafka } from "./peers/from_kafka.ts";
import { compare, type Comparison, type Contender, runProcess } from "./peers/runs.ts";
import { prepare } from "./prepare.ts";

const root = new URL("../", import.meta.url).pathname;
const out = new URL("./out/", import.meta.url).pathname;

const BENCHES = [
  "scan",
  "sketch",
  "log",
  "kafka",
  "dev",
  "cluster",
  "cassandra",
  "gateway",
  "engine",
  "stages",
  "patterns",
  "dashboard",
];

interface Options {
  readonly only: string;
  readonly records: string;
  readonly runs: string;
  readonly topics: string;
  readonly peers: string;
  readonly passes: string;
  readonly rows: string;
  readonly seconds: string;
  readonly json?: string;
  readonly chart?: string;
}

const options = new Command("bench")
  .description("Ours and the peers', side by side")
  .option(
    "--only <names>",
    `which benches: ${BENCHES.join(", ")}`,
    "scan,sketch,log,dev",
  )
  .option("--records <n>", "records of the benches log, kafka and engine", "2000000")
  .option("--runs <n>", "runs of each contender", "5")
  .option("--topics <names>", "topics of the bench kafka", COURSE_NAMES.join())
  .option("--peers <names>", "peers of the bench kafka", PEER_NAMES.join())
  .option("--passes <n>", "how often the bench engine reads its records for the memory", "13")
  .option("--rows <n>", "minute rows of the bench gateway", "10000000")
  .option("--seconds <n>", "length of the benches dev and cluster", "60")
  .option("--json <file>", "also write the figures as JSON")
  .option("--chart <file>", "also write the comparisons of log and kafka as a chart, SVG")
  .parse(["deno", "bench", ...Deno.args])
  .opts<Options>();

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

async function benchLog(records: number, runs: number): Promise<Comparison> {
  await Deno.mkdir(out, { recursive: true });
  const directory = await prepare(records);
  let check = "";
  const contender = (name: string, command: string, args: readonly string[]): Contender => ({
    name,
    async run() {
      const found = await runProcess(
        command,
        [...args.slice(0, -1), directory, String(records), ...args.slice(-1)]
          .filter((arg) => arg !== ""),
      );
      check ||= JSON.stringify(found.check);
      if (JSON.stringify(found.check) !== check) throw new Error(`${name} counts ${found.check}, not ${check}`);
      return found;
    },
  });
  const deno = (name: string, file: string, arg = "") =>
    contender(name, Deno.execPath(), ["run", "-A", "--no-check", `${root}${file}`, arg]);
  const contenders = [
    deno("Millrace, 2 workers, with quantiles", "bench/contenders/ours.ts"),
    deno("DuckDB, 2 threads", "bench/contenders/duckdb.ts"),
    deno("DuckDB, 2 threads, with quantiles", "bench/contenders/duckdb.ts", "quantiles"),
  ];
  const python = await clickhousePython();
  if (python !== null) {
    const clickhouse = (name: string, arg = "") =>
      contender(name, python, [`${root}bench/contenders/clickhouse.py`, arg]);
    contenders.push(
      clickhouse("ClickHouse (chdb), 2 threads"),
      clickhouse("ClickHouse (chdb), 2 threads, with quantiles", "quantiles"),
    );
  }
  return await compare(`${records} records from the embedded log, of the others from a file`, runs, contenders);
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
const comparisons: Comparison[] = [];
const [records, runs, seconds] = [options.records, options.runs, options.seconds].map(Number);
for (const name of options.only.split(",")) {
  if (name === "scan") figures.scan = await benchScript("Parsing and aggregation, one core", "bench/scan.ts");
  else if (name === "sketch") figures.sketch = await benchScript("Quantile sketches, one core", "bench/sketch.ts");
  else if (name === "log") comparisons.push(await benchLog(records, runs));
  else if (name === "kafka") {
    const [topics, peers] = [options.topics.split(","), options.peers.split(",").filter((peer) => peer !== "")];
    comparisons.push(...await measureFromKafka({ records, runs, topics, peers }));
  } else if (name === "dev") figures.dev = await measureDev(seconds);
  else if (name === "cassandra") figures.cassandra = await benchScript("Writing to Cassandra", "bench/cassandra.ts");
  else if (name === "cluster") figures.cluster = await measureCluster(seconds);
  else if (name === "gateway") figures.gateway = await measureGateway(Number(options.rows), seconds);
  else if (name === "engine") figures.engine = await measureEngine({ records, runs, passes: Number(options.passes) });
  else if (name === "stages") figures.stages = await benchScript("Stages of a record, one core", "bench/stages.ts");
  else if (name === "model") figures.model = await benchScript("Cost of many partitions and engines", "bench/model.ts");
  else if (name === "patterns") {
    figures.patterns = await benchScript("Grouping of messages, one core", "bench/patterns.ts");
  } else if (name === "dashboard") {
    figures.dashboard = await benchScript("The dashboard in Chromium", "bench/dashboard.ts");
  } else throw new Error(`no bench is called ${name}: ${BENCHES.join(", ")}`);
}
if (comparisons.length > 0) figures.comparisons = comparisons;
if (options.json !== undefined) await Deno.writeTextFile(options.json, JSON.stringify(figures, null, 2) + "\n");
if (options.chart !== undefined) await Deno.writeTextFile(options.chart, chartOf(comparisons));
