/** `generate`: the generator as a program of its own, into Kafka or a data directory that no process runs on. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Record i of a partition is a function of the seed and i: a restart goes on where the topic ends. Nobody else should
write to these topics.

Examples:
  KAFKA_BROKERS=kafka:9092 deno task generate --rate 20000
  deno task generate --data /srv/millrace --rate 1000 --seed 7
`;

/** Options that are configuration, by the key that they set. */
const FLAGS = {
  rate: "generator.rate",
  seed: "generator.seed",
  data: "data",
  host: "generator.host",
  port: "generator.port",
};

export function generateCommand({ terminal }: CommandParts): Command {
  return new Command("generate")
    .description("Make traffic: services' logs, accesses and payments, at a steady rate")
    .option("--rate <n>", "events a second, over all topics (default: 200)")
    .option("--seed <n>", "the same seed makes the same events (default: 1)")
    .option("--port <n>", "port of health and metrics; 0 takes any free one (default: 8083)")
    .option("--host <address>", "address of the same (default: 127.0.0.1)")
    .option("--data <dir>", "data directory of the embedded log (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ config?: string } & Readonly<Record<string, unknown>>>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(options.config, flagsOf(options, FLAGS));
      const { runGenerator } = await import("./generate/run.ts");
      await runGenerator(config, terminal);
    });
}
