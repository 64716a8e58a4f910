/** What is too old leaves the DuckDB store. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Segments } from "./duckdb_segments.ts";
import { numberOf, rowsOf } from "./duckdb_values.ts";

const MINUTES_PER_BUCKET = 60;

/**
 * Deletes units row by row; events and quarantine a segment at a time, when its last record is old enough. Answers how many rows,
 * and the segments that are to be unlisted when the transaction has been committed.
 */
export async function deleteOld(
  connection: DuckDBConnection,
  segments: Segments,
  minutesBeforeMs: number,
  eventsBeforeMs: number,
): Promise<{ deleted: number; unlisted: string[] }> {
  const minutesBefore = BigInt(Math.floor(minutesBeforeMs));
  const old = [BigInt(Math.floor(eventsBeforeMs))];
  const [{ rows }] = await rowsOf(
    connection,
    "SELECT coalesce(sum(rows), 0)::BIGINT AS rows FROM segments WHERE last_record_ms < $1::BIGINT",
    old,
  );
  const unlisted = await segments.delist(connection, "last_record_ms < $1::BIGINT", old);
  const minutes = await connection.run(
    `DELETE FROM minutes WHERE (topic_id, part, floor(minute / ${MINUTES_PER_BUCKET})::INTEGER) IN (
       SELECT (topic_id, part, bucket) FROM units WHERE touched_ms < $1::BIGINT)`,
    [minutesBefore],
  );
  await connection.run("DELETE FROM units WHERE touched_ms < $1::BIGINT", [minutesBefore]);
  return { deleted: numberOf(rows) + minutes.rowsChanged, unlisted };
}
