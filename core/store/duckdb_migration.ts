/** Makes the tables of the DuckDB store, and brings those of older versions up to this one. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { syncFile } from "../durable_file.ts";
import { MillraceError } from "../errors.ts";
import { countRowGroups } from "../parquet/merge.ts";
import { SCHEMA, SCHEMA_VERSION, WIDTHS_MIGRATION } from "./duckdb_schema.ts";
import type { Segments } from "./duckdb_segments.ts";
import { numberOf, rowsOf, textLiteral, textOf } from "./duckdb_values.ts";
import { RECORD_TABLES, type RecordTable } from "./segment_catalog.ts";

/** In one transaction, which the caller commits. Throws NEWER_DATA. */
export async function migrateSchema(connection: DuckDBConnection, segments: Segments): Promise<void> {
  await connection.run(SCHEMA);
  const [row] = await rowsOf(connection, "SELECT value FROM meta WHERE name = 'schema_version'");
  if (row === undefined) {
    await connection.run("INSERT INTO meta VALUES ('schema_version', $1)", [String(SCHEMA_VERSION)]);
    return;
  }
  const version = Number(row.value);
  if (version > SCHEMA_VERSION) {
    throw new MillraceError(
      "NEWER_DATA",
      `the store has schema version ${row.value}, this Millrace knows versions up to ${SCHEMA_VERSION}`,
      "run the newer Millrace that wrote it, or start with another data directory",
    );
  }
  if (version === SCHEMA_VERSION) return;
  if (version < 3) {
    await connection.run(WIDTHS_MIGRATION);
    for (const table of RECORD_TABLES) await moveToSegments(connection, segments, table);
  }
  await connection.run("UPDATE meta SET value = $1 WHERE name = 'schema_version'", [String(SCHEMA_VERSION)]);
}

async function moveToSegments(connection: DuckDBConnection, segments: Segments, table: RecordTable): Promise<void> {
  const time = table === "events" ? "ts" : "record_time";
  const topics = await rowsOf(
    connection,
    `SELECT topic_id, count(*) AS rows, epoch_us(min(${time})) AS first, epoch_us(max(${time})) AS last,
       epoch_ms(max(record_time)) + 1 AS last_record FROM ${table} GROUP BY topic_id`,
  );
  for (const topic of topics) {
    const topicId = textOf(topic.topic_id);
    const file = segments.newFile();
    const path = segments.path(file);
    await connection.run(
      `COPY (SELECT * FROM ${table} WHERE topic_id = ${textLiteral(topicId)} ORDER BY record_time)
       TO ${textLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 10240)`,
    );
    await syncFile(path);
    await segments.list(connection, [{
      file,
      table,
      topicId,
      level: 1,
      rows: numberOf(topic.rows),
      firstGroup: 0,
      groups: await countRowGroups(path),
      fileBytes: (await Deno.stat(path)).size,
      firstMicros: numberOf(topic.first),
      lastMicros: numberOf(topic.last),
      lastRecordMs: numberOf(topic.last_record),
    }]);
  }
  await connection.run(`DELETE FROM ${table}`);
}
