/** Events and quarantine, newest first, a page at a time. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Measure, MEASURE_SCALE, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { eventsIn, timeIn } from "./duckdb_conditions.ts";
import { readByIds } from "./duckdb_slices.ts";
import { bytesOf, markedSql, numberOf, Parameters, type Row, rowsOf, unmarkedOf } from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { EventQuery, EventRecord, QuarantineQuery, QuarantineRecord } from "./ports.ts";

// Text is read as bytes: on its way to JavaScript a string loses the byte order mark that it begins with.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const TEXT_COLUMNS = TEXT_FIELDS.map((name) => `encode(${column(name)}) AS ${column(name)}`);
const COLUMNS = `epoch_us(ts) AS micros, part, "offset", ${TEXT_COLUMNS}, ${MEASURES.map(({ name }) => name)},
  coalesce(raw_bytes, encode(raw)) AS raw`;

export async function readEvents(connection: DuckDBConnection, query: EventQuery): Promise<EventRecord[]> {
  const values = new Parameters();
  const where = [eventsIn(query.topicId, query.range, query.where, values)];
  if (query.text !== undefined && query.text !== "") {
    where.push(`contains(lower(raw), lower(${values.add(query.text)}))`);
  }
  if (query.after !== undefined) {
    const { timestampMicros, partition, offset } = query.after;
    where.push(
      `(ts, part, "offset") < (make_timestamp(${values.add(BigInt(timestampMicros))}::BIGINT), ` +
        `${values.add(partition)}::INTEGER, ${values.add(BigInt(offset))}::BIGINT)`,
    );
  }
  const order = 'ts DESC, part DESC, "offset" DESC';
  const rows = await readPage(connection, "events", COLUMNS, { where, order, limit: query.limit, values });
  return rows.map(eventOf);
}

function eventOf(row: Row): EventRecord {
  const fields: Partial<Record<(typeof TEXT_FIELDS)[number], string>> = {};
  for (const name of TEXT_FIELDS) if (row[name] !== null) fields[name] = decoder.decode(bytesOf(row[name]));
  const measures: Partial<Record<Measure, number>> = {};
  MEASURES.forEach(({ name }, slot) => {
    if (row[name] !== null) measures[name] = numberOf(row[name]) / MEASURE_SCALE[slot];
  });
  return {
    timestampMicros: numberOf(row.micros),
    partition: numberOf(row.part),
    offset: numberOf(row.offset),
    fields,
    measures,
    raw: bytesOf(row.raw).slice(),
  };
}

export async function readQuarantine(
  connection: DuckDBConnection,
  query: QuarantineQuery,
): Promise<QuarantineRecord[]> {
  const values = new Parameters();
  const where = [`topic_id = ${values.add(query.topicId)}`, ...timeIn("record_time", query.range, values)];
  if (query.reason !== undefined) where.push(`reason = ${values.add(query.reason)}`);
  if (query.after !== undefined) {
    const { recordTimeMs, partition, offset } = query.after;
    where.push(
      `(record_time, part, "offset") < (make_timestamp(${values.add(BigInt(recordTimeMs) * 1000n)}::BIGINT), ` +
        `${values.add(partition)}::INTEGER, ${values.add(BigInt(offset))}::BIGINT)`,
    );
  }
  const columns = `part, "offset", epoch_ms(record_time) AS ms, ${markedSql("reason")}, raw`;
  const order = 'record_time DESC, part DESC, "offset" DESC';
  const rows = await readPage(connection, "quarantine", columns, { where, order, limit: query.limit, values });
  return rows.map((row) => ({
    partition: numberOf(row.part),
    offset: numberOf(row.offset),
    recordTimeMs: numberOf(row.ms),
    reason: unmarkedOf(row.reason),
    raw: bytesOf(row.raw).slice(),
  }));
}

/** The smallest possible sort first, then the wide rows of the few that are on the page. */
async function readPage(
  connection: DuckDBConnection,
  table: "events" | "quarantine",
  columns: string,
  { where, order, limit, values }: {
    where: readonly string[];
    order: string;
    limit: number;
    values: Parameters;
  },
): Promise<Row[]> {
  const keys = await rowsOf(
    connection,
    `SELECT rowid AS id, coalesce(width_bytes, 0) AS width FROM ${table} WHERE ${where.join(" AND ")}
     ORDER BY ${order} LIMIT ${BigInt(limit)}`,
    values.values,
  );
  const widths = keys.map(({ id, width }) => ({ id: numberOf(id), widthBytes: numberOf(width) }));
  return await readByIds(connection, table, columns, widths);
}
