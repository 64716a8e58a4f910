/** `engine`: the engine as a program of its own, one of as many as there are. */
import { Command, Option } from "commander";
import type { ConfigFlag } from "../core/config/load.ts";
import { replayCommand } from "./engine/replay.ts";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";
import type { Terminal } from "./terminal.ts";

interface EngineOptions {
  readonly config?: string;
  readonly untilEnd?: boolean;
}

const HELP = `
Engines that share Kafka's brokers and group share the partitions of the topics; results go to the store, each record
once, whoever reads it. SIGTERM or Ctrl-C stops one in order: it flushes, and leaves the group to the others.

--until-end processes what the topics held when it started, prints one line of JSON (records, seconds, recordsPerSecond,
cpuSeconds, peakRssBytes) and ends.

With the embedded store, which one process alone can open, the engine serves the gateway, too.

Examples:
  KAFKA_BROKERS=kafka:9092 CASSANDRA_CONTACT_POINTS=cassandra deno task engine
  KAFKA_BROKERS=localhost:9092 deno task engine --store duckdb --workers 4
  KAFKA_BROKERS=localhost:9092 deno task engine --store duckdb --until-end --events off
`;

/** Options that are configuration, by the key that they set. */
const FLAGS = {
  host: "engine.host",
  port: "engine.port",
  data: "data",
  workers: "engine.workers",
  events: "engine.events",
  store: "store.kind",
};

export function engineCommand(parts: CommandParts): Command {
  const { terminal } = parts;
  return new Command("engine")
    .addCommand(replayCommand(parts))
    .description("Read topics into minutes and events: one engine of as many as you start")
    .option("--workers <n>", "worker threads (default: 0, one a core)")
    .option("--store <kind>", "where results go: duckdb or cassandra (default: as configured)")
    .addOption(
      new Option("--events <what>", "whether, and where, events are kept").choices(["store", "archive", "off"]),
    )
    .option("--until-end", "process what there is now, then print what was done and end")
    .option("--port <n>", "port of health and metrics; 0 takes any free one (default: 8081)")
    .option("--host <address>", "address of the same (default: 127.0.0.1)")
    .option("--data <dir>", "data directory of the embedded parts (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EngineOptions & Readonly<Record<string, unknown>>>();
      await engine(options, flagsOf(options, FLAGS), terminal);
    });
}

async function engine(options: EngineOptions, flags: readonly ConfigFlag[], terminal: Terminal): Promise<void> {
  const { configure } = await import("./configuration.ts");
  const { config } = configure(options.config, flags);
  const { threadsOf, WorkerThreads } = await import("../engine/worker_threads.ts");
  using threads = new WorkerThreads(threadsOf(config.engine)); // they load while this thread does
  if (options.untilEnd === true) {
    const { runUntilEnd } = await import("./engine/until_end.ts");
    await runUntilEnd(config, threads, terminal);
  } else {
    const { runEngine } = await import("./engine/run.ts");
    await runEngine(config, threads, terminal);
  }
}
