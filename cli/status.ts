/** `status`: how a running Millrace is. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";

const HELP = `
Asks the gateway that runs on the data directory, or the one of --url. Ends with 1 where it is not ready.

Examples:
  deno task status
  deno task status --url http://gateway:8080
`;

export function statusCommand({ terminal, end }: CommandParts): Command {
  return new Command("status")
    .description("Say how a running Millrace is: health, lag, runs")
    .option("--url <url>", "gateway to ask, as http://127.0.0.1:8080")
    .option("--data <dir>", "data directory (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ config?: string; url?: string; data?: string }>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(options.config, flagsOf({ ...options }, { data: "data" }));
      const { printStatus } = await import("./status/print.ts");
      end(await printStatus(config, options.url ?? null, terminal));
    });
}
