/** Loghub-2k as its authors publish it: a folder a system, with a CSV of lines and their templates. */
import { DuckDBInstance } from "@duckdb/node-api";
import type { TrueLine } from "../../analyzer/evaluation/grouping_run.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";

export interface LoghubSystem {
  readonly name: string;
  readonly lines: readonly TrueLine[];
}

/** The systems of a folder, by name; null where there is no such folder. Throws CORRUPT_DATA for a file that is no such CSV. */
export async function readLoghub(directory: string): Promise<LoghubSystem[] | null> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(directory)) if (isDirectory) names.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const systems: LoghubSystem[] = [];
    for (const name of names.sort()) {
      const path = `${directory}/${name}/${name}_2k.log_structured.csv`;
      if (!await Deno.stat(path).then(({ isFile }) => isFile, () => false)) continue;
      try {
        const rows = await connection.runAndReadAll(
          `SELECT Content, EventId, EventTemplate FROM read_csv(?, header = true, all_varchar = true, quote = '"', escape = '"', delim = ',')`,
          [path],
        );
        const lines = rows.getRowsJS().map(([message, event, template]) => ({
          message: String(message ?? ""),
          event: String(event ?? ""),
          template: String(template ?? ""),
        }));
        systems.push({ name, lines });
      } catch (cause) {
        throw new MillraceError(
          "CORRUPT_DATA",
          `${path}: not a CSV with the columns Content, EventId and EventTemplate: ${messageOf(cause).split("\n")[0]}`,
          "take the file as https://github.com/logpai/loghub publishes it, or name another folder: --loghub DIR",
          { cause },
        );
      }
    }
    return systems;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
