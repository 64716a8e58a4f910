/** The programs as a user starts them, on a real Kafka: what they do, print and end with. */
import { expect } from "expect";
import { z } from "zod";
import { configSchema } from "../../core/config/schema.ts";
import { KafkaMembership } from "../../core/log/kafka_membership.ts";
import { openStore } from "../../core/store/registry.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { hasKafka, kafkaTest, type KafkaTopicUnderTest, otherClient, until } from "./kafka_for_tests.ts";
import { startKafkaProxy } from "./kafka_proxy.ts";

const figures = z.strictObject({
  records: z.number(),
  seconds: z.number().positive(),
  recordsPerSecond: z.number(),
  cpuSeconds: z.number().positive(),
  peakRssBytes: z.number().min(1_000_000),
});

const AT_MS = Date.parse("2026-03-01T12:00:00Z");

const environmentOf = ({ brokers, topics, groupId }: KafkaTopicUnderTest["access"]) => ({
  KAFKA_BROKERS: brokers.join(),
  MILLRACE_KAFKA_TOPICS: topics.join(),
  MILLRACE_KAFKA_GROUP_ID: groupId,
});

async function directory(opened: AsyncDisposableStack): Promise<string> {
  const data = await Deno.makeTempDir({ prefix: "millrace-programs-" });
  opened.defer(() => Deno.remove(data, { recursive: true }));
  return data;
}

function programTest(claim: string, partitions: number, check: (parts: KafkaTopicUnderTest) => Promise<void>): void {
  if (canRunPrograms) kafkaTest(claim, { partitions }, check);
  else if (hasKafka) console.warn(`warning: a test is LEFT OUT, as it may not start processes: ${claim}`);
}

/** Sends so many records with another client, over all partitions. */
async function fill(topic: string, from: number, to: number): Promise<void> {
  const producer = otherClient().producer();
  await producer.connect();
  const messages = Array.from({ length: to - from }, (_, index) => {
    const i = from + index;
    const [timestamp, level] = [new Date(AT_MS + i * 20).toISOString(), i % 10 === 0 ? "ERROR" : "INFO"];
    return { key: `${i % 97}`, value: JSON.stringify({ timestamp, level, service: `service-${i % 3}`, i }) };
  });
  await producer.send({ topic, compression: 1, messages });
  await producer.disconnect();
}

programTest("engine --until-end counts what the topic holds, once, says so in a line and ends", 3, async (parts) => {
  const { topic, access, opened } = parts;
  const data = await directory(opened);
  const flags = ["--until-end", "--store", "duckdb", "--data", data, "--workers", "2"];
  const run = async () => {
    const { code, stdout, stderr } = await (await startProgram("engine", flags, environmentOf(access))).ended;
    expect({ code, stderr, lines: stdout.split("\n").length }).toEqual({ code: 0, stderr, lines: 2 });
    return figures.parse(JSON.parse(stdout));
  };
  await fill(topic.name, 0, 6_000);
  expect((await run()).records).toBe(6_000);
  expect((await run()).records).toBe(0);
  await fill(topic.name, 6_000, 7_500);
  expect((await run()).records).toBe(1_500);
  const store = await openStore("duckdb", configSchema.parse({ data }));
  opened.defer(() => store.close());
  const range = { fromMs: AT_MS - 60_000, toMs: AT_MS + 3_600_000 };
  const query = { topicId: topic.id, range, stepMinutes: 1, by: [], where: [], seriesMax: 1 } as const;
  const { series: [counted] } = await store.series({ ...query, statistic: "count" });
  // 50 a second from the minute's beginning on.
  expect(counted.points).toEqual([0, 1, 2].map((minute) => [AT_MS + minute * 60_000, minute < 2 ? 3_000 : 1_500]));
});

programTest("an engine waits for brokers that are not up yet, and says for whom and how long", 1, async (parts) => {
  const { topic, access, opened } = parts;
  await fill(topic.name, 0, 100);
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  const env = { ...environmentOf(access), KAFKA_BROKERS: `127.0.0.1:${port}` };
  const flags = ["--until-end", "--store", "duckdb", "--data", await directory(opened)];
  const engine = await startProgram("engine", flags, env);
  (await silent.accept()).close(); // it has tried
  silent.close();
  opened.use(startKafkaProxy(access, port));
  const { code, stdout, stderr } = await engine.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`127.0.0.1:${port} (kafka.brokers)`) });
  expect(stderr).toContain("trying again for 30 s");
  expect(figures.parse(JSON.parse(stdout)).records).toBe(100);
});

programTest("an engine whose brokers never answer gives up, with their address and setting", 1, async (parts) => {
  const data = await directory(parts.opened);
  const env = { KAFKA_BROKERS: "127.0.0.1:1", MILLRACE_KAFKA_REQUEST_TIMEOUT_MS: "1000" };
  const engine = await startProgram("engine", ["--store", "duckdb", "--data", data], env);
  const { code, stderr } = await engine.ended;
  expect(code).toBe(9);
  expect(stderr).toMatch(/error: Kafka at 127\.0\.0\.1:1 \(kafka\.brokers\) did not answer.*ECONNREFUSED/);
  expect(stderr).toMatch(/help: check that it runs/);
  expect(stderr).not.toMatch(/^\s+at /m);
});

programTest("a topic that is missing is refused where none may be made", 1, async ({ access, opened, log }) => {
  const file = `${await directory(opened)}/lines.log`;
  await Deno.writeTextFile(file, "a line\n");
  const name = access.topics[0].replace("*", "missing");
  const env = { ...environmentOf(access), MILLRACE_KAFKA_CREATE_TOPICS: "false" };
  const { code, stderr } = await (await startProgram("produce", ["--file", file, "--topic", name], env)).ended;
  expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringContaining("kafka.createTopics is false") });
  expect(await log.findTopic(name)).toBeUndefined();
});

programTest(
  "a topic with more replicas than there are brokers is refused, with the broker's reason",
  1,
  async (parts) => {
    const { access, opened, log } = parts;
    const file = `${await directory(opened)}/lines.log`;
    await Deno.writeTextFile(file, "a line\n");
    const name = access.topics[0].replace("*", "replicated");
    const env = { ...environmentOf(access), MILLRACE_KAFKA_REPLICATION_FACTOR: "5" };
    const { code, stderr } = await (await startProgram("produce", ["--file", file, "--topic", name], env)).ended;
    expect({ code, stderr }).toEqual({
      code: 10,
      stderr: expect.stringMatching(/refused, while making topic .*[Rr]eplication/),
    });
    expect(await log.findTopic(name)).toBeUndefined();
  },
);

programTest(
  "an engine with a store of its own says that others have partitions, and goes on when they leave",
  4,
  async (parts) => {
    const { topic, access, opened, log } = parts;
    await fill(topic.name, 0, 1_000);
    const other = new KafkaMembership({ ...access, heartbeatIntervalMs: 300 }, log, () => {});
    let owned = 0;
    await other.start((partitions) => {
      owned = partitions.length;
      return Promise.resolve();
    });
    const flags = ["--until-end", "--store", "duckdb", "--data", await directory(opened)];
    const engine = await startProgram("engine", flags, environmentOf(access));
    await until("each has two", () => owned === 2);
    // Until it has been looked at twice.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    await other.leave();
    const { code, stdout, stderr } = await engine.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("have 2 of 4 partitions") });
    expect(figures.parse(JSON.parse(stdout)).records).toBe(1_000);
  },
);
