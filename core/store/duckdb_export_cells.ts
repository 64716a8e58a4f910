/**
 * Minute cells or hours as one row each, for exports: partials added up, sketches merged, a batch of steps at a time. The
 * distinct dimensions are numbered in their order, so that cells are grouped and sorted by two small integers.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { DIMENSIONS, type Measure, MEASURE_SCALE, MEASURE_SLOT, MEASURES } from "../minutes/fields.ts";
import { minuteRange, minutesIn } from "./duckdb_conditions.ts";
import { quantileColumn, QUANTILES, QuantileWriter, TAG_DIGITS } from "./duckdb_export_quantiles.ts";
import { meanSql, stddevSql, stepSql } from "./duckdb_minutes.ts";
import { column } from "./duckdb_schema.ts";
import { integerLiteral, numberOf, Parameters, rowsOf, textLiteral } from "./duckdb_values.ts";
import type { ExportQuery, TimeRange } from "./ports.ts";

const MS_PER_MINUTE = 60_000;
/** No cells: a file tells its columns without rows, too. */
export const NO_CELLS: CellBatch = { range: { fromMs: 0, toMs: 0 }, dims: null, rows: 0, measures: [], isHuge: false };
/** Partials of a batch, and bytes of their sketches, about: COPY of so many works in 48 MB of DuckDB's memory. */
const BATCH_ROWS = 20_480;
const BATCH_BYTES = 2 * 1_048_576;
const KEYS = DIMENSIONS.map(column);
const STATISTICS = ["sum", "min", "max", "avg", "stddev"] as const;

/** How cells are shown. */
export interface CellFormat {
  /** Of the step that begins at a number of minutes. */
  readonly time: (minutes: string) => string;
  readonly text: (value: string) => string;
}

/** Cells of some steps. */
export interface CellBatch {
  readonly range: TimeRange;
  /** Numbers of the dimensions, (after, upTo], where a single step has too many cells; null: all. */
  readonly dims: { readonly after: number; readonly upTo: number } | null;
  readonly rows: number;
  readonly measures: readonly Measure[];
  readonly isHuge: boolean;
}

/** What writes the cells of a query, in the order of time and dimensions, a batch after the other. */
export class CellExport {
  readonly #connection: DuckDBConnection;
  readonly #query: ExportQuery;
  readonly #ranges: readonly TimeRange[];
  readonly #step: number;
  readonly #format: CellFormat;
  readonly #quantiles = new QuantileWriter();
  /** How many sets of dimensions there are. */
  #dimensions = 0;
  #isNumbered = false;

  /** @param ranges The parts of the query's range that are wanted. */
  constructor(
    connection: DuckDBConnection,
    query: ExportQuery,
    ranges: readonly TimeRange[],
    stepMinutes: number,
    format: CellFormat,
  ) {
    this.#connection = connection;
    this.#query = query;
    this.#ranges = ranges;
    this.#step = stepMinutes;
    this.#format = format;
  }

  /** Batches of one of the ranges, that follow each other. */
  async plan(range: TimeRange): Promise<readonly CellBatch[]> {
    if (!this.#isNumbered) await this.#numberDimensions();
    const values = new Parameters();
    const where = minutesIn(this.#query.topicId, range, this.#query.where, values);
    const used = MEASURES.map(({ name }) => `bool_or(${name}_count > 0) AS ${name}`);
    const rows = await rowsOf(
      this.#connection,
      `SELECT min(starts) AS first, max(starts) AS last, sum(partials)::BIGINT AS partials, max(weight) > 1 AS "isLarge",
         ${MEASURES.map(({ name }) => `bool_or(${name}) AS ${name}`)}
       FROM (SELECT *, ${batchSql("starts")} FROM (
         SELECT ${stepSql(this.#step)} AS starts, ${WEIGHT}, ${used} FROM minutes WHERE ${where} GROUP BY starts))
       GROUP BY batch, large ORDER BY first`,
      values.values,
    );
    const batches: CellBatch[] = [];
    for (const row of rows) {
      const batch = {
        // The first and the last step may reach beyond the range.
        range: {
          fromMs: Math.max(range.fromMs, numberOf(row.first) * MS_PER_MINUTE),
          toMs: Math.min(range.toMs, (numberOf(row.last) + this.#step) * MS_PER_MINUTE),
        },
        dims: null,
        rows: numberOf(row.partials),
        measures: MEASURES.filter(({ name }) => row[name] === true).map(({ name }) => name),
        isHuge: false,
      };
      if (row.isLarge === true) batches.push(...await this.#split(batch));
      else batches.push(batch);
    }
    return batches;
  }

  /** A step with too many partials, some dimensions at a time. */
  async #split(step: CellBatch): Promise<CellBatch[]> {
    const rows = await rowsOf(
      this.#connection,
      `SELECT min(dim) - 1 AS after, max(dim) AS "upTo", sum(partials)::BIGINT AS partials, max(weight) > 1 AS "isHuge"
       FROM (SELECT *, ${batchSql("dim")} FROM (
         SELECT dim, ${WEIGHT} FROM (${this.#partialsSql(step)}) GROUP BY dim))
       GROUP BY batch, large ORDER BY after`,
    );
    return rows.map((row) => ({
      ...step,
      dims: { after: numberOf(row.after), upTo: numberOf(row.upTo) },
      rows: numberOf(row.partials),
      isHuge: row.isHuge === true,
    }));
  }

  /**
   * Fetches what the batch's quantiles are made of. What it answers needs no connection: it makes them, in a file at a path
   * of the caller, and answers the rows as SQL over that file.
   */
  async fetch(batch: CellBatch): Promise<(path: string) => Promise<string>> {
    const partials = this.#partialsSql(batch);
    if (batch.measures.length === 0) return () => Promise.resolve(this.#cellsSql(batch, null, new Set()));
    const sketches = await this.#quantiles.fetch(this.#connection, {
      ...batch,
      dimensions: this.#dimensions,
      from: partials,
    });
    return async (path) => {
      const { merged } = await sketches.write(path);
      return this.#cellsSql(batch, path, merged);
    };
  }

  /**
   * Makes a table of the distinct dimensions: `dim` from 1 in their order, they themselves, and as they are shown. One for all
   * batches: what a transaction has replaced or dropped is held in memory until it ends.
   */
  async #numberDimensions(): Promise<void> {
    const values = new Parameters();
    const { topicId, where: conditions } = this.#query;
    const where = this.#ranges.map((range) => `(${minutesIn(topicId, range, conditions, values)})`).join(" OR ");
    const shown = DIMENSIONS.map((name) => `${this.#format.text(column(name))} AS ${shownColumn(name)}`);
    await this.#connection.run(
      `CREATE TEMP TABLE dimensions AS
       SELECT *, printf('%0${TAG_DIGITS}x', dim) AS tag, ${shown}
       FROM (SELECT row_number() OVER (ORDER BY ${KEYS})::INTEGER AS dim, ${KEYS}
             FROM (SELECT DISTINCT ${KEYS} FROM minutes WHERE ${where}))`,
      values.values,
    );
    const [{ dimensions }] = await rowsOf(this.#connection, "SELECT count(*) AS dimensions FROM dimensions");
    this.#dimensions = numberOf(dimensions);
    this.#isNumbered = true;
  }

  /** Rows of minutes with `starts`, `dim` and `tag`. The query's conditions are on dimensions: the table meets them. */
  #partialsSql(batch: CellBatch): string {
    const { from, to } = minuteRange(batch.range);
    const same = KEYS.map((key) => `m.${key} IS NOT DISTINCT FROM d.${key}`).join(" AND ");
    const slice = batch.dims === null
      ? ""
      : `AND d.dim > ${integerLiteral(batch.dims.after)} AND d.dim <= ${integerLiteral(batch.dims.upTo)}`;
    return `SELECT m.*, ${stepSql(this.#step)} AS starts, d.dim, d.tag FROM minutes m JOIN dimensions d ON ${same}
      WHERE m.topic_id = ${textLiteral(this.#query.topicId)}
        AND m.minute >= ${integerLiteral(from)} AND m.minute < ${integerLiteral(to)} ${slice}`;
  }

  #cellsSql(batch: CellBatch, quantiles: string | null, merged: ReadonlySet<Measure>): string {
    const { measures } = batch;
    const means = measures.filter((name) => merged.has(name)).map((name) => meanSql(name, `${name}_mean`));
    const partials = this.#partialsSql(batch);
    const withMeans = means.length === 0
      ? partials
      : `SELECT *, ${means} FROM (${partials}) WINDOW cell AS (PARTITION BY starts, dim)`;
    const grouped = `SELECT ${
      ["starts", "dim", "sum(count)::BIGINT AS count", "sum(errors)::BIGINT AS errors"].concat(
        measures.flatMap((name) => measureSql(name, merged.has(name))),
      )
    } FROM (${withMeans}) GROUP BY starts, dim`;
    const joined = quantiles === null ? "" : `LEFT JOIN read_parquet(${textLiteral(quantiles)}) USING (starts, dim)`;
    // Formats are applied to rows that are sorted already, which are narrower.
    return `SELECT ${this.#format.time("starts")} AS ${this.#step === 1 ? "minute" : "hour"},
        ${DIMENSIONS.map((name) => `${shownColumn(name)} AS ${column(name)}`)}, count, errors,
        ${MEASURES.flatMap(({ name }) => measures.includes(name) ? shownMeasure(name) : absentMeasure(name))}
      FROM (SELECT * FROM (${grouped}) JOIN (SELECT dim, ${
      DIMENSIONS.map(shownColumn)
    } FROM dimensions) USING (dim) ${joined}
            ORDER BY starts, dim)`;
  }
}

/** What a step, or a cell, takes up of a batch: the greater of its share in rows and in bytes. */
const WEIGHT = `count(*) AS partials, greatest(count(*) / ${BATCH_ROWS}, (${
  MEASURES.map(({ name }) => `coalesce(sum(octet_length(${name}_sketch)), 0)`).join(" + ")
}) / ${BATCH_BYTES}) AS weight`;

/** Numbers batches of what follows each other, by weight; what is more than a batch is one of its own. */
function batchSql(order: string): string {
  return `floor(sum(weight) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING))::BIGINT AS batch,
    CASE WHEN weight > 1 THEN ${order} END AS large`;
}

function shownColumn(name: string): string {
  return `shown_${name}`;
}

/** Of the partials of a cell; where none has more than one, there is no mean of several. */
function measureSql(measure: Measure, isMerged: boolean): string[] {
  const scale = MEASURE_SCALE[MEASURE_SLOT[measure]];
  return [
    `coalesce(sum(${measure}_count), 0)::BIGINT AS ${measure}_count`,
    `sum(${measure}_sum) / ${scale} AS ${measure}_sum`,
    `min(${measure}_min) AS ${measure}_min`,
    `max(${measure}_max) AS ${measure}_max`,
    `sum(${measure}_sum) / sum(${measure}_count) / ${scale} AS ${measure}_avg`,
    isMerged
      ? `${stddevSql(measure, `${measure}_mean`)} AS ${measure}_stddev`
      : `sqrt(sum(${measure}_m2) / sum(${measure}_count)) / ${scale} AS ${measure}_stddev`,
  ];
}

/** No estimate may leave what lies between the smallest and the largest value. */
function shownMeasure(measure: Measure): string[] {
  const scale = MEASURE_SCALE[MEASURE_SLOT[measure]];
  const [low, high] = [`${measure}_min`, `${measure}_max`];
  const quantiles = QUANTILES.map(([quantile]) => {
    const value = quantileColumn(measure, quantile);
    return `CASE WHEN ${value} IS NOT NULL THEN greatest(${low}, least(${high}, ${value})) / ${scale} END AS ${value}`;
  });
  const extremes = [low, high].map((name) => `${name} / ${scale} AS ${name}`);
  return [`${measure}_count`, `${measure}_sum`, ...extremes, `${measure}_avg`, `${measure}_stddev`, ...quantiles];
}

function absentMeasure(measure: Measure): string[] {
  const names = [...STATISTICS, ...QUANTILES.map(([quantile]) => quantile)];
  return [`0::BIGINT AS ${measure}_count`, ...names.map((name) => `NULL::DOUBLE AS ${measure}_${name}`)];
}
