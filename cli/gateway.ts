/** `gateway`: the HTTP interface as a program of its own. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Serves the API, exports, ingest and the pages over Kafka and a store that engines elsewhere fill. As many may run as you
like. Over the embedded store there can be none: the engine that has it open serves the gateway itself.

Examples:
  KAFKA_BROKERS=kafka:9092 CASSANDRA_CONTACT_POINTS=cassandra deno task gateway --host 0.0.0.0
`;

const FLAGS = { host: "gateway.host", port: "gateway.port" };

export function gatewayCommand({ terminal }: CommandParts): Command {
  return new Command("gateway")
    .description("Serve API, exports, ingest and pages over what engines have stored")
    .option("--port <n>", "port to listen on; 0 takes any free one (default: 8080)")
    .option("--host <address>", "address to listen on (default: 127.0.0.1, this machine only)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ config?: string } & Readonly<Record<string, unknown>>>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(options.config, flagsOf(options, FLAGS));
      const { runGateway } = await import("./gateway/run.ts");
      await runGateway(config, terminal);
    });
}
