/** Who reads a topic of Kafka side by side with the engine, and how each is run. docs in bench/README.md. */
import { DuckDBInstance } from "@duckdb/node-api";
import { configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";
import { startProgram } from "../../tests/program_process.ts";
import { mavenLibrary } from "../../tests/services/maven.ts";
import { pythonEnvironment } from "../../tests/services/python.ts";
import { run as runCommand } from "../../tests/services/run.ts";
import { PEERS } from "../../tests/services/versions.ts";
import { type Contender, type Run, runLine, runProcess } from "./runs.ts";
import { compareMinutes, type Minutes, readMinutes, totalsOf, writeMinutes } from "./minutes.ts";
import { type ShapeName, SHAPES } from "./shapes.ts";

const root = new URL("../../", import.meta.url).pathname;

export interface Task {
  readonly brokers: string;
  readonly topic: string;
  readonly topicId: string;
  readonly shape: ShapeName;
  readonly records: number;
  readonly mode: "minutes" | "archive";
  readonly directory: string;
}

export const PEER_NAMES = ["walk", "spark", "flink", "jvm", "kafkajs"] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** Ours and the peers over one topic: all must have the same minutes, or the run fails. */
export async function contendersOf(task: Task, peers: readonly PeerName[]): Promise<Contender[]> {
  const checked = new Checked(task);
  const list: Contender[] = [
    { name: "Millrace, warm", run: () => checked.run("Millrace", (file) => runWarm(task, file)) },
    {
      name: "Millrace, a new process",
      run: () => checked.run("a new Millrace", (file) => runNew(task, file)),
    },
  ];
  const args = (file: string) => [task.brokers, task.topic, task.shape, file];
  for (const peer of peers) {
    if (task.mode === "archive" && peer !== "spark") continue; // the others keep no events
    if (peer === "walk") {
      const file = root + "bench/contenders/walk.ts";
      list.push({
        name: "Millrace without parsing and counting, warm",
        run: () => runProcess(Deno.execPath(), ["run", "-A", "--no-check", file, task.brokers, task.topic]),
      });
    } else if (peer === "kafkajs") {
      const program = ["run", "-A", "--no-check", root + "bench/contenders/kafkajs.ts"];
      const run = (file: string) => runProcess(Deno.execPath(), [...program, ...args(file)]);
      list.push({ name: "kafkajs, JSON.parse, 2 workers", run: () => checked.run("kafkajs", run) });
    } else if (peer === "jvm") {
      const classPath = await compile("JvmMinutes", "jvm-minutes", PEERS.kafkaClients, [
        "org.apache.kafka:kafka-clients",
        `com.fasterxml.jackson.core:jackson-core:${PEERS.jackson}`,
      ]);
      const flags = ["-Xmx1g", "-XX:+UseParallelGC", "-cp", classPath, "JvmMinutes"];
      const run = (file: string) => runProcess("java", [...flags, ...args(file)]);
      const how = task.shape === "access" ? "an expression" : `Jackson ${PEERS.jackson}`;
      list.push({ name: `JVM consumer, ${how}, warm`, run: () => checked.run("the JVM consumer", run) });
    } else if (peer === "flink") {
      const flink = [
        "clients",
        "connector-base",
        "json",
        "table-api-java-bridge",
        "table-planner-loader",
        "table-runtime",
      ];
      const classPath = await compile("FlinkMinutes", "flink", PEERS.flink, [
        ...flink.map((name) => `org.apache.flink:flink-${name}`),
        `org.apache.flink:flink-connector-kafka:${PEERS.flinkKafka}`,
      ]);
      const opens = ["java.base/java.util=ALL-UNNAMED", "java.base/java.lang=ALL-UNNAMED"];
      const flags = [...opens.flatMap((what) => ["--add-opens", what]), "-Xmx4g", "-cp", classPath, "FlinkMinutes"];
      const run = (file: string) => runProcess("java", [...flags, ...args(file)]);
      list.push({ name: `Flink SQL ${PEERS.flink}, warm`, run: () => checked.run("Flink", run) });
    } else {
      const programs = await pythonEnvironment([`pyspark==${PEERS.spark}`]);
      const library = await mavenLibrary("spark-kafka", PEERS.spark, ["org.apache.spark:spark-sql-kafka-0-10_2.12"]);
      const jars = jarsIn(library).join();
      const out = `${task.directory}/spark`;
      const script = `${root}bench/contenders/spark.py`;
      const run = (file: string) =>
        runProcess(`${programs}/python`, [script, ...args(file), jars, out, task.mode]).finally(() =>
          Deno.remove(out, { recursive: true }).catch(() => {})
        );
      list.push({ name: `Spark ${PEERS.spark}, warm`, run: () => checked.run("Spark", run) });
    }
  }
  return list;
}

/** Holds each run's minutes against those of the first, and its count against the topic's. */
class Checked {
  readonly #task: Task;
  #first: Minutes | null = null;

  constructor(task: Task) {
    this.#task = task;
  }

  async run(name: string, run: (file: string) => Promise<Run>): Promise<Run> {
    const { directory, records, mode } = this.#task;
    const file = `${directory}/minutes.ndjson`;
    const found = await run(file);
    const minutes = await readMinutes(file);
    const { count } = totalsOf(minutes);
    if (found.records !== records || count !== records) {
      throw new Error(`${name} counts ${count} of ${records} records, and says ${found.records}`);
    }
    if (mode === "archive" && found.archived !== records) throw new Error(`${name} keeps ${found.archived} events`);
    if (this.#first === null) this.#first = minutes;
    else compareMinutes(this.#first, minutes, name);
    return found;
  }
}

const jarsIn = (directory: string): string[] =>
  [...Deno.readDirSync(directory)].filter(({ name }) => name.endsWith(".jar")).map(({ name }) =>
    `${directory}/${name}`
  );

/** Compiles a contender against jars of Maven Central; answers the class path to run it with. */
async function compile(name: string, library: string, version: string, artifacts: readonly string[]): Promise<string> {
  const jars = jarsIn(await mavenLibrary(library, version, artifacts));
  const classes = new URL(`../out/classes/${name}`, import.meta.url).pathname;
  await Deno.mkdir(classes, { recursive: true });
  const classPath = [classes, ...jars].join(":");
  const { code, output } = await runCommand("javac", [
    "-d",
    classes,
    "-cp",
    classPath,
    `${root}bench/contenders/${name}.java`,
  ]);
  if (code !== 0) throw new Error(`${name}.java does not compile:\n${output}`);
  return classPath;
}

/** As the tasks run engines (deno.json). */
const ENGINE_FLAGS = "--v8-flags=--max-semi-space-size=2";
const ENGINE_ENV = {
  DUCKDB_JE_MALLOC_CONF: "dirty_decay_ms:200,muzzy_decay_ms:0,narenas:2",
  MALLOC_TRIM_THRESHOLD_: "1048576",
};

/** An engine that reads the topic a second time, with its partitions given to it. */
async function runWarm({ brokers, topic, shape, mode, directory }: Task, file: string): Promise<Run> {
  const data = `${directory}/ours`;
  await Deno.remove(data, { recursive: true }).catch(() => {});
  const program = ["run", "-A", "--no-check", ENGINE_FLAGS, root + "bench/contenders/ours_kafka.ts"];
  const found = await runProcess(Deno.execPath(), [...program, brokers, topic, shape, file, data, mode], ENGINE_ENV);
  return mode === "archive" ? { ...found, ...await countArchived(`${data}/archive/events/topic=${topic}`) } : found;
}

/** The engine as a process of its own, from the beginning of its work, joining its group included. */
async function runNew({ brokers, topic, topicId, shape, mode, directory }: Task, file: string): Promise<Run> {
  const data = `${directory}/ours`;
  await Deno.remove(data, { recursive: true }).catch(() => {});
  const flags = ["--until-end", "--store", "duckdb", "--data", data, "--workers", "2"];
  const program = await startProgram("engine", flags, {
    KAFKA_BROKERS: brokers,
    MILLRACE_KAFKA_TOPICS: topic,
    MILLRACE_KAFKA_GROUP_ID: `bench-${crypto.randomUUID()}`,
    MILLRACE_ENGINE_EVENTS: mode === "archive" ? "archive" : "off",
    MILLRACE_ENGINE_FINAL_MINUTES: "off",
  });
  const { code, stdout, stderr } = await program.ended;
  if (code !== 0) throw new Error(`engine: exit ${code}\n${stderr}`);
  const store = await openStore("duckdb", configSchema.parse({ data }));
  await writeMinutes(store, topicId, SHAPES[shape], file);
  await store.close();
  const archived = mode === "archive" ? await countArchived(`${data}/archive/events`) : {};
  return { ...runLine.parse(JSON.parse(stdout)), ...archived };
}

async function countArchived(folder: string): Promise<{ archived: number; archivedBytes: number }> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const answer = await connection.runAndReadAll(
    `SELECT (SELECT count(*) FROM read_parquet('${folder}/**/*.parquet'))::DOUBLE,
       (SELECT sum(size) FROM read_blob('${folder}/**/*.parquet'))::DOUBLE`,
  );
  connection.closeSync();
  instance.closeSync();
  const [[rows, bytes]] = answer.getRowsJS();
  return { archived: Number(rows), archivedBytes: Number(bytes) };
}
