/** `engine replay`: hours of a topic computed anew from the log. */
import { Command } from "commander";
import { flagsOf } from "../flags.ts";
import type { CommandParts } from "../program.ts";
import type { Terminal } from "../terminal.ts";

interface ReplayFlags {
  readonly config?: string;
  readonly topic: string;
  readonly from: string;
  readonly to?: string;
  readonly partition?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const HELP = `
After a change of format, mapping or time zone, hours that were counted before keep what they were counted as. A replay
reads their records again and puts the result in their place: minutes, events and quarantine, each record once.

Times are whole hours (UTC), as in --from 2026-03-01T10:00:00Z --to 2026-03-01T12:00:00Z, or --from now-1d. Offsets are
those of one --partition: the hours that hold records of them are replayed.

No engine may work on the topic meanwhile; one that wakes up later is refused by the store. The log must still hold the
records.

Examples:
  deno task engine replay --topic shop --from now-1d --dry-run
  deno task engine replay --topic shop --from 2026-03-01T10:00:00Z --to 2026-03-01T12:00:00Z
  deno task engine replay --topic shop --partition 3 --from 120000 --to 180000
`;

const FLAGS = { data: "data", store: "store.kind" };

export function replayCommand({ terminal }: CommandParts): Command {
  return new Command("replay")
    .description("Compute hours of a topic anew from the log")
    .requiredOption("--topic <name>", "topic whose hours are replayed")
    .requiredOption("--from <time or offset>", "start: a time, or an offset of --partition")
    .option("--to <time or offset>", "end, exclusive (default: now, or the partition's end)")
    .option("--partition <n>", "this partition only; then --from and --to may be offsets")
    .option("--dry-run", "say what would be replayed, and change nothing")
    .option("--force", "also where the hours hold another number of records than before")
    .option("--store <kind>", "where results are: duckdb or cassandra (default: as configured)")
    .option("--data <dir>", "data directory of the embedded parts (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      await replay(command.optsWithGlobals<ReplayFlags>(), terminal);
    });
}

async function replay(flags: ReplayFlags, terminal: Terminal): Promise<void> {
  const { configure } = await import("../configuration.ts");
  const { config } = configure(flags.config, flagsOf({ ...flags }, FLAGS));
  const { runReplay } = await import("./run_replay.ts");
  await runReplay(config, {
    topic: flags.topic,
    from: flags.from,
    to: flags.to ?? null,
    partition: flags.partition ?? null,
    isDryRun: flags.dryRun === true,
    isForced: flags.force === true,
  }, terminal);
}
