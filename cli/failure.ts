/** The end of a command that failed: what is printed, and the exit status. */
import { CommanderError } from "commander";
import { messageOf, MillraceError } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import { styled, type Terminal } from "./terminal.ts";

const UNEXPECTED_STATUS = 1;
const USAGE_STATUS = 2;

/** Prints what a thrown value means to the user; answers the exit status. */
export function reportFailure(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return reportUsage(error, terminal);
  if (error instanceof MillraceError) {
    print(terminal, error.message, error.remedy);
    return error.exitStatus;
  }
  if (error instanceof Deno.errors.NotCapable) {
    print(terminal, error.message, "start it through its task, which names what it may do: deno task COMMAND");
    return UNEXPECTED_STATUS;
  }
  const stack = error instanceof Error ? error.stack ?? error.message : messageOf(error);
  terminal.err(`${styled(terminal, "red", "error:")} unexpected, please report it with the lines below\n`);
  terminal.err(`${stack}\nmillrace ${VERSION}, deno ${Deno.version.deno}, ${Deno.build.target}\n`);
  return UNEXPECTED_STATUS;
}

/** `error: MESSAGE`, then `  help: REMEDY`. */
export function print(terminal: Terminal, message: string, remedy: string): void {
  terminal.err(`${styled(terminal, "red", "error:")} ${message}\n  ${styled(terminal, "bold", "help:")} ${remedy}\n`);
}

/** commander throws for --help and --version too, with status 0, after it has printed them. */
function reportUsage(error: CommanderError, terminal: Terminal): number {
  if (error.exitCode === 0) return 0;
  // Without a command, the help is the answer: commander has printed it.
  if (error.code === "commander.help") return USAGE_STATUS;
  const [, message, hint] = /^(?:error: )?([^]*?)(?:\n\((Did you mean [^]*)\))?$/.exec(error.message) ?? [];
  const remedy = hint === undefined ? "--help after the command lists what it takes" : hint.replace(/^D/, "d");
  print(terminal, message ?? error.message, remedy);
  return USAGE_STATUS;
}
