/** `migrate`: makes the tables of a shared store, or brings them up to this version. */
import { Command } from "commander";
import type { CommandParts } from "./program.ts";

const HELP = `
May be run again, and by several at once. Engines and gateways do it themselves unless cassandra.createSchema is false:
then this is for whoever may change the keyspace.

Examples:
  CASSANDRA_CONTACT_POINTS=cassandra deno task migrate
`;

export function migrateCommand({ terminal }: CommandParts): Command {
  return new Command("migrate")
    .description("Make the tables in Cassandra, or bring them up to this version")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const { config: file } = command.optsWithGlobals<{ config?: string }>();
      const { configure } = await import("./configuration.ts");
      const { config } = configure(file, []);
      const { migrateStore } = await import("../core/store/cassandra_migrate.ts");
      terminal.out(`${await migrateStore(config, (text) => terminal.err(`${text}\n`))}\n`);
    });
}
