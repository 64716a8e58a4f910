/** How many rows there are: what an export would have, and what a search finds. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS } from "../minutes/fields.ts";
import { minutesIn, searchedEvents, timeIn } from "./duckdb_conditions.ts";
import { column } from "./duckdb_schema.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import { numberOf, Parameters, rowsOf } from "./duckdb_values.ts";
import type { CountQuery, RowCount } from "./ports.ts";

const MINUTES_PER_HOUR = 60;

export async function countRows(
  connection: DuckDBConnection,
  segments: Segments,
  query: CountQuery,
): Promise<RowCount> {
  const values = new Parameters();
  const from = await rowsSql(connection, segments, query, values);
  const [{ rows }] = await rowsOf(connection, `SELECT count(*) AS rows FROM ${from}`, values.values);
  return { rows: numberOf(rows), isAll: true };
}

async function rowsSql(
  connection: DuckDBConnection,
  segments: Segments,
  query: CountQuery,
  values: Parameters,
): Promise<string> {
  const { table, topicId, range, where } = query;
  switch (table) {
    case "events": {
      const entries = await readEntries(connection, { table, topicId, range });
      return `${sourceSql(segments, table, entries)} WHERE ${searchedEvents(query, values)}`;
    }
    case "quarantine": {
      const entries = await readEntries(connection, { table, topicId, range });
      const conditions = [`topic_id = ${values.add(topicId)}`, ...timeIn("record_time", range, values)];
      return `${sourceSql(segments, table, entries)} WHERE ${conditions.join(" AND ")}`;
    }
    case "minutes":
    case "hours": {
      // Partials of partitions are one cell of the file.
      const step = table === "hours" ? `floor(minute / ${MINUTES_PER_HOUR})` : "minute";
      const cell = [step, ...DIMENSIONS.map(column)].join(", ");
      return `(SELECT DISTINCT ${cell} FROM minutes WHERE ${minutesIn(topicId, range, where, values)})`;
    }
  }
}
