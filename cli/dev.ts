/** `dev`: log, store, engine, gateway and generator in one process, until it is told to stop. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";
import type { Terminal } from "./terminal.ts";

interface DevOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly workers?: string;
  readonly rate?: string;
  readonly script?: string;
  /** True for --generator, false for --no-generator. */
  readonly generator?: boolean;
  /** False for --no-analyzer. */
  readonly analyzer?: boolean;
}

const HELP = `
Ctrl-C stops it in order: what was accepted is stored, and the next start goes on where this one stopped. A second Ctrl-C
ends it at once; nothing that was answered for is lost then either.

Examples:
  deno task dev
  deno task dev --port 9000 --data /srv/millrace --no-generator
  deno task dev --rate 20000 --workers 2
`;

export function devCommand({ terminal }: CommandParts): Command {
  return new Command("dev")
    .description("Start everything on this machine, until Ctrl-C")
    .option("--port <n>", "port of the gateway; 0 takes any free one (default: 8080)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1, this machine only)")
    .option("--data <dir>", "data directory (default: ./data)")
    .option("--no-generator", "don't make events")
    .option("--generator", "make events also with Kafka, where none are made otherwise")
    .option("--no-analyzer", "leave errors alone")
    .option("--rate <n>", "events a second of the generator (default: 200)")
    .option("--script <file>", "incidents for the generator to make (docs/generator.md)")
    .option("--workers <n>", "worker threads of the engine (default: 0, one a core)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      await dev(command.optsWithGlobals<DevOptions>(), terminal);
    });
}

/** Options that are configuration, by the key that they set. */
const FLAGS = {
  port: "gateway.port",
  host: "gateway.host",
  data: "data",
  workers: "engine.workers",
  rate: "generator.rate",
  script: "generator.script",
};

async function dev(options: DevOptions, terminal: Terminal): Promise<void> {
  const { configure } = await import("./configuration.ts");
  const flags = flagsOf({ ...options }, FLAGS);
  if (options.analyzer === false) flags.push({ key: "analyzer.enabled", flag: "--no-analyzer", value: false });
  const { config, originOf } = configure(options.config, flags);
  const { runDev } = await import("./dev/run.ts");
  // Nobody wants made-up traffic in topics that others share.
  const hasGenerator = options.generator ?? config.kafka.brokers.length === 0;
  await runDev({ config, originOf, hasGenerator, rate: options.rate, terminal });
}
