/** The analyzer as a user starts it, on a real Kafka and a real Cassandra. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { serviceForTests } from "../services/for_tests.ts";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { hasKafka, kafkaTest, until } from "./kafka_for_tests.ts";

const cassandra = canRunPrograms ? await serviceForTests("cassandra") : null;

if (hasKafka && cassandra !== null) {
  const { contactPoints } = cassandra;
  kafkaTest("the analyzer serves health and metrics, and ends when it is told to", {}, async ({ access, opened }) => {
    const keyspace = `analyzer_${crypto.randomUUID().slice(0, 8)}`;
    const client = new Client({ contactPoints: contactPoints.split(","), localDataCenter: "datacenter1" });
    opened.defer(async () => {
      await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
      await client.shutdown();
    });
    const program = await startProgram("analyzer", ["--port", "0"], {
      KAFKA_BROKERS: access.brokers.join(),
      CASSANDRA_CONTACT_POINTS: contactPoints,
      MILLRACE_CASSANDRA_KEYSPACE: keyspace,
    });
    const address = () => program.said.match(/http:\/\/[0-9.:]+/)?.[0];
    await until("it says where it listens", () => address() !== undefined);
    for (const [path, body] of [["healthz", '{"status":"ok"}'], ["readyz", '{"status":"ready","reasons":[]}']]) {
      expect(await (await fetch(`${address()}/${path}`)).text()).toBe(body);
    }
    expect(await (await fetch(`${address()}/metrics`)).text()).toMatch(/^process_resident_memory_bytes \d+/m);
    program.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ code: 0, stderr: expect.stringContaining("SIGTERM: stopping") });
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
