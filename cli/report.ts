/** `report access`: the access report as files. */
import { Command } from "commander";
import { flagsOf } from "./flags.ts";
import type { CommandParts } from "./program.ts";
import type { Terminal } from "./terminal.ts";

interface ReportFlags {
  readonly config?: string;
  readonly topic: string;
  readonly out: string;
  readonly from?: string;
  readonly to?: string;
  readonly tz?: string;
  readonly limit?: string;
  readonly where?: readonly string[];
  readonly url?: string;
}

const HELP = `
Writes report.html, one file that needs no other and may be sent around, and every table of it as CSV and as Parquet:
days, hours, statuses, hosts, endpoints, not-found-endpoints, not-found-hosts, content-sizes, missing.

The gateway that runs on the data directory is asked, or the one of --url; where none runs, the data is opened.

Examples:
  deno task report access --topic access --out report
  deno task report access --topic access --out march --from 2026-03-01 --to 2026-04-01 --tz Europe/Berlin
  deno task report access --topic access --out errors --where 'status=404|500' --limit 1000
`;

export function reportCommand({ terminal }: CommandParts): Command {
  const access = new Command("access")
    .description("Write the report of an access log as HTML, CSV and Parquet")
    .requiredOption("--topic <name>", "topic of the access log")
    .requiredOption("--out <dir>", "directory for the files; made where it is missing")
    .option("--from <time>", "start: a time, a date or now-7d (default: everything)")
    .option("--to <time>", "end, exclusive")
    .option("--tz <zone>", "time zone of days and hours (default: UTC)")
    .option("--limit <n>", "longest length of a list (default: 100)")
    .option(
      "--where <condition>",
      "only requests that fulfil it, as in status=404|500; repeat it for more",
      (value: string, before: string[] = []) => [...before, value],
    )
    .option("--url <url>", "gateway to ask, as http://127.0.0.1:8080")
    .option("--data <dir>", "data directory (default: ./data)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      await report(command.optsWithGlobals<ReportFlags>(), terminal);
    });
  return new Command("report").description("Write a report as files").addCommand(access);
}

async function report(flags: ReportFlags, terminal: Terminal): Promise<void> {
  const { configure } = await import("./configuration.ts");
  const { config } = configure(flags.config, flagsOf({ ...flags }, { data: "data" }));
  const { runAccessReport } = await import("./report/run.ts");
  const { from, to, tz = "UTC", limit = "100", where = [] } = flags;
  await runAccessReport(config, { ...flags, from, to, tz, limit, where, url: flags.url ?? null }, terminal);
}
