/**
 * Exports: DuckDB's own COPY into temporary files, a slice of the rows each, which are streamed one after the other.
 * A slice has so few rows that memory is bounded whatever the width of the records. CSV is UTF-8 with a header and \n at
 * the end of lines; an absent value is an empty cell, an empty text is "".
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { MEASURE_SCALE, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { eventsIn, timeIn } from "./duckdb_conditions.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { writeJson } from "./duckdb_export_json.ts";
import { streamFiles } from "./duckdb_export_file.ts";
import { selectCells } from "./duckdb_export_minutes.ts";
import { type Part, partOf, type ReadyFile, type Rows, textSql, timeSql } from "./duckdb_export_parts.ts";
import { ReadyCopier } from "./duckdb_ready_copier.ts";
import type { ReadyHours } from "./duckdb_ready_hours.ts";
import { column } from "./duckdb_schema.ts";
import type { Segments } from "./duckdb_segments.ts";
import { planSlices, type Slice, SLICE_ROWS } from "./duckdb_slices.ts";
import { numberOf, Parameters, rowsOf, textLiteral } from "./duckdb_values.ts";
import type { Export, ExportFormat, ExportQuery } from "./ports.ts";

/** Options of COPY for the n-th file. */
function copyOptions(format: ExportFormat, n: number): string {
  switch (format) {
    case "csv":
      return `FORMAT csv, HEADER ${n === 0}`;
    case "parquet":
      return `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${SLICE_ROWS}`;
    case "ndjson":
      return "FORMAT json";
  }
}

export interface ExportParts {
  readonly connections: DuckDbConnections;
  readonly segments: Segments;
  /** Where temporary files lie. */
  readonly directory: string;
  /** Hours of minutes that need not be made. */
  readonly ready?: ReadyHours;
}

/**
 * Copies one snapshot into files of `directory`, and streams them; they are removed at the end, whatever happens. Resolves
 * when the first bytes are there. `prepare` makes the snapshot's tables whole.
 */
export async function exportTable(
  { connections, segments, directory, ready }: ExportParts,
  query: ExportQuery,
  prepare: (connection: DuckDBConnection) => Promise<void> = () => Promise.resolve(),
): Promise<Export> {
  const begun = Promise.withResolvers<{ frontier: Export["frontier"]; paths: string[]; interrupt: () => void }>();
  const files: PromiseWithResolvers<void>[] = [];
  let isStopped = false;
  let isWritten = false;
  const copy = async (connection: DuckDBConnection): Promise<void> => {
    await prepare(connection);
    const frontier = await readFrontier(connection, query.topicId);
    const name = `${directory}/${crypto.randomUUID()}`;
    await using copier = new ReadyCopier(ready ?? null, directory);
    const parts = await partsOf(
      connection,
      segments,
      query,
      (): Promise<Part[]> => selectCells(connection, query, copier, `${name}-ready`),
    );
    const paths = parts.map((_, n) => `${name}-${n}.${query.format}`);
    files.push(...parts.map(() => Promise.withResolvers<void>()));
    const interrupt = () => {
      connection.interrupt();
      copier.interrupt();
    };
    begun.resolve({ frontier, paths, interrupt });
    const helping = (n: number) => `${name}-${n}.rows`;
    let rows = parts[0]().then((make) => make(helping(0)));
    try {
      for (const [n, path] of paths.entries()) {
        const written = await rows;
        if (isStopped) throw new Error("the export was cancelled");
        const make = await parts[n + 1]?.();
        const write = writePart(connection, query.format, written, n, path);
        if (make !== undefined) rows = make(helping(n + 1));
        await Promise.allSettled([write, rows]); // neither may go on when the other has failed
        await write;
        await Deno.remove(helping(n)).catch(() => {}); // most parts need none
        files[n].resolve();
      }
    } finally {
      await rows.catch(() => {}); // it may still write its file
      isWritten = true; // nothing is left to interrupt
      for (const n of paths.keys()) await Deno.remove(helping(n)).catch(() => {});
    }
  };
  const ended = segments.reading(() => connections.readAlone(copy)).catch((error) => {
    begun.reject(error);
    for (const { promise, reject } of files) {
      promise.catch(() => {}); // nobody may have come to wait for it
      reject(error);
    }
  });
  const { frontier, paths, interrupt } = await begun.promise;
  const stop = async () => {
    isStopped = true;
    if (!isWritten) interrupt();
    await ended;
  };
  const written = paths.map((path, n) => ({ path, written: files[n].promise }));
  return { stream: await streamFiles(written, query.format, stop), frontier };
}

async function writePart(
  connection: DuckDBConnection,
  format: ExportFormat,
  source: Rows | ReadyFile,
  n: number,
  path: string,
): Promise<void> {
  if ("file" in source) return await Deno.rename(source.file, path);
  const { sql, copy, hugeTexts } = source;
  if (format === "ndjson" && hugeTexts !== undefined) return await writeJson(connection, path, sql, hugeTexts);
  // A path of ours, and a closed list of options.
  const options = `${copyOptions(format, n)}, USE_TMP_FILE false`;
  const statement = `COPY (${sql}) TO ${textLiteral(path)} (${options})`;
  if (copy === undefined) await connection.run(statement);
  else await copy(statement);
}

async function readFrontier(connection: DuckDBConnection, topicId: string): Promise<Export["frontier"]> {
  const rows = await rowsOf(
    connection,
    "SELECT part, checkpoint FROM partitions WHERE topic_id = $1 ORDER BY part",
    [topicId],
  );
  return rows.map(({ part, checkpoint }) => ({ partition: numberOf(part), offset: numberOf(checkpoint) }));
}

/** The table in its order, one part at least. */
function partsOf(
  connection: DuckDBConnection,
  segments: Segments,
  query: ExportQuery,
  cells: () => Promise<Part[]>,
): Promise<Part[]> {
  switch (query.table) {
    case "events":
      return selectEvents(connection, segments, query);
    case "quarantine":
      return selectQuarantine(connection, segments, query);
    case "minutes":
    case "hours":
      return cells();
  }
}

/** A record that is not UTF-8 is shown with bad bytes as \xNN, and is whole in raw_base64, which others leave empty. */
async function selectEvents(connection: DuckDBConnection, segments: Segments, query: ExportQuery): Promise<Part[]> {
  const parameters = new Parameters();
  const where = eventsIn(query.topicId, query.range, query.where, parameters);
  const { topicId, range } = query;
  const slices = await planSlices(connection, segments, {
    table: "events",
    topicId,
    range,
    time: "ts",
    where,
    values: parameters.values,
  });
  const fields = TEXT_FIELDS.map(column);
  const text = fields.map((field) => `${textSql(field, query)} AS ${field}`);
  const measures = MEASURES.map(({ name }, slot) => `${name} / ${MEASURE_SCALE[slot]} AS ${name}`);
  const columns = `${timeSql("ts", query.format)} AS "timestamp", part AS "partition", "offset",
    ${[...text, ...measures].join(", ")}, ${textSql("raw", query)} AS raw, base64(raw_bytes) AS raw_base64`;
  return slicedParts("events", slices, columns, "ts", [...fields, "raw"]);
}

async function selectQuarantine(connection: DuckDBConnection, segments: Segments, query: ExportQuery): Promise<Part[]> {
  if (query.where.length > 0) throw new RangeError(`${query.where[0].field} is not a field of quarantine`);
  const parameters = new Parameters();
  const where = `topic_id = ${parameters.add(query.topicId)} AND ` +
    timeIn("record_time", query.range, parameters).join(" AND ");
  const { topicId, range } = query;
  const slices = await planSlices(connection, segments, {
    table: "quarantine",
    topicId,
    range,
    time: "record_time",
    where,
    values: parameters.values,
  });
  // Bytes that are not UTF-8 are shown as \xNN, and are whole in raw_base64.
  const raw = "coalesce(try(decode(raw)), raw::VARCHAR)";
  const columns = `${timeSql("record_time", query.format)} AS record_time, part AS "partition", "offset",
    ${textSql("reason", query)} AS reason, ${textSql(raw, query)} AS raw, base64(raw) AS raw_base64`;
  return slicedParts("quarantine", slices, columns, "record_time", ["reason", "raw"]);
}

/** What is made of the records is made after they were sorted, which takes several times the bytes that it is given. */
function slicedParts(
  table: string,
  slices: readonly Slice[],
  columns: string,
  time: string,
  texts: readonly string[],
): Part[] {
  if (slices.length === 0) return [partOf({ sql: `SELECT ${columns} FROM ${table} WHERE false` })];
  return slices.map(({ from, isHuge }) =>
    partOf({
      sql: `SELECT ${columns} FROM (SELECT * FROM ${from} ORDER BY ${time}, part, "offset")`,
      hugeTexts: isHuge ? texts : undefined,
    })
  );
}
