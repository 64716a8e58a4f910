/** Events and quarantine, newest first, a page at a time. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Measure, MEASURE_SCALE, MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";
import { offsetsOutside, searchedEvents, timeIn } from "./duckdb_conditions.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import {
  bytesOf,
  integerLiteral,
  markedSql,
  numberOf,
  Parameters,
  type Row,
  rowsOf,
  textLiteral,
  unmarkedOf,
} from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { EventQuery, EventRecord, QuarantineQuery, QuarantineRecord, TimeRange } from "./ports.ts";
import type { RecordTable, SegmentEntry } from "./segment_catalog.ts";

// Text is read as bytes: on its way to JavaScript a string loses the byte order mark that it begins with.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const TEXT_COLUMNS = TEXT_FIELDS.map((name) => `encode(${column(name)}) AS ${column(name)}`);
const EVENT_COLUMNS = `${TEXT_COLUMNS.join(", ")}, ${MEASURES.map(({ name }) => name).join(", ")},
  coalesce(raw_bytes, encode(raw)) AS raw`;

/** Rows that are looked through first, newest segments first, where any may be left out; then so many times as many. */
const FIRST_ROWS = 20_000;
const GROWTH = 4;
/** Bytes of records that are read at once. */
const READ_BYTES = 2 * 1_048_576;

/** What {@link readPage} looks for. */
interface PageQuery {
  readonly topicId: string;
  readonly range: TimeRange;
  readonly limit: number;
  readonly bytesMax: number | undefined;
  /** The column of time. */
  readonly time: "ts" | "record_time";
  readonly columns: string;
  /** The conditions but for the position, over the rows of the segments. */
  readonly where: (values: Parameters) => string;
  /** Whether conditions leave rows of the range out. */
  readonly isSelective: boolean;
  /** Only rows after this one, in the order newest first. */
  readonly after: Position | null;
}

interface Position {
  readonly micros: number;
  readonly partition: number;
  readonly offset: number;
}

interface Found extends Position {
  readonly widthBytes: number;
}

export async function readEvents(
  connection: DuckDBConnection,
  segments: Segments,
  query: EventQuery,
): Promise<EventRecord[]> {
  const { topicId, range, limit, bytesMax, after } = query;
  const found = await readPage(connection, segments, "events", {
    topicId,
    range,
    limit,
    bytesMax,
    time: "ts",
    columns: EVENT_COLUMNS,
    where: (values) => searchedEvents(query, values) + offsetsOutside(query.without),
    isSelective: query.where.length > 0 || (query.text ?? "") !== "" || query.offsets !== undefined ||
      query.without !== undefined,
    after: after === undefined ? null : { ...after, micros: after.timestampMicros },
  });
  return found.map(([position, row]) => eventOf(position, row));
}

function eventOf({ micros, partition, offset }: Position, row: Row): EventRecord {
  const fields: Partial<Record<(typeof TEXT_FIELDS)[number], string>> = {};
  for (const name of TEXT_FIELDS) if (row[name] !== null) fields[name] = decoder.decode(bytesOf(row[name]));
  const measures: Partial<Record<Measure, number>> = {};
  MEASURES.forEach(({ name }, slot) => {
    if (row[name] !== null) measures[name] = numberOf(row[name]) / MEASURE_SCALE[slot];
  });
  return { timestampMicros: micros, partition, offset, fields, measures, raw: bytesOf(row.raw).slice() };
}

export async function readQuarantine(
  connection: DuckDBConnection,
  segments: Segments,
  query: QuarantineQuery,
): Promise<QuarantineRecord[]> {
  const { topicId, range, limit, bytesMax, after, reason } = query;
  const found = await readPage(connection, segments, "quarantine", {
    topicId,
    range,
    limit,
    bytesMax,
    time: "record_time",
    columns: `${markedSql("reason")}, raw`,
    where: (values) =>
      [
        `topic_id = ${values.add(topicId)}`,
        ...timeIn("record_time", range, values),
        ...(reason === undefined ? [] : [`reason = ${values.add(reason)}`]),
      ].join(" AND ") + offsetsOutside(query.without),
    isSelective: reason !== undefined || query.without !== undefined,
    after: after === undefined ? null : { ...after, micros: after.recordTimeMs * 1000 },
  });
  return found.map(([{ micros, partition, offset }, row]) => ({
    partition,
    offset,
    recordTimeMs: micros / 1000,
    reason: unmarkedOf(row.reason),
    raw: bytesOf(row.raw).slice(),
  }));
}

/**
 * Looks through segments from the newest on, until no older one can have a row of the page: keys first, then the wide
 * columns of those alone.
 */
async function readPage(
  connection: DuckDBConnection,
  segments: Segments,
  table: RecordTable,
  query: PageQuery,
): Promise<[Position, Row][]> {
  const { topicId, range, after, limit } = query;
  if (limit === 0) return [];
  const entries = (await readEntries(connection, { table, topicId, range }))
    .filter(({ firstMicros }) => after === null || firstMicros <= after.micros);
  let found: Found[] = [];
  let rowsWanted = query.isSelective ? FIRST_ROWS : 2 * limit;
  for (let at = 0; at < entries.length;) {
    const some: SegmentEntry[] = [];
    for (let rows = 0; at < entries.length && rows < rowsWanted; at++) {
      some.push(entries[at]);
      rows += entries[at].rows;
    }
    rowsWanted *= GROWTH;
    found = [...found, ...await readKeys(connection, sourceSql(segments, table, some), query)]
      .sort(newestFirst).slice(0, limit);
    if (found.length === limit && (at === entries.length || found[limit - 1].micros > entries[at].lastMicros)) break;
  }
  return await readRows(connection, segments, entries, table, query, firstBytes(found, query.bytesMax ?? Infinity));
}

/** The first rows that have so many bytes of records together. */
function firstBytes(found: readonly Found[], bytesMax: number): readonly Found[] {
  let bytes = 0;
  const last = found.findIndex(({ widthBytes }) => (bytes += widthBytes) >= bytesMax);
  return last < 0 ? found : found.slice(0, last + 1);
}

function newestFirst(a: Position, b: Position): number {
  return b.micros - a.micros || b.partition - a.partition || b.offset - a.offset;
}

async function readKeys(connection: DuckDBConnection, source: string, query: PageQuery): Promise<Found[]> {
  const { time, after, limit } = query;
  const values = new Parameters();
  const where = [query.where(values)];
  if (after !== null) {
    where.push(
      `${time} <= make_timestamp(${values.add(BigInt(after.micros))}::BIGINT)`, // what row groups are passed over by
      `(${time}, part, "offset") < (make_timestamp(${values.add(BigInt(after.micros))}::BIGINT), ` +
        `${values.add(after.partition)}::INTEGER, ${values.add(BigInt(after.offset))}::BIGINT)`,
    );
  }
  const rows = await rowsOf(
    connection,
    `SELECT epoch_us(${time}) AS micros, part, "offset", width_bytes FROM ${source} WHERE ${where.join(" AND ")}
     ORDER BY ${time} DESC, part DESC, "offset" DESC LIMIT ${integerLiteral(limit)}`,
    values.values,
  );
  return rows.map((row) => ({
    micros: numberOf(row.micros),
    partition: numberOf(row.part),
    offset: numberOf(row.offset),
    widthBytes: numberOf(row.width_bytes),
  }));
}

/** The columns of rows whose keys were found, some megabytes of records at a time. */
async function readRows(
  connection: DuckDBConnection,
  segments: Segments,
  entries: readonly SegmentEntry[],
  table: RecordTable,
  { topicId, time, columns }: PageQuery,
  found: readonly Found[],
): Promise<[Position, Row][]> {
  const rows: [Position, Row][] = [];
  for (let at = 0; at < found.length;) {
    const some: Found[] = [];
    for (let bytes = 0; at < found.length && bytes < READ_BYTES; at++) {
      some.push(found[at]);
      bytes += found[at].widthBytes;
    }
    const [newest, oldest] = [some[0].micros, some[some.length - 1].micros];
    const holding = entries.filter(({ firstMicros, lastMicros }) => firstMicros <= newest && lastMicros >= oldest);
    const keys = some.map(({ partition, offset }) => `(${integerLiteral(partition)}, ${integerLiteral(offset)})`);
    const read = await rowsOf(
      connection,
      `SELECT part, "offset", ${columns} FROM ${sourceSql(segments, table, holding)}
       WHERE topic_id = ${textLiteral(topicId)}
         AND ${time} BETWEEN make_timestamp(${integerLiteral(oldest)}) AND make_timestamp(${integerLiteral(newest)})
         AND (part, "offset") IN (${keys.join(", ")})`,
    );
    const byKey = new Map(read.map((row) => [`${row.part}/${row.offset}`, row]));
    for (const position of some) {
      const row = byKey.get(`${position.partition}/${position.offset}`);
      if (row !== undefined) rows.push([position, row]);
    }
  }
  return rows;
}
