/** Series and summaries over minute cells. Partials of one cell add up; quantiles come from merged sketches. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Dimension, type Measure, MEASURE_SCALE, MEASURE_SLOT, UNPARSED } from "../minutes/fields.ts";
import { QUANTILES } from "./cell_answers.ts";
import { minuteRange, minutesIn } from "./duckdb_conditions.ts";
import {
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
import { mergeSketches } from "./duckdb_sketches.ts";
import type {
  ApiSummary,
  Series,
  SeriesQuery,
  SeriesResult,
  Statistic,
  SummaryQuery,
  SummaryResult,
  TimeRange,
} from "./ports.ts";

const MS_PER_MINUTE = 60_000;

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
  const squares = `${measure}_m2 + ${count} * power(${measure}_sum / ${count} - ${mean}, 2)`;
  // In an order of their own: the same parts give the same digits, however DuckDB comes by them.
  return `sqrt(sum(${squares} ORDER BY ${squares}) / sum(${count})) / ${scaleOf(measure)}`;
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

async function quantilePoints(connection: DuckDBConnection, query: SeriesQuery): Promise<Points> {
  const { measure, statistic, stepMinutes, topicId, range, where: conditions } = query;
  if (measure === undefined) throw new RangeError(`${statistic} needs a measure`);
  const keys = ["starts", ...query.by.map(column)];
  const values = new Parameters();
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE quantile_groups AS
     SELECT (row_number() OVER (ORDER BY ${keys}) - 1)::INTEGER AS id, * FROM (
       SELECT ${keys}, min(${measure}_min) AS low, max(${measure}_max) AS high
       FROM (${rowsOfLargestGroups(query, values)}) WHERE ${measure}_count > 0 GROUP BY ${keys})`,
    values.values,
  );
  const groups = await rowsOf(
    connection,
    `SELECT ${["starts", ...markedColumns(query.by)]}, low, high FROM quantile_groups ORDER BY id`,
  );
  const merged = await mergeSketches(connection, minuteRange(range), groups.length, ({ from, to }, values) => {
    const within = { fromMs: from * MS_PER_MINUTE, toMs: to * MS_PER_MINUTE };
    return `SELECT id, minute, ${measure}_sketch AS sketch
      FROM (SELECT *, ${stepSql(stepMinutes)} AS starts FROM minutes
            WHERE ${minutesIn(topicId, within, conditions, values)} AND ${measure}_count > 0)
      JOIN (SELECT id, ${keys} FROM quantile_groups) USING (${keys})`;
  });
  const points: Points = new Map();
  groups.forEach((row, id) => {
    const value = withinRange(merged[id].quantile(QUANTILES[statistic] ?? 0), row);
    pushPoint(points, query, row, value / scaleOf(measure));
  });
  return points;
}

/** No estimate may leave what lies between the smallest and the largest value, `low` and `high` of a row. */
function withinRange(estimate: number | null, { low, high }: Row): number {
  return Math.max(numberOf(low), Math.min(numberOf(high), estimate ?? numberOf(low)));
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
  const scale = scaleOf("response_time");
  const rowsIn = (range: TimeRange, values: Parameters) =>
    `${minutesIn(topicId, range, conditions, values)} AND level <> ${values.add(UNPARSED)}`;
  const values = new Parameters();
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE top_apis AS
     SELECT (row_number() OVER (ORDER BY count DESC, ${API}) - 1)::INTEGER AS id, * FROM (
       SELECT ${API}, sum(count)::DOUBLE AS count, sum(errors)::DOUBLE AS errors,
         sum(response_time_sum) / sum(response_time_count) / ${scale} AS average, min(response_time_min) AS low,
         max(response_time_max) AS high
       FROM minutes WHERE ${rowsIn(range, values)} GROUP BY ${API}
       ORDER BY count DESC, ${API} LIMIT ${integerLiteral(limit)})`,
    values.values,
  );
  const rows = await rowsOf(
    connection,
    `SELECT ${[...markedColumns(API), "count", "errors", "average", "low", "high"]} FROM top_apis ORDER BY id`,
  );
  const merged = await mergeSketches(connection, minuteRange(range), rows.length, ({ from, to }, values) => {
    const within = { fromMs: from * MS_PER_MINUTE, toMs: to * MS_PER_MINUTE };
    return `SELECT id, minute, response_time_sketch AS sketch
      FROM (SELECT * FROM minutes WHERE ${rowsIn(within, values)} AND response_time_count > 0)
      JOIN (SELECT id, ${API} FROM top_apis) USING (${API})`;
  });
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
