/** The analyzer as a user starts it, on a real Kafka and a real Cassandra. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { z } from "zod";
import { serviceForTests } from "../services/for_tests.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { hasKafka, kafkaTest, otherClient, until } from "./kafka_for_tests.ts";

const cassandra = canRunPrograms ? await serviceForTests("cassandra") : null;

/** What the console notifier prints of a matter, a line of JSON each. */
const printed = z.object({
  event: z.string(),
  entry: z.object({ text: z.string() }).nullable(),
  notice: z.object({
    kind: z.string(),
    state: z.string(),
    service: z.string(),
    facts: z.array(z.object({ label: z.string(), value: z.string() })),
  }),
});

/** Sends records with another client, over all partitions. */
async function send(
  topic: string,
  messages: readonly { readonly value: string; readonly partition: number }[],
): Promise<void> {
  const producer = otherClient().producer();
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
}

const lineOf = (level: string, message: string) =>
  JSON.stringify({ timestamp: new Date().toISOString(), level, service: "pay", message });

if (hasKafka && cassandra !== null) {
  const { contactPoints } = cassandra;
  const claim = "the analyzer tells each kind of error once, from the earliest record on, also after it was killed";
  kafkaTest(claim, { partitions: 3 }, async ({ topic, access, opened }) => {
    const keyspace = `analyzer_${crypto.randomUUID().slice(0, 8)}`;
    const client = new Client({ contactPoints: contactPoints.split(","), localDataCenter: "datacenter1" });
    opened.defer(async () => {
      await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
      await client.shutdown();
    });
    const start = () =>
      startProgram("analyzer", ["--port", "0"], {
        KAFKA_BROKERS: access.brokers.join(),
        MILLRACE_KAFKA_TOPICS: access.topics.join(),
        MILLRACE_ANALYZER_GROUP_ID: `${access.groupId}-errors`,
        CASSANDRA_CONTACT_POINTS: contactPoints,
        MILLRACE_CASSANDRA_KEYSPACE: keyspace,
      });
    const before = Array.from({ length: 30 }, (_, i) => ({
      partition: i % 3,
      value: i % 2 === 0 ? lineOf("ERROR", `card ${i} was refused`) : lineOf("INFO", `card ${i} was taken`),
    }));
    await send(topic.name, before);
    const first = await start();
    const noticesOf = ({ printed: text }: { readonly printed: string }) =>
      text.split("\n").flatMap((line) => line.startsWith("{") ? [printed.parse(JSON.parse(line))] : []);
    const address = () => first.said.match(/http:\/\/[0-9.:]+/)?.[0];
    await until("it says where it listens", () => address() !== undefined);
    await until("it has told", () => noticesOf(first).length > 0);
    const [{ notice }] = noticesOf(first);
    expect(notice).toMatchObject({ kind: "error", state: "open", service: "pay" });
    expect(notice.facts).toContainEqual({ label: "Occurrences", value: "15" });
    expect(notice.facts).toContainEqual({ label: "Template", value: "card <*> was refused" });
    const ask = async (path: string) => await (await fetch(`${address()}/${path}`)).text();
    expect(await ask("healthz")).toBe('{"status":"ok"}');
    expect(await ask("readyz")).toBe('{"status":"ready","reasons":[]}');
    const metrics = await ask("metrics");
    expect(metrics).toContain(`millrace_analyzer_errors_total{topic="${topic.name}"} 15`);
    expect(metrics).toContain(`millrace_analyzer_records_total{topic="${topic.name}"} 30`);
    first.kill("SIGKILL");
    await first.ended;

    await send(topic.name, [{ partition: 1, value: lineOf("ERROR", "card 99 was refused") }, {
      partition: 2,
      value: lineOf("FATAL", "the ledger is gone"),
    }]);
    const second = await start();
    // Of the same service within two minutes: the same incident, which is not told a second time.
    const added = () => noticesOf(second).filter(({ event }) => event === "added").map(({ entry }) => entry?.text);
    await until("it has told of what came meanwhile", () => added().length > 0);
    expect(added()).toEqual(["new as well: the ledger is gone"]);
    expect(noticesOf(second).filter(({ event }) => event === "opened")).toEqual([]);
    second.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("SIGTERM: stopping") });
  });
}

Deno.test({
  name: "an analyzer without a shared log and store says what to set",
  ignore: !canRunPrograms,
  async fn() {
    const { code, stderr } = await (await startProgram("analyzer", [])).ended;
    expect(code).toBe(2);
    expect(stderr).toContain("error: an analyzer of its own needs a log and a store that are shared");
    expect(stderr).toContain("set KAFKA_BROKERS and CASSANDRA_CONTACT_POINTS");
    expect(stderr).not.toMatch(/^\s+at /m);
  },
});
