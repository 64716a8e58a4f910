/** Where a command writes: results to `out`, everything about the run to `err`. Tests hand in their own. */

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Whether a person watches, so that a line may be drawn over. */
  readonly isOutTerminal: boolean;
  readonly isErrTerminal: boolean;
  readonly hasColour: boolean;
  /** Width in columns. */
  columns(): number;
}

const COLUMNS_WITHOUT_TERMINAL = 100;

/** The process's own streams. Colours only on a terminal, and never where NO_COLOR is set. */
export function processTerminal(): Terminal {
  const isOutTerminal = Deno.stdout.isTerminal();
  const isErrTerminal = Deno.stderr.isTerminal();
  return {
    out: (text) => writeAllSync(Deno.stdout, text),
    err: (text) => writeAllSync(Deno.stderr, text),
    isOutTerminal,
    isErrTerminal,
    hasColour: isOutTerminal && isErrTerminal && !Deno.noColor,
    columns: () => isOutTerminal || isErrTerminal ? consoleColumns() : COLUMNS_WITHOUT_TERMINAL,
  };
}

function consoleColumns(): number {
  try {
    // Terminals without a size, as in some CI systems, say 0 or throw.
    return Deno.consoleSize().columns || COLUMNS_WITHOUT_TERMINAL;
  } catch {
    return COLUMNS_WITHOUT_TERMINAL;
  }
}

function writeAllSync(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    // The reader of a pipe may leave (`| head`); there is nobody left to tell.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow";
const SGR: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** `text` in a style, where the terminal shows one. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  if (!terminal.hasColour) return text;
  const [on, off] = SGR[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}
