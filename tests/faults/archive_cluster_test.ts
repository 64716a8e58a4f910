/**
 * `--events archive` as a node of a cluster: engines on Kafka and Cassandra that are killed and frozen while they archive
 * to S3 and to HDFS, and a gateway that finds every event there.
 */
import { expect } from "expect";
import { openArchive } from "../../core/archive/registry.ts";
import { configSchema } from "../../core/config/schema.ts";
import { makeBucket, s3AccessForTests } from "../contract/archives_for_tests.ts";
import { hasKafka, kafkaTest, otherClient, until } from "../contract/kafka_for_tests.ts";
import { freePort } from "../free_ports.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { readEverything } from "./archive_for_faults.ts";
import { EngineProcess } from "./cluster/engine_process.ts";

const PARTITIONS = 4;
const AT_MS = Date.parse("2026-03-01T12:00:00Z");

const cassandra = hasKafka && canRunPrograms ? await serviceForTests("cassandra") : null;
const moto = cassandra === null ? null : await s3AccessForTests("moto");
const hdfs = cassandra === null ? null : await serviceForTests("hdfs");

function recordsOf(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => {
    const i = from + index;
    const timestamp = new Date(AT_MS + (i % 3) * 3_600_000 + i * 20).toISOString();
    return i % 50 === 49 ? `broken ${i}` : JSON.stringify({ timestamp, level: "INFO", service: `s${i % 3}`, i });
  });
}

async function send(topic: string, values: readonly string[]): Promise<void> {
  const producer = otherClient().producer();
  await producer.connect();
  const messages = values.map((value, i) => ({ key: `${i % 97}`, value }));
  await producer.send({ topic, compression: 1, messages });
  await producer.disconnect();
}

async function archivesOfTest(): Promise<Readonly<Record<string, Readonly<Record<string, string>> | null>>> {
  return {
    S3: moto === null ? null : { ...moto, location: `s3://${await makeBucket(moto)}/logs` },
    HDFS: hdfs === null ? null : { location: `webhdfs://${hdfs.nameNode}/cluster-${crypto.randomUUID()}` },
  };
}

for (const [kind, archive] of Object.entries(await archivesOfTest())) {
  if (cassandra === null || archive === null) continue;
  kafkaTest(
    `engines on Cassandra that die and freeze while they archive to ${kind} keep every event once`,
    { partitions: PARTITIONS, change: { sessionTimeoutMs: 6_000 } },
    async ({ topic, access, opened }) => {
      const data = await Deno.makeTempDir({ prefix: "millrace-archive-cluster-" });
      opened.defer(() => Deno.remove(data, { recursive: true }));
      const env = {
        KAFKA_BROKERS: access.brokers.join(),
        CASSANDRA_CONTACT_POINTS: cassandra.contactPoints,
        MILLRACE_CASSANDRA_KEYSPACE: `archive_${crypto.randomUUID().slice(0, 8)}`,
        MILLRACE_KAFKA_TOPICS: topic.name,
        MILLRACE_KAFKA_GROUP_ID: access.groupId,
        MILLRACE_KAFKA_SESSION_TIMEOUT_MS: "6000",
        MILLRACE_DATA: data,
        MILLRACE_ENGINE_EVENTS: "archive",
        MILLRACE_ENGINE_FINAL_MINUTES: "off",
        MILLRACE_ARCHIVE_LOCATION: archive.location,
        MILLRACE_ARCHIVE_SEGMENT_SECONDS: "1",
        MILLRACE_ARCHIVE_MERGE_AFTER_SECONDS: "86400",
        MILLRACE_ARCHIVE_ENDPOINT: archive.endpoint ?? "",
        MILLRACE_ARCHIVE_ACCESS_KEY_ID: archive.accessKeyId ?? "",
        MILLRACE_ARCHIVE_SECRET_ACCESS_KEY: archive.secretAccessKey ?? "",
      };
      const files = await openArchive(configSchema.parse({ archive }));
      if (files === null) throw new Error("no archive");
      opened.defer(() => files.close());
      const countFiles = async () => (await Array.fromAsync(files.list(""))).length;

      const records = recordsOf(0, 6_000);
      const first = await EngineProcess.start(env);
      const second = await EngineProcess.start(env);
      opened.defer(async () => {
        for (const engine of [first, second]) {
          if (!engine.isOver) engine.signal("SIGKILL");
          await engine.ended();
        }
      });
      await send(topic.name, records.slice(0, 2_000));
      await until("something is archived", async () => await countFiles() > 0);
      first.signal("SIGKILL");
      await send(topic.name, records.slice(2_000, 4_000));
      const before = await countFiles();
      await until("the other goes on", async () => await countFiles() > before);
      second.signal("SIGSTOP"); // and writes on when nobody expects it any more
      await send(topic.name, records.slice(4_000));
      const third = await startProgram("engine", ["--until-end"], env);
      const { code, stderr } = await third.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
      second.signal("SIGCONT");
      second.signal("SIGTERM");
      await second.ended();

      const archived = await readEverything(files);
      const offsets = archived.map(({ partition, offset }) => `${partition}/${offset}`);
      expect(new Set(offsets).size).toBe(offsets.length);
      expect(archived.map(({ raw }) => raw).sort()).toEqual(records.toSorted());

      const port = freePort();
      const gateway = await startProgram("gateway", ["--port", `${port}`], env);
      const url = `http://127.0.0.1:${port}`;
      await until(
        "the gateway answers",
        () => fetch(`${url}/healthz`).then(async (answer) => (await answer.body?.cancel(), answer.ok), () => false),
      );
      const range = "from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z";
      const answer = await fetch(`${url}/api/v1/export?topic=${topic.name}&table=events&format=ndjson&${range}`);
      const lines = (await answer.text()).trim().split("\n").map((line) => JSON.parse(line).raw);
      expect(lines.sort()).toEqual(records.filter((record) => record.startsWith("{")).sort());
      gateway.kill("SIGTERM");
      expect(await gateway.ended).toMatchObject({ code: 0 });
    },
  );
}
