/** `patterns`: which lines of a file say the same. */
import { Command } from "commander";
import type { CommandParts } from "./program.ts";

interface PatternsFlags {
  readonly file: string;
  readonly out: string;
  readonly format?: string;
}

const HELP = `
Groups lines by what they have in common: numbers, ids, addresses, paths and dates are values, and so is a word that takes
many forms at one place. The file of --out has a row a line of the input, in its order: the pattern's id and its template,
in which <*> stands for values. A pattern belongs to a service and a level, where the format has them.

Without --format the format is detected from the first lines, as for topics; lines of none are messages as they are, and so
are all with --format message. The file may be gzip.

Examples:
  deno task patterns --file app.log --out patterns.csv
  deno task patterns --file messages.txt --format message --out patterns.csv
  cut -d, -f1 patterns.csv | sort | uniq -c | sort -rn | head
`;

export function patternsCommand({ terminal }: CommandParts): Command {
  return new Command("patterns")
    .description("Group the lines of a file by what they have in common")
    .requiredOption("--file <path>", "file to read, or - for standard input")
    .requiredOption("--out <file>", "CSV to write: id,template, a row a line; - for standard output")
    .option("--format <name>", "parser of the lines, or message: a line is the message itself (default: detected)")
    .addHelpText("after", HELP)
    .action(async (_options: unknown, command: Command) => {
      const { runPatterns } = await import("./patterns/run.ts");
      await runPatterns(command.optsWithGlobals<PatternsFlags>(), terminal);
    });
}
