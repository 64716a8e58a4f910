/**
 * Engine, gateway and generator as programs on a real Kafka and a real Cassandra, 20 000 events/s, all stored: how soon is
 * a record that was just ingested seen through the API, with the servers on the same machine?
 */
import { up } from "../tests/services/manager.ts";
import { serviceOf } from "../tests/services/registry.ts";
import { projectRoot, taskCommand } from "../tests/faults/task_command.ts";
import { type DevFigures, measureThrough, print, RATE } from "./dev.ts";

/** Until the engine has read what the generator made before, and everything is warm. */
const WARM_UP_MS = 15_000;
const START_TIMEOUT_MS = 60_000;

/** Runs for `seconds`, printing a summary. */
export async function measureCluster(seconds: number): Promise<DevFigures> {
  const { brokers } = (await up(serviceOf("kafka"))).access;
  const { contactPoints } = (await up(serviceOf("cassandra"))).access;
  const data = await Deno.makeTempDir({ prefix: "millrace-bench-cluster-" });
  const name = crypto.randomUUID().slice(0, 8);
  const env = {
    KAFKA_BROKERS: brokers,
    CASSANDRA_CONTACT_POINTS: contactPoints,
    MILLRACE_CASSANDRA_KEYSPACE: `bench_${name}`,
    MILLRACE_KAFKA_GROUP_ID: `bench-${name}`,
    // What other runs have left in this Kafka is not part of it.
    MILLRACE_KAFKA_TOPICS: "app-logs,access-logs,payments,probes",
    MILLRACE_DATA: data,
  };
  await using parts = new AsyncDisposableStack();
  parts.defer(() => Deno.remove(data, { recursive: true }));
  const start = async (task: string, ...flags: string[]) => {
    const program = await startProgram(task, [...flags, "--port", "0"], env);
    parts.defer(() => program.stop());
    return program;
  };
  await (await start("generate", "--rate", String(RATE))).says(/health and metrics at (\S+)"/);
  await (await start("engine")).says(/health and metrics at (\S+)"/);
  const url = await (await start("gateway")).says(/gateway at (\S+)"/);
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const figures = await measureThrough(url, seconds);
  print("Kafka, Cassandra and programs of their own", figures);
  return figures;
}

interface Program {
  /** Waits for a line, and answers its first group. */
  says(pattern: RegExp): Promise<string>;
  stop(): Promise<void>;
}

async function startProgram(name: string, flags: readonly string[], env: Record<string, string>): Promise<Program> {
  const task = await taskCommand(name);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...task.args, ...flags],
    cwd: projectRoot,
    env: { ...task.env, ...env },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let output = "";
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) output += text;
  })();
  return {
    async says(pattern) {
      const giveUp = performance.now() + START_TIMEOUT_MS;
      for (;;) {
        const found = output.match(pattern)?.[1];
        if (found !== undefined) return found;
        if (performance.now() > giveUp) throw new Error(`${name} did not say ${pattern}:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      child.kill("SIGTERM");
      const { code } = await child.status;
      await reading;
      if (code !== 0) console.error(`${name} ended with status ${code}:\n${output}`);
    },
  };
}
