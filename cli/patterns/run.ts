/** Reads a file line by line, and writes which pattern each line is of. */
import { stringify } from "csv-stringify/sync";
import { writeAll } from "../../core/durable_file.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";
import { PatternBook } from "../../analyzer/errors/pattern_book.ts";
import { PARSERS } from "../../engine/parsing/registry.ts";
import { formatDuration, formatPlural } from "../format.ts";
import { openInput } from "../produce/input.ts";
import type { Terminal } from "../terminal.ts";
import { LineReader, MESSAGE_FORMAT } from "./line_reader.ts";

const ROWS_AT_ONCE = 10_000;
const STANDARD_OUTPUT = "-";

export interface PatternsOptions {
  readonly file: string;
  readonly out: string;
  readonly format?: string;
}

/** Throws INVALID_INPUT for a format that there is not, FILE_UNAVAILABLE or CORRUPT_DATA. */
export async function runPatterns({ file, out, format }: PatternsOptions, terminal: Terminal): Promise<void> {
  const names = [MESSAGE_FORMAT, ...PARSERS.map(({ name }) => name)];
  if (format !== undefined && !names.includes(format)) {
    throw new MillraceError(
      "INVALID_INPUT",
      `--format ${format}: no such format`,
      `the formats are ${names.join(", ")}`,
    );
  }
  await refuseSameFile(file, out);
  const startMs = performance.now();
  const book = new PatternBook({ templatesMax: Infinity }); // every row needs its template at the end
  const lines = new LineReader(format ?? null);
  const ids: number[] = [];
  const input = await openInput(file);
  try {
    for await (const { service, level, message } of lines.read(input.chunks)) {
      ids.push(book.add(service, level, message));
    }
  } finally {
    input.close();
  }
  await writeRows(out, book, ids);
  const seconds = (performance.now() - startMs) / 1000;
  const said = out === STANDARD_OUTPUT ? terminal.err : terminal.out;
  said(
    `${out === STANDARD_OUTPUT ? "standard output" : out}: ${formatPlural(ids.length, "line")}, ${
      formatPlural(book.patterns, "pattern")
    }, ` +
      `read as ${lines.format}, in ${formatDuration(seconds * 1000)}\n`,
  );
}

/** Its lines would be lost. */
async function refuseSameFile(file: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([file, out].map((path) => Deno.stat(path).catch(() => null)));
  if (from === null || to === null || !from.isFile) return;
  if (from.ino === null ? file !== out : from.ino !== to.ino || from.dev !== to.dev) return;
  throw new MillraceError("INVALID_INPUT", `--out ${out}: is the file that is read`, "name another file: --out FILE");
}

async function writeRows(out: string, book: PatternBook, ids: readonly number[]): Promise<void> {
  const rows = new Map<number, string>();
  const rowOf = (id: number): string => {
    const pattern = book.patternOf(id);
    let row = rows.get(pattern.number);
    if (row === undefined) rows.set(pattern.number, row = stringify([[pattern.id, pattern.template]]));
    return row;
  };
  try {
    using opened = out === STANDARD_OUTPUT ? null : await Deno.open(out, { write: true, create: true, truncate: true });
    const file = opened ?? Deno.stdout;
    const encoder = new TextEncoder();
    await writeAll(file, encoder.encode("id,template\n"));
    for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) {
      await writeAll(file, encoder.encode(ids.slice(at, at + ROWS_AT_ONCE).map(rowOf).join("")));
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${out}: cannot be written: ${messageOf(cause)}`,
      "name a file in a directory that this user may write, on a disk with room: --out FILE",
      { cause },
    );
  }
}
