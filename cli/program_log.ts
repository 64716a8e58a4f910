/** What a program that runs on its own says: lines for a person on a terminal, JSON for whoever collects logs. */
import { styled, type Terminal } from "./terminal.ts";

const LEVELS = { "error: ": "ERROR", "warning: ": "WARN" } as const;

/** Writes to standard error; a message may begin with how grave it is, as in `error: …`. */
export function programLog(program: string, terminal: Terminal): (message: string) => void {
  return (message) => {
    const time = new Date().toISOString();
    if (terminal.isErrTerminal) return terminal.err(`${styled(terminal, "dim", time.slice(11, 19))} ${message}\n`);
    const prefix = (Object.keys(LEVELS) as (keyof typeof LEVELS)[]).find((begin) => message.startsWith(begin));
    const level = prefix === undefined ? "INFO" : LEVELS[prefix];
    terminal.err(JSON.stringify({ time, level, program, message: message.slice(prefix?.length ?? 0) }) + "\n");
  };
}
