/** What units were made of, and other contents for them: replays in DuckDB. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { syncFile } from "../durable_file.ts";
import { UNPARSED } from "../minutes/fields.ts";
import { countRowGroups } from "../parquet/merge.ts";
import { replaceMinutes } from "./duckdb_replace.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import type { Staging } from "./duckdb_staging.ts";
import { integerLiteral, numberOf, Parameters, rowsOf, textLiteral, textOf } from "./duckdb_values.ts";
import type { UnitExtent, UnitReplacement } from "./ports.ts";
import { RECORD_TABLES, type RecordTable, type SegmentEntry } from "./segment_catalog.ts";

const HOUR_MS = 3_600_000;
const MINUTES_PER_BUCKET = 60;
const TIME_OF: Readonly<Record<RecordTable, string>> = { events: "ts", quarantine: "record_time" };

export async function readExtents(
  connection: DuckDBConnection,
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
  return rows.map((row) => ({
    bucket: numberOf(row.bucket),
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

/** Replaces a unit inside one transaction, which the caller commits. */
export async function replaceUnit(
  connection: DuckDBConnection,
  files: ReplacementFiles,
  { topicId, partition, unit: { bucket, upto, writer: before }, writer, minutes, totals, ...blocks }: UnitReplacement,
): Promise<boolean> {
  const key = [topicId, partition, bucket];
  const [found] = await rowsOf(
    connection,
    "SELECT upto, writer FROM units WHERE topic_id = $1 AND part = $2 AND bucket = $3",
    key,
  );
  if (found === undefined || numberOf(found.upto) !== upto || textOf(found.writer) !== before) return false;
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
  return true;
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
  const isOfUnit = `(part = ${integerLiteral(partition)}
    AND ${time} >= make_timestamp(${integerLiteral(range.fromMs * 1000)})
    AND ${time} < make_timestamp(${integerLiteral(range.toMs * 1000)}))`;
  for (const entry of await readEntries(connection, { table, topicId, range })) {
    const source = `FROM ${sourceSql(segments, table, [entry])} WHERE topic_id = ${textLiteral(topicId)}`;
    const [summary] = await rowsOf(
      connection,
      `SELECT count(*) FILTER (${isOfUnit}) AS gone, count(*) FILTER (NOT ${isOfUnit}) AS kept,
         epoch_us(min(${time}) FILTER (NOT ${isOfUnit})) AS first,
         epoch_us(max(${time}) FILTER (NOT ${isOfUnit})) AS last ${source}`,
    );
    if (numberOf(summary.gone) === 0) continue;
    const kept = numberOf(summary.kept);
    const values = new Parameters();
    const where = `file = ${values.add(entry.file)} AND topic_id = ${values.add(topicId)}`;
    unlisted.push(...await segments.delist(connection, where, values.values));
    if (kept === 0) continue;
    const rest = await copyRest(connection, segments, `SELECT * ${source} AND NOT ${isOfUnit}`);
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
