/** `analyzer`: the place of summaries of errors, a program of its own. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
This version asks no model and sends nothing: the analyzer connects to log and store, and serves health and metrics.
Every gateway has the errors themselves: /api/v1/events?topic=T&level=ERROR.

Examples:
  KAFKA_BROKERS=kafka:9092 CASSANDRA_CONTACT_POINTS=cassandra deno task analyzer
`;

/** Options that are configuration, by the key that they set. */
const FLAGS = {
  host: "analyzer.host",
  port: "analyzer.port",
};

export function analyzerCommand({ terminal }: CommandParts): Command {
  return new Command("analyzer")
    .description("Hold the place of error summaries: health and metrics, no analyses yet")
    .option("--port <n>", "port of health and metrics; 0 takes any free one (default: 8082)")
    .option("--host <address>", "address of the same (default: 127.0.0.1)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ config?: string } & Readonly<Record<string, unknown>>>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(options.config, flagsOf(options, FLAGS));
      const { runAnalyzer } = await import("./analyzer/run.ts");
      await runAnalyzer(config, terminal);
    });
}
