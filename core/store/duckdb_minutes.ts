/** Series and summaries over minute cells. Partials of one cell add up; quantiles come from merged sketches. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Dimension, type Measure, MEASURE_SCALE, MEASURE_SLOT, UNPARSED } from "../minutes/fields.ts";
import { Sketch } from "../minutes/sketch.ts";
import { minutesIn } from "./duckdb_conditions.ts";
import {
  bytesOf,
  eachSketch,
  integerLiteral,
  markedSql,
  numberOf,
  numberOrNull,
  Parameters,
  type Row,
  rowsOf,
  unmarkedOf,
} from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { ApiSummary, Series, SeriesQuery, SeriesResult, Statistic, SummaryQuery, SummaryResult } from "./ports.ts";

const MS_PER_MINUTE = 60_000;
const QUANTILES: Readonly<Partial<Record<Statistic, number>>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };

/** Whole units of a measure's integers. */
function scaleOf(measure: Measure): number {
  return MEASURE_SCALE[MEASURE_SLOT[measure]];
}

/** SQL of one statistic over the rows of a group, in whole units; `mean` is the group's. */
function statisticSql(statistic: Statistic, measure: Measure | undefined): string {
  switch (statistic) {
    case "count":
      return "sum(count)::DOUBLE";
    case "errors":
      return "sum(errors)::DOUBLE";
    case "error_rate":
      return "sum(errors) / sum(count)";
  }
  if (measure === undefined) throw new RangeError(`${statistic} needs a measure`);
  const scale = scaleOf(measure);
  switch (statistic) {
    case "sum":
      return `sum(${measure}_sum) / ${scale}`;
    case "avg":
      return `sum(${measure}_sum) / sum(${measure}_count) / ${scale}`;
    case "min":
      return `min(${measure}_min) / ${scale}`;
    case "max":
      return `max(${measure}_max) / ${scale}`;
    case "stddev":
      return stddevSql(measure);
    default:
      throw new RangeError(`${statistic} is not computed in SQL`);
  }
}

/**
 * Chan et al. 1979: the squared deviations of a union are those of the parts plus what the parts' means deviate from
 * the common mean, taken in a second pass so that nothing cancels.
 */
export function stddevSql(measure: Measure, mean = "mean"): string {
  const count = `${measure}_count`;
  return `sqrt(sum(${measure}_m2 + ${count} * power(${measure}_sum / ${count} - ${mean}, 2)) / sum(${count})) / ` +
    `${scaleOf(measure)}`;
}

/** The mean over the window `cell`, in integer units, as {@link stddevSql} needs it. */
export function meanSql(measure: Measure, name = "mean"): string {
  return `sum(${measure}_sum) OVER cell / sum(${measure}_count) OVER cell AS ${name}`;
}

/** The first minute of the step that a minute is in; floors towards the past for minutes before 1970, too. */
export function stepSql(stepMinutes: number): string {
  const step = integerLiteral(stepMinutes);
  return `(minute - ((minute % ${step}) + ${step}) % ${step})`;
}

export async function readSeries(connection: DuckDBConnection, query: SeriesQuery): Promise<SeriesResult> {
  const groups = await largestGroups(connection, query);
  const points = QUANTILES[query.statistic] === undefined
    ? await statisticPoints(connection, query)
    : await quantilePoints(connection, query);
  const series: Series[] = groups.slice(0, query.seriesMax).map((dimensions) => ({
    dimensions,
    points: points.get(keyOf(query.by, dimensions)) ?? [],
  }));
  return { series, truncated: groups.length > query.seriesMax };
}

const markedColumns = (names: readonly string[]) => names.map((name) => markedSql(column(name)));

type Group = Partial<Record<Dimension, string>>;
type Points = Map<string, [number, number | null][]>;

function groupOf(by: readonly Dimension[], row: Row): Group {
  return Object.fromEntries(by.map((name) => [name, unmarkedOf(row[name])]));
}

function keyOf(by: readonly Dimension[], group: Group): string {
  return JSON.stringify(by.map((name) => group[name]));
}

/** The groups by count, their dimensions as `selected`; `where` are the query's conditions. */
function largestGroupsSql({ by }: SeriesQuery, where: string, limit: number, selected: readonly string[]): string {
  const names = by.map(column);
  return `SELECT ${[...selected, "sum(count) AS total"]} FROM minutes WHERE ${where}
    ${names.length === 0 ? "HAVING sum(count) > 0" : `GROUP BY ${names}`}
    ORDER BY ${["total DESC", ...names]} LIMIT ${integerLiteral(limit)}`;
}

/** One more than the query wants, so that it can be told that there are more. */
async function largestGroups(connection: DuckDBConnection, query: SeriesQuery): Promise<Group[]> {
  const values = new Parameters();
  const where = minutesIn(query.topicId, query.range, query.where, values);
  const selected = markedColumns(query.by);
  const rows = await rowsOf(connection, largestGroupsSql(query, where, query.seriesMax + 1, selected), values.values);
  return rows.map((row) => groupOf(query.by, row));
}

/** The rows of the largest groups, with `starts`, the first minute of their step. */
function rowsOfLargestGroups(query: SeriesQuery, values: Parameters): string {
  const where = minutesIn(query.topicId, query.range, query.where, values);
  const rows = `SELECT *, ${stepSql(query.stepMinutes)} AS starts FROM minutes`;
  if (query.by.length === 0) return `${rows} WHERE ${where}`;
  const largest = largestGroupsSql(query, where, query.seriesMax, query.by.map(column));
  return `${rows} SEMI JOIN (${largest}) USING (${query.by.map(column)}) WHERE ${where}`;
}

async function statisticPoints(connection: DuckDBConnection, query: SeriesQuery): Promise<Points> {
  const values = new Parameters();
  const { measure, statistic } = query;
  const keys = ["starts", ...query.by.map(column)];
  const rows = rowsOfLargestGroups(query, values);
  const withMean = statistic === "stddev" && measure !== undefined
    ? `SELECT *, ${meanSql(measure)} FROM (${rows}) WINDOW cell AS (PARTITION BY ${keys})`
    : rows;
  const found = await rowsOf(
    connection,
    `SELECT ${["starts", ...markedColumns(query.by)]}, ${
      statisticSql(statistic, measure)
    } AS value FROM (${withMean}) GROUP BY ${keys} ORDER BY starts`,
    values.values,
  );
  const points: Points = new Map();
  for (const row of found) pushPoint(points, query, row, numberOrNull(row.value));
  return points;
}

function pushPoint(points: Points, query: SeriesQuery, row: Row, value: number | null): void {
  const key = keyOf(query.by, groupOf(query.by, row));
  const list = points.get(key) ?? [];
  list.push([numberOf(row.starts) * MS_PER_MINUTE, value]);
  points.set(key, list);
}

/** Sketches come in the order of their groups, so that one is merged at a time. */
async function quantilePoints(connection: DuckDBConnection, query: SeriesQuery): Promise<Points> {
  const { measure, statistic } = query;
  if (measure === undefined) throw new RangeError(`${statistic} needs a measure`);
  const keys = ["starts", ...query.by.map(column)];
  const from = (values: Parameters) => `(${rowsOfLargestGroups(query, values)}) WHERE ${measure}_count > 0`;
  const values = new Parameters();
  const groups = await rowsOf(
    connection,
    `SELECT ${["starts", ...markedColumns(query.by)]}, low, high FROM (
       SELECT ${keys}, min(${measure}_min) AS low, max(${measure}_max) AS high FROM ${from(values)} GROUP BY ${keys})
     ORDER BY ${keys}`,
    values.values,
  );
  const points: Points = new Map();
  let merged = new Sketch();
  let open = 1;
  const close = () => {
    const row = groups[open - 1];
    if (row === undefined) return; // there was none at all
    const value = withinRange(merged.quantile(QUANTILES[statistic] ?? 0), row);
    pushPoint(points, query, row, value / scaleOf(measure));
  };
  // Groups go by their number: what names them is not read with every sketch.
  const again = new Parameters();
  await eachSketch(
    connection,
    `SELECT dense_rank() OVER (ORDER BY ${keys})::INTEGER AS id, ${measure}_sketch AS sketch FROM ${from(again)}
     ORDER BY id`,
    again.values,
    (id, sketch) => {
      if (id !== open) {
        close();
        merged = new Sketch();
        open = id;
      }
      merged.mergeEncoded(sketch);
    },
  );
  close();
  return points;
}

/** No estimate may leave what lies between the smallest and the largest value, `low` and `high` of a row. */
function withinRange(estimate: number | null, { low, high }: Row): number {
  return Math.max(numberOf(low), Math.min(numberOf(high), estimate ?? numberOf(low)));
}

/** Sketches of one group with their smallest and largest value, which no estimate may leave. */
export class MergedSketch {
  readonly #sketch = new Sketch();
  #low = Infinity;
  #high = -Infinity;

  /** Adds the columns `sketch`, `low` and `high` of a row, or those with other names. */
  add(row: Row, sketch = "sketch", low = "low", high = "high"): void {
    this.#sketch.mergeEncoded(bytesOf(row[sketch]));
    this.#low = Math.min(this.#low, numberOf(row[low]));
    this.#high = Math.max(this.#high, numberOf(row[high]));
  }

  quantile(q: number): number {
    return Math.max(this.#low, Math.min(this.#high, this.#sketch.quantile(q) ?? this.#low));
  }
}

const API = ["service", "method", "endpoint"] as const;

export async function readSummary(
  connection: DuckDBConnection,
  query: SummaryQuery,
): Promise<SummaryResult> {
  const { topicId, range, apisMax } = query;
  const values = new Parameters();
  const where = minutesIn(topicId, range, query.where, values);
  const levels = await rowsOf(
    connection,
    `SELECT ${
      markedSql("level")
    }, sum(count)::DOUBLE AS count, sum(errors)::DOUBLE AS errors FROM minutes WHERE ${where}
     GROUP BY level ORDER BY count DESC, level`,
    values.values,
  );
  const levelOf = (row: Row) => unmarkedOf(row.level);
  const total = (name: string, rows: readonly Row[]) => rows.reduce((sum, row) => sum + numberOf(row[name]), 0);
  const apis = await readApis(connection, query, apisMax + 1);
  return {
    totals: {
      count: total("count", levels),
      errors: total("errors", levels),
      unparsed: total("count", levels.filter((row) => levelOf(row) === UNPARSED)),
    },
    levels: levels.map((row) => ({ level: levelOf(row), count: numberOf(row.count) })),
    apis: apis.slice(0, apisMax),
    apisTruncated: apis.length > apisMax,
  };
}

async function readApis(
  connection: DuckDBConnection,
  { topicId, range, where: conditions }: SummaryQuery,
  limit: number,
): Promise<ApiSummary[]> {
  const values = new Parameters();
  const where = `${minutesIn(topicId, range, conditions, values)} AND level <> ${values.add(UNPARSED)}`;
  const scale = scaleOf("response_time");
  const top = `SELECT ${API}, sum(count)::DOUBLE AS count, sum(errors)::DOUBLE AS errors,
      sum(response_time_sum) / sum(response_time_count) / ${scale} AS average, min(response_time_min) AS low,
      max(response_time_max) AS high, row_number() OVER (ORDER BY sum(count) DESC, ${API})::INTEGER AS id
    FROM minutes WHERE ${where} GROUP BY ${API} ORDER BY id LIMIT ${integerLiteral(limit)}`;
  const rows = await rowsOf(
    connection,
    `SELECT ${[...markedColumns(API), "count", "errors", "average", "low", "high"]} FROM (${top}) ORDER BY id`,
    values.values,
  );
  const merged = rows.map(() => new Sketch());
  await eachSketch(
    connection,
    `SELECT id, response_time_sketch AS sketch
     FROM minutes JOIN (SELECT id, ${API} FROM (${top})) USING (${API}) WHERE ${where} AND response_time_count > 0`,
    values.values,
    (id, sketch) => merged[id - 1].mergeEncoded(sketch),
  );
  return rows.map((row, n) => {
    const p95 = merged[n].quantile(0.95);
    return {
      service: unmarkedOf(row.service),
      method: unmarkedOf(row.method),
      endpoint: unmarkedOf(row.endpoint),
      count: numberOf(row.count),
      errors: numberOf(row.errors),
      averageResponseTime: numberOrNull(row.average),
      p95ResponseTime: p95 === null ? null : withinRange(p95, row) / scale,
    };
  });
}
