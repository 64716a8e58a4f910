/**
 * The engine and Spark on the same topic of a real Kafka, with the broker on the same cores: minutes alone, and minutes
 * with every event as Parquet. They take turns; ours is a new process each time, Spark is timed when it is warm.
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { z } from "zod";
import { configSchema } from "../core/config/schema.ts";
import { openKafkaLog } from "../core/log/kafka.ts";
import { TopicWriter } from "../core/log/topic_writer.ts";
import { openStore } from "../core/store/registry.ts";
import { startProgram } from "../tests/program_process.ts";
import { up } from "../tests/services/manager.ts";
import { mavenLibrary } from "../tests/services/maven.ts";
import { pythonEnvironment } from "../tests/services/python.ts";
import { serviceOf } from "../tests/services/registry.ts";
import { PEERS } from "../tests/services/versions.ts";
import { recordSource, START_MS } from "./records.ts";

const PARTITIONS = 4;
const root = new URL("../", import.meta.url).pathname;

const oursLine = z.object({
  records: z.number(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  peakRssBytes: z.number(),
});
const sparkLine = oursLine.extend({ check: z.array(z.number()), archivedBytes: z.number() });

interface Run extends z.infer<typeof oursLine> {
  /** Records and errors in the minutes, and events in the archive. */
  readonly check: readonly number[];
  readonly archivedBytes: number;
}

type Mode = "minutes" | "archive";

interface Bench {
  readonly brokers: string;
  readonly topic: string;
  readonly topicId: string;
  readonly directory: string;
  readonly jars: string;
  readonly python: string;
}

async function fill(brokers: string, topic: string, records: number, codec: string): Promise<string> {
  const kafka = configSchema.parse({ kafka: { brokers: brokers.split(","), compression: codec } }).kafka;
  const log = await openKafkaLog({ access: kafka, recordBytesMax: 1024 * 1024 });
  try {
    const made = await log.createTopic(topic, { partitions: PARTITIONS });
    const writer = new TopicWriter(log, made, { batchBytes: 256 * 1024 });
    const [next, encoder] = [recordSource(), new TextEncoder()];
    for (let i = 0; i < records; i++) await writer.write(encoder.encode(next()), START_MS + 3_600_000);
    await writer.flush();
    return made.id;
  } finally {
    await log.close();
  }
}

async function runOurs({ brokers, topic, topicId, directory }: Bench, mode: Mode): Promise<Run> {
  const data = `${directory}/ours`;
  await Deno.remove(data, { recursive: true }).catch(() => {});
  const program = await startProgram("engine", ["--until-end", "--store", "duckdb", "--data", data, "--workers", "2"], {
    KAFKA_BROKERS: brokers,
    MILLRACE_KAFKA_TOPICS: topic,
    MILLRACE_KAFKA_GROUP_ID: `bench-${crypto.randomUUID()}`,
    MILLRACE_ENGINE_EVENTS: mode === "archive" ? "archive" : "off",
    MILLRACE_ENGINE_FINAL_MINUTES: "off",
  });
  const { code, stdout, stderr } = await program.ended;
  if (code !== 0) throw new Error(`engine: exit ${code}\n${stderr}`);
  const figures = oursLine.parse(JSON.parse(stdout));
  const store = await openStore("duckdb", configSchema.parse({ data }));
  const range = { fromMs: START_MS, toMs: START_MS + 86_400_000 };
  const { totals } = await store.summary({ topicId, range, apisMax: 1, where: [] });
  await store.close();
  const { rows, bytes } = mode === "archive" ? await countArchived(`${data}/archive/events`) : { rows: 0, bytes: 0 };
  return { ...figures, check: [totals.count, totals.errors, rows], archivedBytes: bytes };
}

async function countArchived(folder: string): Promise<{ rows: number; bytes: number }> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const answer = await connection.runAndReadAll(
    `SELECT (SELECT count(*) FROM read_parquet('${folder}/**/*.parquet'))::DOUBLE,
       (SELECT sum(size) FROM read_blob('${folder}/**/*.parquet'))::DOUBLE`,
  );
  connection.closeSync();
  instance.closeSync();
  const [[rows, bytes]] = answer.getRowsJS();
  return { rows: Number(rows), bytes: Number(bytes) };
}

async function runSpark({ brokers, topic, directory, jars, python }: Bench, mode: Mode): Promise<Run> {
  const args = [`${root}bench/contenders/spark.py`, brokers, topic, jars, `${directory}/spark`, mode];
  const { code, stdout, stderr } = await new Deno.Command(python, { args, stdout: "piped", stderr: "piped" }).output();
  if (code !== 0) throw new Error(`Spark: exit ${code}\n${new TextDecoder().decode(stderr)}`);
  return sparkLine.parse(JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? ""));
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

/** Runs it all, printing a table; answers its rows. */
export async function measureSpark(records: number, runs: number, codec: string): Promise<unknown> {
  const { brokers } = (await up(serviceOf("kafka"))).access;
  const programs = await pythonEnvironment([`pyspark==${PEERS.spark}`]);
  const library = await mavenLibrary("spark-kafka", PEERS.spark, ["org.apache.spark:spark-sql-kafka-0-10_2.12"]);
  const jars = [...Deno.readDirSync(library)].filter(({ name }) => name.endsWith(".jar"));
  const topic = `bench-${crypto.randomUUID().slice(0, 8)}`;
  const directory = await Deno.makeTempDir({ prefix: "millrace-bench-spark-" });
  try {
    const bench: Bench = {
      brokers,
      topic,
      topicId: await fill(brokers, topic, records, codec),
      directory,
      jars: jars.map(({ name }) => `${library}/${name}`).join(),
      python: `${programs}/python`,
    };
    const contenders = [
      ["Millrace, minutes", () => runOurs(bench, "minutes")],
      [`Spark ${PEERS.spark}, warm, minutes`, () => runSpark(bench, "minutes")],
      ["Millrace, minutes and all events as Parquet", () => runOurs(bench, "archive")],
      [`Spark ${PEERS.spark}, warm, minutes and all events as Parquet`, () => runSpark(bench, "archive")],
    ] as const;
    const results = new Map<string, Run[]>();
    for (let round = 0; round < runs; round++) {
      for (const [name, start] of contenders) results.set(name, [...results.get(name) ?? [], await start()]);
    }
    return report(results, records, runs, codec);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function report(results: ReadonlyMap<string, readonly Run[]>, records: number, runs: number, codec: string): unknown {
  const [minutes, sparkMinutes, archive, sparkArchive] = [...results.values()];
  const same = (a: readonly Run[], b: readonly Run[]) => {
    const checks = new Set([...a, ...b].map(({ check }) => JSON.stringify(check)));
    if (checks.size !== 1) throw new Error(`they count differently: ${[...checks].join(" and ")}`);
  };
  same(minutes, sparkMinutes);
  same(archive, sparkArchive);
  console.log(`\n## From Kafka: ${records} records, batches ${codec}, ${runs} runs each, in turns; k records/s\n`);
  console.log("| contender | min | median | max | of ours | CPU s | peak RSS, MB | archived, MB |");
  console.log("|---|---|---|---|---|---|---|---|");
  const rows = [...results].map(([name, list], n) => {
    const rates = list.map(({ seconds }) => records / seconds / 1e3);
    const ours = n < 2 ? minutes : archive;
    return {
      name,
      min: Math.min(...rates),
      median: median(rates),
      max: Math.max(...rates),
      ofOurs: median(rates) / median(ours.map(({ seconds }) => records / seconds / 1e3)),
      cpuSeconds: median(list.map(({ cpuSeconds }) => cpuSeconds)),
      peakRssMegabytes: median(list.map(({ peakRssBytes }) => peakRssBytes / 1e6)),
      archivedMegabytes: median(list.map(({ archivedBytes }) => archivedBytes / 1e6)),
    };
  });
  for (const row of rows) {
    const { name, min, median, max, ofOurs, cpuSeconds, peakRssMegabytes, archivedMegabytes } = row;
    const rates = [min, median, max].map((rate) => rate.toFixed(0)).join(" | ");
    console.log(
      `| ${name} | ${rates} | ${ofOurs.toFixed(2)} | ${cpuSeconds.toFixed(1)} | ${peakRssMegabytes.toFixed(0)} | ` +
        `${archivedMegabytes === 0 ? "" : archivedMegabytes.toFixed(0)} |`,
    );
  }
  return rows;
}
