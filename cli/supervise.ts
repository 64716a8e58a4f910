/** `supervise`: the programs of a node kept running, and commands by the calendar. */
import { Command } from "commander";
import type { CommandParts } from "./program.ts";

const HELP = `
Starts the programs of supervisor.programs, asks for their health, ends what does not answer and starts what ended again,
after pauses that double up to a minute; a crash loop is told. Before that, tables and topics that the configuration names
are made. Commands under schedules run by the calendar. Runs, with the end of what they printed, are kept in the store:
deno task status, GET /api/v1/runs.

Examples:
  KAFKA_BROKERS=kafka:9092 CASSANDRA_CONTACT_POINTS=cassandra deno task supervise
`;

export function superviseCommand({ terminal }: CommandParts): Command {
  return new Command("supervise")
    .description("Keep programs running, and run commands by the calendar")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<{ config?: string }>();
      const { configure } = await import("./configuration.ts");
      const traced = configure(options.config);
      const { runSupervisor } = await import("./supervise/run.ts");
      await runSupervisor(traced, options.config ?? null, terminal);
    });
}
