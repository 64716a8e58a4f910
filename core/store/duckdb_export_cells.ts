/**
 * Minute cells or hours as one row each, for exports: partials added up, sketches merged. Quantiles cannot be computed in
 * SQL, so the cells are collected into temporary tables (which spill) some hours at a time.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS, type Measure, MEASURE_SCALE, MEASURE_SLOT, MEASURES } from "../minutes/fields.ts";
import { minutesIn } from "./duckdb_conditions.ts";
import { meanSql, MergedSketch, stddevSql, stepSql } from "./duckdb_minutes.ts";
import { column } from "./duckdb_schema.ts";
import { numberOf, Parameters, streamRows } from "./duckdb_values.ts";
import type { ExportQuery } from "./ports.ts";

const MINUTES_PER_HOUR = 60;
const MS_PER_MINUTE = 60_000;
/** Partials whose sketches are merged before the next ones are read; a single hour may have more. */
const BATCH_ROWS = 20_000;
const QUANTILES = [["p50", 0.5], ["p90", 0.9], ["p95", 0.95], ["p99", 0.99]] as const;
const KEYS = ["starts", ...DIMENSIONS.map(column)];

/** Columns of the measures in a cell, in the order in which they are exported. */
export const CELL_MEASURE_COLUMNS: readonly string[] = MEASURES.flatMap(({ name }) =>
  ["count", "sum", "min", "max", "avg", "stddev", ...QUANTILES.map(([quantile]) => quantile)].map((part) =>
    `${name}_${part}`
  )
);

interface Batch {
  /** Minutes since 1970, half-open. */
  readonly from: number;
  readonly to: number;
}

/**
 * Answers what to select from, and its rows: `id` from 1 in the order of time and dimensions, `starts` in minutes since 1970, the dimensions,
 * `count`, `errors` and {@link CELL_MEASURE_COLUMNS}.
 */
export async function collectCells(
  connection: DuckDBConnection,
  query: ExportQuery,
  stepMinutes: number,
): Promise<{ readonly from: string; readonly cells: number }> {
  const { batches, measures } = await planBatches(connection, query);
  const quantiles = MEASURES.flatMap(({ name }) => QUANTILES.map(([quantile]) => `${name}_${quantile} DOUBLE`));
  await connection.run(`CREATE TEMP TABLE cells AS ${cellsSql(stepMinutes, "false")} LIMIT 0`, [0]);
  await connection.run(`CREATE TEMP TABLE quantiles (id BIGINT, ${quantiles.join(", ")})`);
  let cells = 0;
  for (const batch of batches) {
    const values = new Parameters();
    const after = cells;
    values.add(after);
    const where = batchSql(query, batch, values);
    const inserted = await connection.run(`INSERT INTO cells ${cellsSql(stepMinutes, where)}`, values.values);
    cells += inserted.rowsChanged;
    if (measures.length > 0) await addQuantiles(connection, query, { batch, after, stepMinutes, measures });
  }
  return { from: "cells LEFT JOIN quantiles USING (id)", cells };
}

/** Whole hours, as many as have {@link BATCH_ROWS} partials together, and the measures that there are. */
async function planBatches(
  connection: DuckDBConnection,
  query: ExportQuery,
): Promise<{ batches: Batch[]; measures: Measure[] }> {
  const values = new Parameters();
  const where = minutesIn(query.topicId, query.range, query.where, values);
  const used = MEASURES.map(({ name }) => `bool_or(${name}_count > 0) AS ${name}`);
  const hours = streamRows(
    connection,
    `SELECT ${stepSql(MINUTES_PER_HOUR)} AS hour, count(*) AS partials, ${used.join(", ")}
     FROM minutes WHERE ${where} GROUP BY hour ORDER BY hour`,
    values.values,
  );
  const batches: Batch[] = [];
  const measures = new Set<Measure>();
  let rows = Infinity;
  for await (const row of hours) {
    const hour = numberOf(row.hour);
    const partials = numberOf(row.partials);
    const open = batches.at(-1);
    const isFull = open === undefined || rows + partials > BATCH_ROWS;
    if (isFull) batches.push({ from: hour, to: hour + MINUTES_PER_HOUR });
    else batches[batches.length - 1] = { from: open.from, to: hour + MINUTES_PER_HOUR };
    rows = isFull ? partials : rows + partials;
    for (const { name } of MEASURES) if (row[name] === true) measures.add(name);
  }
  return { batches, measures: [...measures] };
}

/** The query's conditions within a batch: its first and last hour may reach beyond the query's range. */
function batchSql(query: ExportQuery, { from, to }: Batch, values: Parameters): string {
  const range = {
    fromMs: Math.max(query.range.fromMs, from * MS_PER_MINUTE),
    toMs: Math.min(query.range.toMs, to * MS_PER_MINUTE),
  };
  return minutesIn(query.topicId, range, query.where, values);
}

/** One row per cell, numbered on from $1 in the order of the keys. */
function cellsSql(stepMinutes: number, where: string): string {
  const means = MEASURES.map(({ name }) => meanSql(name, `${name}_mean`));
  const measures = MEASURES.flatMap(({ name }) => measureSql(name));
  return `SELECT $1::BIGINT + row_number() OVER (ORDER BY ${KEYS}) AS id, * FROM (
      SELECT ${KEYS}, sum(count)::BIGINT AS count, sum(errors)::BIGINT AS errors, ${measures}
      FROM (
        SELECT *, ${means} FROM (SELECT *, ${stepSql(stepMinutes)} AS starts FROM minutes WHERE ${where})
        WINDOW cell AS (PARTITION BY ${KEYS})
      ) GROUP BY ${KEYS}
    )`;
}

function measureSql(measure: Measure): string[] {
  const scale = MEASURE_SCALE[MEASURE_SLOT[measure]];
  return [
    `coalesce(sum(${measure}_count), 0)::BIGINT AS ${measure}_count`,
    `sum(${measure}_sum) / ${scale} AS ${measure}_sum`,
    `min(${measure}_min) / ${scale} AS ${measure}_min`,
    `max(${measure}_max) / ${scale} AS ${measure}_max`,
    `sum(${measure}_sum) / sum(${measure}_count) / ${scale} AS ${measure}_avg`,
    `${stddevSql(measure, `${measure}_mean`)} AS ${measure}_stddev`,
  ];
}

/** Merges the sketches of a batch's cells, cell by cell, and puts the quantiles beside the cells. */
async function addQuantiles(
  connection: DuckDBConnection,
  query: ExportQuery,
  { batch, after, stepMinutes, measures }: {
    batch: Batch;
    after: number;
    stepMinutes: number;
    measures: readonly Measure[];
  },
): Promise<void> {
  const values = new Parameters();
  const since = values.add(after);
  const where = batchSql(query, batch, values);
  const parts = measures.map((name) =>
    `m.${name}_sketch AS ${name}_sketch, m.${name}_min AS ${name}_low, m.${name}_max AS ${name}_high`
  );
  const rows = streamRows(
    connection,
    `SELECT c.id AS id, ${parts.join(", ")}
     FROM (SELECT *, ${stepSql(stepMinutes)} AS starts FROM minutes WHERE ${where}) m
     JOIN (SELECT id, ${KEYS} FROM cells WHERE id > ${since}) c USING (${KEYS})
     ORDER BY id`,
    values.values,
  );
  // A connection serves one statement at a time: finished cells wait until the stream has ended.
  const finished: { readonly id: number; readonly quantiles: readonly (number | null)[] }[] = [];
  let id = -1;
  let sketches = new Map<Measure, MergedSketch>();
  const finish = () => {
    if (sketches.size > 0) finished.push({ id, quantiles: quantilesOf(sketches) });
    sketches = new Map();
  };
  for await (const row of rows) {
    if (numberOf(row.id) !== id) finish();
    id = numberOf(row.id);
    for (const name of measures) {
      if (row[`${name}_sketch`] === null) continue;
      const merged = sketches.get(name) ?? new MergedSketch();
      merged.add(row, `${name}_sketch`, `${name}_low`, `${name}_high`);
      sketches.set(name, merged);
    }
  }
  finish();
  const appender = await connection.createAppender("quantiles", "main", "temp");
  for (const cell of finished) {
    appender.appendBigInt(BigInt(cell.id));
    for (const value of cell.quantiles) {
      if (value === null) appender.appendNull();
      else appender.appendDouble(value);
    }
    appender.endRow();
  }
  appender.closeSync();
}

function quantilesOf(sketches: ReadonlyMap<Measure, MergedSketch>): (number | null)[] {
  return MEASURES.flatMap(({ name }, slot) => {
    const merged = sketches.get(name);
    return QUANTILES.map(([, q]) => merged === undefined ? null : merged.quantile(q) / MEASURE_SCALE[slot]);
  });
}
