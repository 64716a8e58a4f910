/** A terminal for tests: keeps what is written. */
import type { Terminal } from "./terminal.ts";

export interface TestTerminal extends Terminal {
  output: string;
  errors: string;
}

/** Not a terminal in the eyes of commands, without colours, 100 columns wide, unless told otherwise. */
export function testTerminal(traits: Partial<Omit<Terminal, "out" | "err">> = {}): TestTerminal {
  const terminal: TestTerminal = {
    output: "",
    errors: "",
    out: (text) => terminal.output += text,
    err: (text) => terminal.errors += text,
    isOutTerminal: false,
    isErrTerminal: false,
    hasColour: false,
    columns: () => 100,
    ...traits,
  };
  return terminal;
}
