/** Exports: DuckDB's own COPY into a temporary file, which is then streamed out. Memory is bounded by DuckDB's limit. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS, type Measure, MEASURE_SCALE, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { eventsIn, minutesIn, timeIn } from "./duckdb_conditions.ts";
import { type DuckDbConnections, numberOf, Parameters, rowsOf } from "./duckdb_connections.ts";
import { MergedSketch, stddevSql } from "./duckdb_minutes.ts";
import { column } from "./duckdb_schema.ts";
import type { Export, ExportFormat, ExportQuery } from "./ports.ts";

const CHUNK_BYTES = 256 * 1024;
const QUANTILES = [["p50", 0.5], ["p90", 0.9], ["p95", 0.95], ["p99", 0.99]] as const;
const TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ";

const COPY_OPTIONS: Readonly<Record<ExportFormat, string>> = {
  csv: "FORMAT csv, HEADER true",
  parquet: "FORMAT parquet, COMPRESSION zstd",
  ndjson: "FORMAT json",
};

/** Copies one snapshot into `directory`, and streams the file; it is removed at the end, whatever happens. */
export async function exportTable(
  connections: DuckDbConnections,
  directory: string,
  query: ExportQuery,
): Promise<Export> {
  const path = `${directory}/${crypto.randomUUID()}.${query.format}`;
  try {
    const frontier = await connections.read(async (connection) => {
      const rows = await rowsOf(
        connection,
        "SELECT part, checkpoint FROM partitions WHERE topic_id = $1 ORDER BY part",
        [query.topicId],
      );
      await copy(connection, query, path);
      return rows.map(({ part, checkpoint }) => ({ partition: numberOf(part), offset: numberOf(checkpoint) }));
    });
    return { stream: await streamAndRemove(path), frontier };
  } catch (error) {
    await Deno.remove(path).catch(() => {});
    throw error;
  }
}

async function copy(connection: DuckDBConnection, query: ExportQuery, path: string): Promise<void> {
  // COPY takes no parameters: the selection, whose values are bound, is put into a temporary table first.
  const name = `export_${crypto.randomUUID().replaceAll("-", "")}`;
  const temporary = [`${name}_cells`, `${name}_quantiles`, name];
  try {
    const order = query.table === "events"
      ? await selectEvents(connection, query, name)
      : query.table === "quarantine"
      ? await selectQuarantine(connection, query, name)
      : await selectMinutes(connection, query, name);
    await connection.run(
      `COPY (SELECT * FROM ${name} ORDER BY ${order}) TO '${path.replaceAll("'", "''")}' (${
        COPY_OPTIONS[query.format]
      })`,
    );
  } finally {
    for (const table of temporary) await connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {});
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

async function selectEvents(connection: DuckDBConnection, query: ExportQuery, name: string): Promise<string> {
  const values = new Parameters();
  const text = [...TEXT_FIELDS, "raw"].map((field) => `${textSql(column(field), query)} AS ${column(field)}`);
  const measures = MEASURES.map(({ name }, slot) => `${name} / ${MEASURE_SCALE[slot]} AS ${name}`);
  await connection.run(
    `CREATE TEMP TABLE ${name} AS
     SELECT ${timeSql("ts", query.format)} AS "timestamp", part AS "partition", "offset",
       ${[...text.slice(0, -1), ...measures, text.at(-1)].join(", ")}
     FROM events WHERE ${eventsIn(query.topicId, query.range, query.where, values)}`,
    values.values,
  );
  return `"timestamp", "partition", "offset"`;
}

async function selectQuarantine(connection: DuckDBConnection, query: ExportQuery, name: string): Promise<string> {
  const values = new Parameters();
  const topic = values.add(query.topicId);
  // Bytes that are not UTF-8 are shown as \xNN, and are whole in raw_base64.
  const raw = "coalesce(try(decode(raw)), raw::VARCHAR)";
  await connection.run(
    `CREATE TEMP TABLE ${name} AS
     SELECT ${timeSql("record_time", query.format)} AS record_time, part AS "partition", "offset", reason,
       ${textSql(raw, query)} AS raw, base64(raw) AS raw_base64
     FROM quarantine WHERE topic_id = ${topic} AND ${timeIn("record_time", query.range, values).join(" AND ")}`,
    values.values,
  );
  return `record_time, "partition", "offset"`;
}

/** One row per minute (or hour) and dimension set, partials of all partitions added up. */
async function selectMinutes(connection: DuckDBConnection, query: ExportQuery, name: string): Promise<string> {
  const values = new Parameters();
  const minute = query.table === "hours" ? "minute - ((minute % 60) + 60) % 60" : "minute";
  const keys = ["starts", ...DIMENSIONS.map(column)];
  const where = minutesIn(query.topicId, query.range, query.where, values);
  const perMeasure = MEASURES.flatMap(({ name }, slot) => measureSql(name, MEASURE_SCALE[slot]));
  await connection.run(
    `CREATE TEMP TABLE ${name}_cells AS
     SELECT row_number() OVER () AS id, ${keys.join(", ")}, sum(count)::BIGINT AS count, sum(errors)::BIGINT AS errors,
       ${perMeasure.join(", ")}
     FROM (
       SELECT *, ${MEASURES.map(({ name }) => meanSql(name)).join(", ")}
       FROM (SELECT *, ${minute} AS starts FROM minutes WHERE ${where})
       WINDOW cell AS (PARTITION BY ${keys.join(", ")})
     ) GROUP BY ${keys.join(", ")}`,
    values.values,
  );
  await mergeQuantiles(connection, query, name, { minute, keys });
  const time = timeSql("make_timestamp(starts::BIGINT * 60000000)", query.format);
  const dimensions = DIMENSIONS.map((field) => `${textSql(column(field), query)} AS ${column(field)}`);
  const measures = MEASURES.flatMap(({ name }) => [
    ...["count", "sum", "min", "max", "avg", "stddev"].map((part) => `${name}_${part}`),
    ...QUANTILES.map(([quantile]) => `${name}_${quantile}`),
  ]);
  const unit = query.table === "hours" ? "hour" : "minute";
  await connection.run(
    `CREATE TEMP TABLE ${name} AS
     SELECT ${time} AS ${unit}, ${[...dimensions, "count", "errors", ...measures].join(", ")}
     FROM ${name}_cells LEFT JOIN ${name}_quantiles USING (id)`,
  );
  return [unit, ...DIMENSIONS.map(column)].join(", ");
}

function meanSql(measure: Measure): string {
  return `sum(${measure}_sum) OVER cell / sum(${measure}_count) OVER cell AS ${measure}_mean`;
}

function measureSql(measure: Measure, scale: number): string[] {
  return [
    `coalesce(sum(${measure}_count), 0)::BIGINT AS ${measure}_count`,
    `sum(${measure}_sum) / ${scale} AS ${measure}_sum`,
    `min(${measure}_min) / ${scale} AS ${measure}_min`,
    `max(${measure}_max) / ${scale} AS ${measure}_max`,
    `sum(${measure}_sum) / sum(${measure}_count) / ${scale} AS ${measure}_avg`,
    `${stddevSql(measure, `${measure}_mean`)} AS ${measure}_stddev`,
  ];
}

/** Sketches are merged here, cell by cell in a stream, and the quantiles appended beside the cells. */
async function mergeQuantiles(
  connection: DuckDBConnection,
  query: ExportQuery,
  name: string,
  { minute, keys }: { minute: string; keys: readonly string[] },
): Promise<void> {
  const columns = MEASURES.flatMap(({ name }) => QUANTILES.map(([quantile]) => `${name}_${quantile} DOUBLE`));
  await connection.run(`CREATE TEMP TABLE ${name}_quantiles (id BIGINT, ${columns.join(", ")})`);
  const values = new Parameters();
  const where = minutesIn(query.topicId, query.range, query.where, values);
  const parts = MEASURES.flatMap((
    { name },
  ) => [`${name}_sketch`, `m.${name}_min AS ${name}_low`, `m.${name}_max AS ${name}_high`]);
  const result = await connection.stream(
    `SELECT c.id, ${parts.join(", ")}
     FROM (SELECT *, ${minute} AS starts FROM minutes WHERE ${where}) m JOIN ${name}_cells c USING (${keys.join(", ")})
     ORDER BY c.id`,
    values.values,
  );
  // A connection serves one statement at a time: finished cells wait here until the stream has ended.
  const finished: number[] = [];
  let id = -1;
  let sketches: (MergedSketch | null)[] = [];
  const finish = () => {
    if (id < 0) return;
    finished.push(id);
    sketches.forEach((sketch, slot) => {
      for (const [, q] of QUANTILES) finished.push(sketch === null ? NaN : sketch.quantile(q) / MEASURE_SCALE[slot]);
    });
  };
  for await (const rows of result.yieldRowObjectJs()) {
    for (const row of rows) {
      const rowId = numberOf(row.id);
      if (rowId !== id) {
        finish();
        id = rowId;
        sketches = MEASURES.map(() => null);
      }
      MEASURES.forEach(({ name }, slot) => {
        if (row[`${name}_sketch`] === null) return;
        (sketches[slot] ??= new MergedSketch()).add(row, `${name}_sketch`, `${name}_low`, `${name}_high`);
      });
    }
  }
  finish();
  const width = 1 + MEASURES.length * QUANTILES.length;
  const appender = await connection.createAppender(`${name}_quantiles`, "main", "temp");
  for (let at = 0; at < finished.length; at += width) {
    appender.appendBigInt(BigInt(finished[at]));
    for (let i = 1; i < width; i++) {
      const value = finished[at + i];
      if (Number.isNaN(value)) appender.appendNull();
      else appender.appendDouble(value);
    }
    appender.endRow();
  }
  appender.closeSync();
}

async function streamAndRemove(path: string): Promise<ReadableStream<Uint8Array>> {
  const file = await Deno.open(path, { read: true });
  // The open file stays readable without its name, so that nothing is left behind if this process is killed.
  await Deno.remove(path);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      try {
        const read = await file.read(chunk);
        if (read !== null) return controller.enqueue(chunk.subarray(0, read));
        file.close();
        controller.close();
      } catch (error) {
        file.close();
        controller.error(error);
      }
    },
    cancel() {
      file.close();
    },
  }, { highWaterMark: 2 });
}
