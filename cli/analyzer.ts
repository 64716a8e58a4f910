/** `analyzer`: errors explained, alerts watched, people told: a program of its own. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Errors are read through a consumer group of its own (batch_consumer_group), from the earliest record on, and grouped by
what they have in common. Without MISTRAL_API_KEY they are told with the facts alone, without SLACK_BOT_TOKEN on standard
output. docs/operations.md has the settings.

Rules on the minutes of all topics (docs/alerts.md) are watched beside.

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
    .description("Explain errors, watch alerts, and tell people of each once")
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
