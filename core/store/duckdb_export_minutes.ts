/** Parts of an export of minutes or hours: ready hours as they are, or copied, and the cells between them made anew. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS } from "../minutes/fields.ts";
import { cellsWhere, minuteRange } from "./duckdb_conditions.ts";
import { CellExport, NO_CELLS } from "./duckdb_export_cells.ts";
import { type Part, partOf, textSql, timeSql } from "./duckdb_export_parts.ts";
import type { ReadyCopier } from "./duckdb_ready_copier.ts";
import type { ReadyHour } from "./duckdb_ready_hours.ts";
import { column } from "./duckdb_schema.ts";
import { integerLiteral, textLiteral, WRITTEN_OUT } from "./duckdb_values.ts";
import type { ExportQuery, TimeRange } from "./ports.ts";

/** Ready hours that are copied together, about: while some are copied, those before are on their way. */
const COPIED_BYTES = 1_048_576;
const MICROS_PER_MINUTE = 60_000_000;

/** What is alike in a range: hours that follow each other and are ready, or cells that have to be made. */
type Stretch = { readonly ready: readonly ReadyHour[] } | { readonly range: TimeRange };

/** The cells of a query in their order, one part at least. `prefix` begins the names of files that are taken. */
export async function selectCells(
  connection: DuckDBConnection,
  query: ExportQuery,
  copier: ReadyCopier,
  prefix: string,
): Promise<Part[]> {
  const ready = query.table === "minutes" ? await copier.take(connection, query, prefix) : [];
  const stretches = stretchesOf(query.range, ready);
  const ranges = stretches.flatMap((stretch) => "range" in stretch ? [stretch.range] : []);
  const cells = new CellExport(connection, query, ranges, query.table === "hours" ? 60 : 1, {
    time: (minutes) => timeSql(`make_timestamp(${minutes}::BIGINT * 60000000)`, query.format),
    text: (value) => textSql(value, query),
  });
  const made = (batch: typeof NO_CELLS): Part => async () => {
    const make = await cells.fetch(batch);
    return async (path) => ({ sql: await make(path) });
  };
  const parts: Part[] = [];
  for (const stretch of stretches) {
    if ("ready" in stretch) parts.push(...readyParts(query, copier, stretch.ready));
    else parts.push(...(await cells.plan(stretch.range)).map(made));
  }
  return parts.length > 0 ? parts : [made(NO_CELLS)];
}

function stretchesOf({ fromMs, toMs }: TimeRange, hours: readonly ReadyHour[]): Stretch[] {
  const stretches: Stretch[] = [];
  let at = fromMs;
  let run: ReadyHour[] = [];
  for (const hour of hours) {
    if (hour.range.fromMs > at || run.length === 0) {
      if (hour.range.fromMs > at) stretches.push({ range: { fromMs: at, toMs: hour.range.fromMs } });
      stretches.push({ ready: run = [] });
    }
    run.push(hour);
    at = hour.range.toMs;
  }
  if (at < toMs || hours.length === 0) stretches.push({ range: { fromMs: at, toMs } });
  return stretches;
}

/** A Parquet export of all cells has whole hours as they are; what else is wanted is copied, some hours together. */
function readyParts(query: ExportQuery, copier: ReadyCopier, hours: readonly ReadyHour[]): Part[] {
  const parts: Part[] = [];
  let some: ReadyHour[] = [];
  let bytes = 0;
  const copySome = () => {
    const copied = some;
    if (copied.length === 0) return;
    parts.push(partOf({ sql: readySql(query, copied), copy: (statement) => copier.copy(statement, copied) }));
    [some, bytes] = [[], 0];
  };
  for (const hour of hours) {
    if (query.format === "parquet" && query.where.length === 0 && hour.isWhole) {
      copySome();
      parts.push(async () => {
        await copier.check(hour);
        return () => Promise.resolve({ file: hour.path });
      });
    } else {
      some.push(hour);
      bytes += hour.bytes;
      if (bytes >= COPIED_BYTES) copySome();
    }
  }
  copySome();
  return parts;
}

/** The rows of ready hours that the query asks for, in their files' order, as its format shows them. */
function readySql(query: ExportQuery, hours: readonly ReadyHour[]): string {
  const texts = DIMENSIONS.map(column).map((name) => `${textSql(name, query)} AS ${name}`);
  const shown = [`${timeSql("minute", query.format)} AS minute`, ...texts];
  const { from, to } = minuteRange(query.range);
  const timestamp = (minutes: number) => `make_timestamp(${integerLiteral(minutes * MICROS_PER_MINUTE)})`;
  return `SELECT * REPLACE (${shown}) FROM read_parquet([${hours.map(({ path }) => textLiteral(path))}])
    WHERE minute >= ${timestamp(from)} AND minute < ${timestamp(to)} AND ${cellsWhere(query.where, WRITTEN_OUT)}`;
}
