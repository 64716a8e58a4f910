/**
 * Exports: DuckDB's own COPY into a temporary file, streamed out while it grows. Memory is bounded by DuckDB's limit:
 * what does not fit is spilled. CSV is UTF-8 with a header and \n at the end of lines; an absent value is an empty cell,
 * an empty text is "".
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS, MEASURE_SCALE, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { eventsIn, timeIn } from "./duckdb_conditions.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { CELL_MEASURE_COLUMNS, collectCells } from "./duckdb_export_cells.ts";
import { streamWhileWritten } from "./duckdb_export_file.ts";
import { column } from "./duckdb_schema.ts";
import { numberOf, Parameters, rowsOf, textLiteral } from "./duckdb_values.ts";
import type { Export, ExportFormat, ExportQuery } from "./ports.ts";

const TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ";
/** Rows of a Parquet row group: each is held in memory until it is complete. */
const PARQUET_GROUP_ROWS = 40_960;

const COPY_OPTIONS: Readonly<Record<ExportFormat, string>> = {
  csv: "FORMAT csv, HEADER true",
  parquet: `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${PARQUET_GROUP_ROWS}`,
  ndjson: "FORMAT json",
};

interface Selection {
  readonly sql: string;
  readonly values: Parameters["values"];
}

/** Copies one snapshot into a file of `directory`, and streams it; the file is removed at the end, whatever happens. */
export async function exportTable(
  connections: DuckDbConnections,
  directory: string,
  query: ExportQuery,
): Promise<Export> {
  const path = `${directory}/${crypto.randomUUID()}.${query.format}`;
  const begun = Promise.withResolvers<{ frontier: Export["frontier"]; interrupt: () => void }>();
  const written = connections.readAlone(async (connection) => {
    const frontier = await readFrontier(connection, query.topicId);
    const { sql, values } = await selectionOf(connection, query);
    begun.resolve({ frontier, interrupt: () => connection.interrupt() });
    // A path of ours, and a closed list of options: the rest is bound.
    await connection.run(
      `COPY (${sql}) TO ${textLiteral(path)} (${COPY_OPTIONS[query.format]}, USE_TMP_FILE false)`,
      values,
    );
  });
  written.catch(begun.reject);
  const { frontier, interrupt } = await begun.promise;
  return { stream: await streamWhileWritten(path, written, interrupt), frontier };
}

async function readFrontier(connection: DuckDBConnection, topicId: string): Promise<Export["frontier"]> {
  const rows = await rowsOf(
    connection,
    "SELECT part, checkpoint FROM partitions WHERE topic_id = $1 ORDER BY part",
    [topicId],
  );
  return rows.map(({ part, checkpoint }) => ({ partition: numberOf(part), offset: numberOf(checkpoint) }));
}

function selectionOf(connection: DuckDBConnection, query: ExportQuery): Selection | Promise<Selection> {
  switch (query.table) {
    case "events":
      return selectEvents(query);
    case "quarantine":
      return selectQuarantine(query);
    case "minutes":
    case "hours":
      return selectCells(connection, query);
  }
}

/** Times are text in CSV and NDJSON, timestamps in Parquet. */
function timeSql(sql: string, format: ExportFormat): string {
  return format === "parquet" ? sql : `strftime(${sql}, '${TIME_FORMAT}')`;
}

/**
 * Text that a spreadsheet would run as a formula gets an apostrophe in front (OWASP ASVS 1.2.10); numbers are other
 * columns and stay numbers.
 */
function textSql(sql: string, query: ExportQuery): string {
  if (query.format !== "csv" || query.isRaw) return sql;
  return `CASE WHEN left(${sql}, 1) IN ('=', '+', '-', '@', chr(9), chr(13), chr(0)) THEN '''' || ${sql} ELSE ${sql} END`;
}

/** A record that is not UTF-8 is shown with bad bytes as \xNN, and is whole in raw_base64, which others leave empty. */
function selectEvents(query: ExportQuery): Selection {
  const parameters = new Parameters();
  const text = TEXT_FIELDS.map((field) => `${textSql(column(field), query)} AS ${column(field)}`);
  const measures = MEASURES.map(({ name }, slot) => `${name} / ${MEASURE_SCALE[slot]} AS ${name}`);
  const sql = `SELECT ${timeSql("ts", query.format)} AS "timestamp", part AS "partition", "offset",
      ${[...text, ...measures].join(", ")}, ${textSql("raw", query)} AS raw, base64(raw_bytes) AS raw_base64
    FROM events WHERE ${eventsIn(query.topicId, query.range, query.where, parameters)}
    ORDER BY ts, part, "offset"`;
  return { sql, values: parameters.values };
}

function selectQuarantine(query: ExportQuery): Selection {
  if (query.where.length > 0) throw new RangeError(`${query.where[0].field} is not a field of quarantine`);
  const parameters = new Parameters();
  const topic = parameters.add(query.topicId);
  // Bytes that are not UTF-8 are shown as \xNN, and are whole in raw_base64.
  const raw = "coalesce(try(decode(raw)), raw::VARCHAR)";
  const sql = `SELECT ${timeSql("record_time", query.format)} AS record_time, part AS "partition", "offset",
      ${textSql("reason", query)} AS reason, ${textSql(raw, query)} AS raw, base64(raw) AS raw_base64
    FROM quarantine WHERE topic_id = ${topic} AND ${timeIn("record_time", query.range, parameters).join(" AND ")}
    ORDER BY quarantine.record_time, part, "offset"`;
  return { sql, values: parameters.values };
}

async function selectCells(connection: DuckDBConnection, query: ExportQuery): Promise<Selection> {
  const isHours = query.table === "hours";
  const from = await collectCells(connection, query, isHours ? 60 : 1);
  const time = timeSql("make_timestamp(starts::BIGINT * 60000000)", query.format);
  const dimensions = DIMENSIONS.map((field) => `${textSql(column(field), query)} AS ${column(field)}`);
  const sql = `SELECT ${time} AS ${isHours ? "hour" : "minute"}, ${dimensions.join(", ")}, count, errors,
      ${CELL_MEASURE_COLUMNS.join(", ")}
    FROM ${from} ORDER BY id`;
  return { sql, values: [] };
}
