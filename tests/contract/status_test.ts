/** `status` against programs that run: all well, one that was killed, a schedule that failed, and nothing at all. */
import { Client } from "cassandra-driver";
import { expect } from "expect";
import { canRunPrograms, startProgram } from "../program_process.ts";
import { freePort } from "../free_ports.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { kafkaTest, otherClient } from "./kafka_for_tests.ts";

const cassandra = canRunPrograms ? await serviceForTests("cassandra") : null;

/** The process of a program, by the file of its configuration, which no other has. */
async function pidOf(command: string, file: string): Promise<number> {
  const args = ["-f", `cli\\.ts ${command} .*${file}`];
  const { stdout } = await new Deno.Command("pgrep", { args }).output();
  const [pid, ...others] = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  if (!(pid > 1) || others.length > 0) throw new Error(`processes of ${command}: ${[pid, ...others]}`);
  return pid;
}

Deno.test({
  name: "status: where nothing runs it says so, with what to do, and ends with 9",
  ignore: !canRunPrograms,
  fn: async () => {
    const data = await Deno.makeTempDir({ prefix: "millrace-status-" });
    try {
      const port = freePort();
      const status = await startProgram("status", ["--data", data], { MILLRACE_GATEWAY_PORT: String(port) });
      const { code, stdout, stderr } = await status.ended;
      expect({ code, stdout }).toEqual({ code: 9, stdout: "" });
      expect(stderr).toMatch(new RegExp(`^error: .*http://127\\.0\\.0\\.1:${port}.*\\n +help: .+`, "s"));
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

if (cassandra !== null) {
  kafkaTest(
    "status tells that all is well, which program was killed, and why a schedule failed",
    { partitions: 2 },
    async ({ topic, access, opened }) => {
      const directory = await Deno.makeTempDir({ prefix: "millrace-status-" });
      opened.defer(() => Deno.remove(directory, { recursive: true }));
      const keyspace = `status_${crypto.randomUUID().slice(0, 8)}`;
      opened.defer(async () => {
        const contactPoints = cassandra.contactPoints.split(",");
        const client = new Client({ contactPoints, localDataCenter: "datacenter1" });
        await client.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
        await client.shutdown();
      });
      const [gateway, engine, supervisor] = [freePort(), freePort(), freePort()];
      const file = `${directory}/millrace.yaml`;
      await Deno.writeTextFile(
        file,
        `data: ${directory}/data
gateway: {port: ${gateway}}
engine: {port: ${engine}, workers: 1}
supervisor: {port: ${supervisor}, programs: [engine, gateway]}
schedules:
  nightly: {cron: "*/20 * * * * *", run: [produce, --file, ${directory}/none.log, --topic, ${topic.name}]}
  leap: {cron: "0 0 30 2 *", run: [report]}
`,
      );
      const env = {
        KAFKA_BROKERS: access.brokers.join(),
        MILLRACE_KAFKA_TOPICS: topic.name,
        MILLRACE_KAFKA_GROUP_ID: access.groupId,
        CASSANDRA_CONTACT_POINTS: cassandra.contactPoints,
        MILLRACE_CASSANDRA_KEYSPACE: keyspace,
      };
      const producer = otherClient().producer();
      await producer.connect();
      const messages = Array.from({ length: 100 }, (_, i) => ({ value: i < 3 ? "no JSON" : '{"level":"INFO"}' }));
      await producer.send({ topic: topic.name, messages });
      await producer.disconnect();

      const supervise = await startProgram("supervise", ["--config", file], env);
      opened.defer(async () => {
        supervise.kill("SIGTERM");
        await supervise.ended;
      });
      const ask = async () => {
        const flags = ["--url", `http://127.0.0.1:${gateway}`];
        const { code, stdout, stderr } = await (await startProgram("status", flags, env)).ended;
        return { code, text: stdout + stderr };
      };
      /** What it says once all of it is said. */
      const told = async (...words: readonly RegExp[]) => {
        let last = await ask();
        // A status takes seconds itself where the machine is busy.
        for (let tries = 0; !words.every((word) => word.test(last.text)); tries++) {
          if (tries === 60) throw new Error(`${words} never in\n${last.text}\n${supervise.said.slice(-2000)}`);
          await new Promise((resolve) => setTimeout(resolve, 500));
          last = await ask();
        }
        return last;
      };
      const well = await told(
        new RegExp(`topic ${topic.name}: 100 records, 3 unparsed, lag 0\n`),
        /program engine: running, started 20/,
        /program gateway: running, started 20/,
      );
      expect(well.code).toBe(0);
      expect(well.text).toMatch(
        new RegExp(
          `^http://127\\.0\\.0\\.1:${gateway}: ready; Millrace \\S+, log kafka, store cassandra, engines elsewhere`,
        ),
      );

      const failed = await told(/schedule nightly: failed with \d+ after .*\n {4}\S/);
      expect(failed.text).toMatch(/schedule nightly: failed with 3 after [^\n]*\n {4}error: .*none\.log/);

      // One that never fires is told with its line, and everything else has started all the same.
      expect(failed.text).toMatch(
        /schedule leap: failed with 2 after [^\n]*\n {4}.*millrace\.yaml:7: [^\n]* never fires/,
      );

      Deno.kill(await pidOf("engine", file), "SIGKILL");
      const killed = await told(/program engine: failed with /, /program engine: running/);
      expect(killed.text).toMatch(/program engine: running[^]*program engine: failed with (137|a signal)/);
      expect(killed.code).toBe(0);

      // The gateway itself is gone for a moment, and is started again.
      Deno.kill(await pidOf("gateway", file), "SIGKILL");
      await told(/program gateway: running[^]*program gateway: failed with (137|a signal)/);
    },
  );
}
