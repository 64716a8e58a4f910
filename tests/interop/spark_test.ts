/**
 * Spark computes the same minutes from the same topic. Spark and its connector are 400 MB to bring, so that this runs
 * where it is asked for: SPARK=1 deno task test tests/interop/spark_test.ts
 */
import { expect } from "expect";
import { z } from "zod";
import { configSchema } from "../../core/config/schema.ts";
import { openStore } from "../../core/store/registry.ts";
import type { Store } from "../../core/store/ports.ts";
import { hasKafka, kafkaTest, otherClient } from "../contract/kafka_for_tests.ts";
import { startProgram } from "../program_process.ts";
import { mavenLibrary } from "../services/maven.ts";
import { PEERS } from "../services/versions.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { pythonForTests } from "./python.ts";

const isAsked = Deno.env.get("SPARK") === "1";
if (!isAsked) console.warn("warning: the comparison with Spark is LEFT OUT: SPARK=1 runs it (it brings 400 MB once)");
const python = hasKafka && isAsked ? await pythonForTests("spark_requirements.txt") : null;

const AT_MS = Date.parse("2026-03-01T12:00:00Z");
const RECORDS = 30_000;
const LEVELS = ["DEBUG", "INFO", "INFO", "INFO", "WARN", "ERROR", "FATAL"];

const minuteOfSpark = z.object({
  minute: z.number(),
  service: z.string(),
  level: z.string(),
  count: z.number(),
  errors: z.number(),
  average: z.number(),
  min: z.number(),
  max: z.number(),
});
type Minute = z.infer<typeof minuteOfSpark>;

const keyOf = ({ minute, service, level }: Pick<Minute, "minute" | "service" | "level">) =>
  `${minute} ${service} ${level}`;
const byKey = (minutes: readonly Minute[]) => minutes.toSorted((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);

/** Records of an hour, out of order, over all partitions, with durations of up to three decimals. */
async function fill(topic: string): Promise<void> {
  const random = randomFrom(17);
  const producer = otherClient().producer();
  await producer.connect();
  for (let sent = 0; sent < RECORDS; sent += 3_000) {
    const messages = Array.from({ length: 3_000 }, (_, i) => ({
      key: `${(sent + i) % 31}`,
      value: JSON.stringify({
        timestamp: new Date(AT_MS + Math.floor(random() * 3_600_000)).toISOString(),
        level: LEVELS[Math.floor(random() * LEVELS.length)],
        service: `service-${Math.floor(random() * 5)}`,
        duration_ms: Math.floor(random() * 5_000_000) / 1000,
        message: `request ${sent + i}`,
      }),
    }));
    await producer.send({ topic, compression: 1, messages });
  }
  await producer.disconnect();
}

/** The minutes as the gateway's queries answer them. */
async function minutesOf(store: Store, topicId: string): Promise<Minute[]> {
  const range = { fromMs: AT_MS, toMs: AT_MS + 3_600_000 };
  const by = ["service", "level"] as const;
  const minutes = new Map<string, Record<string, number | string>>();
  for (const statistic of ["count", "errors", "avg", "min", "max"] as const) {
    const measure = "response_time";
    const query = { topicId, range, stepMinutes: 1, by, where: [], seriesMax: 100, statistic, measure } as const;
    for (const { dimensions, points } of (await store.series(query)).series) {
      for (const [minute, value] of points) {
        if (value === null) continue;
        const { service = "", level = "" } = dimensions;
        const key = keyOf({ minute, service, level });
        minutes.set(key, { ...minutes.get(key) ?? { minute, service, level }, [statistic]: value });
      }
    }
  }
  return [...minutes.values()].map(({ avg, ...rest }) => minuteOfSpark.parse({ ...rest, average: avg }));
}

if (python !== null) {
  kafkaTest(
    "Spark computes the same minutes from the same topic",
    { partitions: 3 },
    async ({ access, topic, opened }) => {
      await fill(topic.name);
      const data = await Deno.makeTempDir({ prefix: "millrace-spark-" });
      opened.defer(() => Deno.remove(data, { recursive: true }));
      const env = {
        KAFKA_BROKERS: access.brokers.join(),
        MILLRACE_KAFKA_TOPICS: topic.name,
        MILLRACE_KAFKA_GROUP_ID: access.groupId,
      };
      const engine = await startProgram("engine", ["--until-end", "--store", "duckdb", "--data", data], env);
      expect(await engine.ended).toMatchObject({ code: 0 });
      const store = await openStore("duckdb", configSchema.parse({ data }));
      opened.defer(() => store.close());
      const ours = byKey(await minutesOf(store, topic.id));

      const connector = ["org.apache.spark:spark-sql-kafka-0-10_2.12"];
      const library = await mavenLibrary("spark-kafka", PEERS.spark, connector);
      const jars = [...Deno.readDirSync(library)].filter(({ name }) => name.endsWith(".jar"));
      const list = jars.map(({ name }) => `${library}/${name}`).join();
      const printed = await python.run("spark_minutes.py", [access.brokers.join(), topic.name, list]);
      const theirs = byKey(printed.trimEnd().split("\n").map((line) => minuteOfSpark.parse(JSON.parse(line))));

      expect(ours.reduce((sum, { count }) => sum + count, 0)).toBe(RECORDS);
      expect(ours.length).toBeGreaterThan(1_000);
      const exact = ({ average: _, ...rest }: Minute) => rest;
      expect(ours.map(exact)).toEqual(theirs.map(exact));
      // Sums of decimals differ by the order in which they were added.
      ours.forEach(({ average }, i) => expect(average).toBeCloseTo(theirs[i].average, 6));
    },
  );
}
