/** The command line of Millrace: `deno run cli.ts --help`. Every deno task is a line of it. */
import { runCommandLine } from "./cli/program.ts";
import { processTerminal } from "./cli/terminal.ts";

const terminal = processTerminal();
Deno.exit(await runCommandLine(Deno.args, terminal));
