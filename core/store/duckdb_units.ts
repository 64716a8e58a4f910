/** Units in DuckDB: as they are, what they were made of, and other contents for them. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { syncFile } from "../durable_file.ts";
import { type Dimension, DIMENSIONS, OTHER, UNPARSED } from "../minutes/fields.ts";
import { countRowGroups } from "../parquet/merge.ts";
import type { ReadSnapshot } from "./duckdb_cells.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { replaceMinutes } from "./duckdb_replace.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import type { Staging } from "./duckdb_staging.ts";
import {
  integerLiteral,
  markedSql,
  numberOf,
  Parameters,
  type Row,
  rowsOf,
  textLiteral,
  textOf,
  unmarkedOf,
} from "./duckdb_values.ts";
import { column } from "./duckdb_schema.ts";
import type { OffsetSums, UnitExtent, UnitReplacement, UnitState } from "./ports.ts";
import { RECORD_TABLES, type RecordTable, type SegmentEntry } from "./segment_catalog.ts";

const HOUR_MS = 3_600_000;
const MINUTES_PER_BUCKET = 60;
const TIME_OF: Readonly<Record<RecordTable, string>> = { events: "ts", quarantine: "record_time" };

export interface UnitsOf {
  readonly topicId: string;
  readonly partition: number;
  readonly buckets: readonly number[];
}

/**
 * As {@link readUnits} answers, from a snapshot of `read`; by one statement where none of them was ever written, which is so
 * for most new hours.
 */
export async function askUnits(
  connections: Pick<DuckDbConnections, "readOnce">,
  read: ReadSnapshot,
  of: readonly UnitsOf[],
): Promise<UnitState[][]> {
  const written = await connections.readOnce((connection) => readWritten(connection, of));
  if (written.length === 0) return of.map(({ buckets }) => buckets.map(unwritten));
  return await read((connection) => readUnits(connection, of));
}

export const unwritten = (bucket: number): UnitState => ({ bucket, upto: 0, writer: null, values: {} });

async function readWritten(connection: DuckDBConnection, of: readonly UnitsOf[]): Promise<Row[]> {
  const parameters = new Parameters();
  const keys = of.flatMap(({ topicId, partition, buckets }) =>
    buckets.map((bucket) => parameters.list([topicId, partition, bucket]))
  );
  if (keys.length === 0) return [];
  return await rowsOf(
    connection,
    `SELECT topic_id, part, bucket, upto, writer FROM units WHERE (topic_id, part, bucket) IN (${keys.join(", ")})`,
    parameters.values,
  );
}

/** Units as they are, of each question in the order of its buckets. */
export async function readUnits(connection: DuckDBConnection, of: readonly UnitsOf[]): Promise<UnitState[][]> {
  const rows = await readWritten(connection, of);
  const keyOf = (topicId: unknown, partition: unknown, bucket: unknown) => JSON.stringify([topicId, partition, bucket]);
  const found = new Map(rows.map((row) => [keyOf(row.topic_id, row.part, row.bucket), row]));
  const units: UnitState[][] = [];
  for (const { topicId, partition, buckets } of of) {
    const some: UnitState[] = [];
    for (const bucket of buckets) {
      const unit = found.get(keyOf(topicId, partition, bucket));
      some.push(
        unit === undefined ? unwritten(bucket) : await writtenUnit(connection, { topicId, partition, bucket }, unit),
      );
    }
    units.push(some);
  }
  return units;
}

async function writtenUnit(
  connection: DuckDBConnection,
  { topicId, partition, bucket }: { readonly topicId: string; readonly partition: number; readonly bucket: number },
  { upto, writer }: Row,
): Promise<UnitState> {
  const [values] = await rowsOf(
    connection,
    `SELECT ${DIMENSIONS.map((name) => `list(DISTINCT ${column(name)}) AS ${column(name)}`)}
     FROM (SELECT ${DIMENSIONS.map((name) => markedSql(column(name)))} FROM minutes
           WHERE topic_id = $1 AND part = $2 AND minute >= $3 AND minute < $4)`,
    [topicId, partition, bucket * MINUTES_PER_BUCKET, (bucket + 1) * MINUTES_PER_BUCKET],
  );
  return { bucket, upto: numberOf(upto), writer: textOf(writer), values: valuesOf(values) };
}

/** Values that take up a place under a cap: an absent one, the rest and the unparsed records' level do not. */
function valuesOf(row: Row): UnitState["values"] {
  const values: Partial<Record<Dimension, string[]>> = {};
  for (const name of DIMENSIONS) {
    const found: unknown = row[name];
    const texts = Array.isArray(found) ? found.filter((value) => typeof value === "string").map(unmarkedOf) : [];
    const capped = texts.filter((text) => text !== "" && text !== OTHER && !(name === "level" && text === UNPARSED));
    if (capped.length > 0) values[name] = capped;
  }
  return values;
}

/** Per bucket that has any, the offsets of its events and quarantined records. */
export async function readKept(
  connection: DuckDBConnection,
  segments: Segments,
  topicId: string,
  partition: number,
  buckets: readonly number[],
): Promise<ReadonlyMap<number, OffsetSums>> {
  const kept = new Map<number, OffsetSums>();
  for (const bucket of buckets) {
    const range = { fromMs: bucket * HOUR_MS, toMs: (bucket + 1) * HOUR_MS };
    for (const table of RECORD_TABLES) {
      const entries = await readEntries(connection, { table, topicId, range });
      const [row] = await rowsOf(
        connection,
        `SELECT count(*) AS count, coalesce(sum("offset"::HUGEINT), 0)::VARCHAR AS sum,
           coalesce(sum("offset"::HUGEINT * "offset"::HUGEINT), 0)::VARCHAR AS squares
         FROM ${sourceSql(segments, table, entries)} WHERE topic_id = ${textLiteral(topicId)}
           AND ${isOfUnit(table, partition, bucket)}`,
      );
      const { count, sum, squares } = kept.get(bucket) ?? NOTHING_KEPT;
      kept.set(bucket, {
        count: count + numberOf(row.count),
        sum: sum + BigInt(textOf(row.sum)),
        squares: squares + BigInt(textOf(row.squares)),
      });
    }
  }
  return kept;
}

export const NOTHING_KEPT: OffsetSums = { count: 0, sum: 0n, squares: 0n };

/** A condition over the records of a unit, within those of its topic. */
function isOfUnit(table: RecordTable, partition: number, bucket: number): string {
  const time = TIME_OF[table];
  return `(part = ${integerLiteral(partition)}
    AND ${time} >= make_timestamp(${integerLiteral(bucket * HOUR_MS * 1000)})
    AND ${time} < make_timestamp(${integerLiteral((bucket + 1) * HOUR_MS * 1000)}))`;
}

export async function readExtents(
  connection: DuckDBConnection,
  segments: Segments,
  topicId: string,
  partition: number,
  buckets: readonly number[],
): Promise<UnitExtent[]> {
  if (buckets.length === 0) return [];
  const values = new Parameters();
  const rows = await rowsOf(
    connection,
    `SELECT bucket, upto, writer, min(from_offset) AS first, sum(count)::BIGINT AS count,
       coalesce(sum(count) FILTER (level = ${values.add(UNPARSED)}), 0)::BIGINT AS unparsed
     FROM units JOIN minutes USING (topic_id, part)
     WHERE topic_id = ${values.add(topicId)} AND part = ${integerLiteral(partition)}
       AND bucket IN (${buckets.map(integerLiteral)}) AND floor(minute / ${MINUTES_PER_BUCKET}) = bucket
     GROUP BY bucket, upto, writer ORDER BY bucket`,
    values.values,
  );
  const kept = await readKept(connection, segments, topicId, partition, buckets);
  return rows.map((row) => ({
    bucket: numberOf(row.bucket),
    kept: kept.get(numberOf(row.bucket)) ?? NOTHING_KEPT,
    upto: numberOf(row.upto),
    writer: textOf(row.writer),
    fromOffset: numberOf(row.first),
    count: numberOf(row.count),
    unparsed: numberOf(row.unparsed),
  }));
}

/** Files that a replacement writes, and those that nothing lists once it is committed. */
export interface ReplacementFiles {
  readonly staging: Staging;
  readonly segments: Segments;
  readonly written: string[];
  readonly unlisted: string[];
}

/** A unit that is not what a replacement expects. */
export class UnitChanged extends Error {
  override readonly name = "UnitChanged";
}

/** Replaces units inside one transaction, which the caller commits. Throws {@link UnitChanged} for it to be rolled back. */
export async function replaceUnits(
  connection: DuckDBConnection,
  files: ReplacementFiles,
  replacements: readonly UnitReplacement[],
): Promise<void> {
  for (const replacement of replacements) await replaceUnit(connection, files, replacement);
}

async function replaceUnit(
  connection: DuckDBConnection,
  files: ReplacementFiles,
  { topicId, partition, unit: { bucket, upto, writer: before }, writer, minutes, totals, ...blocks }: UnitReplacement,
): Promise<void> {
  const key = [topicId, partition, bucket];
  const [found] = await rowsOf(
    connection,
    "SELECT upto, writer FROM units WHERE topic_id = $1 AND part = $2 AND bucket = $3",
    key,
  );
  if (found === undefined || numberOf(found.upto) !== upto || textOf(found.writer) !== before) {
    throw new UnitChanged(`hour ${bucket} of partition ${partition} has changed`);
  }
  await connection.run(
    `DELETE FROM minutes WHERE topic_id = $1 AND part = $2
       AND minute >= ${integerLiteral(bucket * MINUTES_PER_BUCKET)}
       AND minute < ${integerLiteral((bucket + 1) * MINUTES_PER_BUCKET)}`,
    [topicId, partition],
  );
  await replaceMinutes(connection, files.staging, [{ topicId, partition, minutes }], null);
  for (const table of RECORD_TABLES) {
    await dropRecords(connection, files, table, topicId, partition, bucket);
    const file = await files.segments.add(connection, table, [{
      topicId,
      events: [],
      quarantine: [],
      [table]: blocks[table],
    }]);
    if (file !== null) files.written.push(file);
  }
  await connection.run("UPDATE units SET writer = $4 WHERE topic_id = $1 AND part = $2 AND bucket = $3", [
    ...key,
    writer,
  ]);
  await connection.run(
    "UPDATE partitions SET events = events + $3, unparsed = unparsed + $4 WHERE topic_id = $1 AND part = $2",
    [topicId, partition, totals.events, totals.unparsed],
  );
}

/** Takes the records of a unit out of the segments that have any: each such is written anew without them. */
async function dropRecords(
  connection: DuckDBConnection,
  { segments, written, unlisted }: ReplacementFiles,
  table: RecordTable,
  topicId: string,
  partition: number,
  bucket: number,
): Promise<void> {
  const range = { fromMs: bucket * HOUR_MS, toMs: (bucket + 1) * HOUR_MS };
  const time = TIME_OF[table];
  const isGone = isOfUnit(table, partition, bucket);
  for (const entry of await readEntries(connection, { table, topicId, range })) {
    const source = `FROM ${sourceSql(segments, table, [entry])} WHERE topic_id = ${textLiteral(topicId)}`;
    const [summary] = await rowsOf(
      connection,
      `SELECT count(*) FILTER (${isGone}) AS gone, count(*) FILTER (NOT ${isGone}) AS kept,
         epoch_us(min(${time}) FILTER (NOT ${isGone})) AS first,
         epoch_us(max(${time}) FILTER (NOT ${isGone})) AS last ${source}`,
    );
    if (numberOf(summary.gone) === 0) continue;
    const kept = numberOf(summary.kept);
    const values = new Parameters();
    const where = `file = ${values.add(entry.file)} AND topic_id = ${values.add(topicId)}`;
    unlisted.push(...await segments.delist(connection, where, values.values));
    if (kept === 0) continue;
    const rest = await copyRest(connection, segments, `SELECT * ${source} AND NOT ${isGone}`);
    written.push(rest.file);
    const bounds = { firstMicros: numberOf(summary.first), lastMicros: numberOf(summary.last), rows: kept };
    await segments.list(connection, [{ ...entry, ...rest, ...bounds }]);
  }
}

async function copyRest(
  connection: DuckDBConnection,
  segments: Segments,
  select: string,
): Promise<Pick<SegmentEntry, "file" | "fileBytes" | "firstGroup" | "groups">> {
  const file = segments.newFile();
  const path = segments.path(file);
  await connection.run(
    `COPY (${select}) TO ${
      textLiteral(path)
    } (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, USE_TMP_FILE false)`,
  );
  await syncFile(path);
  return { file, fileBytes: (await Deno.stat(path)).size, firstGroup: 0, groups: await countRowGroups(path) };
}
