/** Minute rows into DuckDB's table, in the place of earlier rows of the same cells. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS } from "../minutes/fields.ts";
import { MINUTE_SELECT, minuteRowGroup, type MinutesOfPartition } from "./duckdb_rows.ts";
import { column } from "./duckdb_schema.ts";
import type { Staging } from "./duckdb_staging.ts";
import { integerLiteral, textLiteral } from "./duckdb_values.ts";

/** What tells a row of minutes from all others. */
const ROW_KEY = ["topic_id", "part", "minute", "from_offset", ...DIMENSIONS.map(column)];

/** Minutes from `first` to `last`. */
export interface MinuteSpan {
  readonly first: number;
  readonly last: number;
}

/** The minutes of those rows that `isWanted`; null where there are none. */
export function minuteSpan<P extends MinutesOfPartition>(
  parts: readonly P[],
  isWanted: (part: P, fromOffset: number) => boolean,
): MinuteSpan | null {
  let first = Infinity;
  let last = -Infinity;
  for (const part of parts) {
    const { rows, minutes, fromOffsets } = part.minutes;
    for (let row = 0; row < rows; row++) {
      if (!isWanted(part, fromOffsets[row])) continue;
      first = Math.min(first, minutes[row]);
      last = Math.max(last, minutes[row]);
    }
  }
  return first <= last ? { first, last } : null;
}

/** Cumulative rows replace those of the flush before: `replaced` are the minutes that may have such. */
export async function replaceMinutes(
  connection: DuckDBConnection,
  staging: Staging,
  parts: readonly MinutesOfPartition[],
  replaced: MinuteSpan | null,
): Promise<void> {
  await staging.stage(minuteRowGroup(parts), async (path) => {
    await deleteReplaced(connection, path, replaced);
    await connection.run(`INSERT INTO minutes SELECT ${MINUTE_SELECT} FROM read_parquet(${textLiteral(path)})`);
  });
}

/** Deletes the table's rows of the cells in a file; see {@link replaceMinutes}. */
export async function deleteReplaced(
  connection: DuckDBConnection,
  path: string,
  replaced: MinuteSpan | null,
): Promise<void> {
  if (replaced === null) return;
  // The range lets DuckDB pass over row groups by their smallest and largest minute.
  await connection.run(
    `DELETE FROM minutes AS old USING read_parquet(${textLiteral(path)}) AS new
     WHERE old.minute BETWEEN ${integerLiteral(replaced.first)} AND ${integerLiteral(replaced.last)}
       AND ${ROW_KEY.map((name) => `old.${name} = new.${name}`).join(" AND ")}`,
  );
}
