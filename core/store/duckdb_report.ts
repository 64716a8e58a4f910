/** The access report: exact counts over events. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { eventsIn, timeIn } from "./duckdb_conditions.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import {
  markedSql,
  numberOf,
  numberOrNull,
  Parameters,
  type Row,
  rowsOf,
  textOf,
  unmarkedOf,
} from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { AccessReport, AccessReportQuery } from "./ports.ts";
import type { RecordTable } from "./segment_catalog.ts";

/** Columns of every access log, by their field. */
const COLUMNS = ["host", "ident", "user", "method", "endpoint", "protocol", "status", "content_size"] as const;
/** Columns of the combined format: missing only where the topic has them at all. */
const COMBINED_COLUMNS = ["referrer", "user_agent"] as const;

const NOT_FOUND = "status = '404'";

/** What is asked, and what to select the rows from. */
interface Asked extends AccessReportQuery {
  readonly events: string;
  readonly quarantine: string;
}

export async function readAccessReport(
  connection: DuckDBConnection,
  segments: Segments,
  asked: AccessReportQuery,
): Promise<AccessReport> {
  const sourceOf = async (table: RecordTable) =>
    sourceSql(segments, table, await readEntries(connection, { table, topicId: asked.topicId, range: asked.range }));
  const query: Asked = { ...asked, events: await sourceOf("events"), quarantine: await sourceOf("quarantine") };
  const totals = await readTotals(connection, query);
  const unparsed = query.where.length > 0 ? 0 : await countQuarantine(connection, query);
  const size = await readContentSize(connection, query);
  const hasCombined = COMBINED_COLUMNS.some((name) => numberOf(totals[`missing_${name}`]) < numberOf(totals.events));
  const columns = hasCombined ? [...COLUMNS, ...COMBINED_COLUMNS] : COLUMNS;
  const counted = (field: string, limit: number, condition = "true") =>
    countBy(connection, query, field, limit, condition);
  const notFound = await counted("endpoint", query.limit, NOT_FOUND);
  const notFoundHosts = await counted("host", query.limit, NOT_FOUND);
  const statuses = await countStatuses(connection, query);
  return {
    lines: numberOf(totals.events) + unparsed,
    unparsed,
    missing: {
      ...Object.fromEntries(columns.map((name) => [name, numberOf(totals[`missing_${name}`])])),
      status: numberOf(totals.events) - statuses.total,
    },
    contentSize: { ...size, histogram: await countSizes(connection, query) },
    notFound: {
      count: numberOf(totals.not_found),
      top: notFound.map(({ value, count }) => ({ endpoint: value, count })),
      byHost: notFoundHosts.map(({ value, count }) => ({ host: value, count })),
    },
    byStatus: statuses.top,
    byHost: (await counted("host", query.limit)).map(({ value, count }) => ({ host: value, count })),
    byEndpoint: (await counted("endpoint", query.limit)).map(({ value, count }) => ({ endpoint: value, count })),
    byDay: await countByDay(connection, query),
    byHour: await countByHour(connection, query),
    hosts: numberOf(totals.hosts),
    endpoints: numberOf(totals.endpoints),
  };
}

async function readTotals(connection: DuckDBConnection, query: Asked): Promise<Row> {
  const values = new Parameters();
  const missing = [...COLUMNS, ...COMBINED_COLUMNS].map((name) =>
    `count(*) FILTER (${column(name)} IS NULL) AS missing_${name}`
  );
  const [row] = await rowsOf(
    connection,
    `SELECT count(*) AS events, count(*) FILTER (status = '404') AS not_found,
       count(DISTINCT host) AS hosts, count(DISTINCT endpoint) AS endpoints, ${missing.join(", ")}
     FROM ${query.events} WHERE ${eventsIn(query.topicId, query.range, query.where, values)}`,
    values.values,
  );
  return row;
}

async function countQuarantine(connection: DuckDBConnection, query: Asked): Promise<number> {
  const values = new Parameters();
  const topic = values.add(query.topicId);
  const [row] = await rowsOf(
    connection,
    `SELECT count(*) AS count FROM ${query.quarantine}
     WHERE topic_id = ${topic} AND ${timeIn("record_time", query.range, values).join(" AND ")}`,
    values.values,
  );
  return numberOf(row.count);
}

/** The standard deviation is the population's, around the exact mean. */
async function readContentSize(
  connection: DuckDBConnection,
  query: Asked,
): Promise<Omit<AccessReport["contentSize"], "histogram">> {
  const values = new Parameters();
  const [row] = await rowsOf(
    connection,
    `SELECT count(content_size) AS count, min(content_size) AS min, max(content_size) AS max,
       sum(content_size)::DOUBLE / count(content_size) AS mean, stddev_pop(content_size::DOUBLE) AS stddev
     FROM ${query.events} WHERE ${eventsIn(query.topicId, query.range, query.where, values)}`,
    values.values,
  );
  const count = numberOf(row.count);
  return {
    count,
    min: numberOrNull(row.min),
    max: numberOrNull(row.max),
    mean: count === 0 ? null : numberOrNull(row.mean),
    stddev: numberOrNull(row.stddev),
  };
}

async function countBy(
  connection: DuckDBConnection,
  query: Asked,
  field: string,
  limit: number,
  condition: string,
): Promise<{ value: string; count: number }[]> {
  const values = new Parameters();
  const name = column(field);
  const rows = await rowsOf(
    connection,
    `SELECT ${markedSql(name)}, count(*) AS count FROM ${query.events}
     WHERE ${eventsIn(query.topicId, query.range, query.where, values)} AND ${name} IS NOT NULL AND ${condition}
     GROUP BY ${name} ORDER BY count DESC, ${name} LIMIT ${BigInt(limit)}`,
    values.values,
  );
  return rows.map((row) => ({ value: unmarkedOf(row[field]), count: numberOf(row.count) }));
}

/** Statuses that are whole numbers as one writes them, and how many events have such a one. */
async function countStatuses(
  connection: DuckDBConnection,
  query: Asked,
): Promise<{ total: number; top: AccessReport["byStatus"] }> {
  const values = new Parameters();
  const rows = await rowsOf(
    connection,
    `SELECT status::INTEGER AS status, count, (sum(count) OVER ())::BIGINT AS total
     FROM (SELECT status, count(*) AS count FROM ${query.events}
           WHERE ${eventsIn(query.topicId, query.range, query.where, values)} GROUP BY status)
     WHERE regexp_full_match(status, '0|[1-9][0-9]{0,8}')
     ORDER BY count DESC, status LIMIT ${BigInt(query.limit)}`,
    values.values,
  );
  return {
    total: rows.length === 0 ? 0 : numberOf(rows[0].total),
    top: rows.map((row) => ({ status: numberOf(row.status), count: numberOf(row.count) })),
  };
}

/** Sizes by the number of their digits; none is a class of its own. */
async function countSizes(
  connection: DuckDBConnection,
  query: Asked,
): Promise<AccessReport["contentSize"]["histogram"]> {
  const values = new Parameters();
  const rows = await rowsOf(
    connection,
    `SELECT CASE WHEN content_size = 0 THEN 0 ELSE length(content_size::VARCHAR) END AS digits, count(*) AS count
     FROM ${query.events} WHERE ${eventsIn(query.topicId, query.range, query.where, values)} AND content_size >= 0
     GROUP BY digits`,
    values.values,
  );
  const counts = new Map(rows.map(({ digits, count }) => [numberOf(digits), numberOf(count)]));
  return Array.from({ length: Math.max(-1, ...counts.keys()) + 1 }, (_, digits) => ({
    from: digits === 0 ? 0 : 10 ** (digits - 1),
    to: 10 ** digits,
    count: counts.get(digits) ?? 0,
  }));
}

/** The events' times on the clocks of a zone. */
const localTime = (timeZone: string, values: Parameters) =>
  `((ts AT TIME ZONE 'UTC') AT TIME ZONE ${values.add(timeZone)})`;

async function countByDay(connection: DuckDBConnection, query: Asked): Promise<AccessReport["byDay"]> {
  const values = new Parameters();
  const where = eventsIn(query.topicId, query.range, query.where, values);
  const rows = await rowsOf(
    connection,
    `SELECT strftime(${localTime(query.timeZone, values)}, '%Y-%m-%d') AS day, count(*) AS count,
       count(DISTINCT host) AS hosts, count(*) FILTER (${NOT_FOUND}) AS not_found
     FROM ${query.events} WHERE ${where} GROUP BY day ORDER BY day`,
    values.values,
  );
  return rows.map((row) => ({
    day: textOf(row.day),
    count: numberOf(row.count),
    hosts: numberOf(row.hosts),
    notFound: numberOf(row.not_found),
  }));
}

async function countByHour(connection: DuckDBConnection, query: Asked): Promise<AccessReport["byHour"]> {
  const values = new Parameters();
  const where = eventsIn(query.topicId, query.range, query.where, values);
  const rows = await rowsOf(
    connection,
    `SELECT hour(${localTime(query.timeZone, values)}) AS hour, count(*) AS count,
       count(*) FILTER (${NOT_FOUND}) AS not_found,
       count(*) FILTER (regexp_full_match(status, '4[0-9][0-9]')) AS client_errors,
       count(*) FILTER (regexp_full_match(status, '5[0-9][0-9]')) AS server_errors
     FROM ${query.events} WHERE ${where} GROUP BY hour`,
    values.values,
  );
  const byHour = new Map(rows.map((row) => [numberOf(row.hour), row]));
  const count = (row: Row | undefined, name: string) => row === undefined ? 0 : numberOf(row[name]);
  return Array.from({ length: 24 }, (_, hour) => ({
    hour,
    count: count(byHour.get(hour), "count"),
    notFound: count(byHour.get(hour), "not_found"),
    clientErrors: count(byHour.get(hour), "client_errors"),
    serverErrors: count(byHour.get(hour), "server_errors"),
  }));
}
