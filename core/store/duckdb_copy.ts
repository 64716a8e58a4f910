/** Rows of segments as a file of their own. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { offsetsOutside, timeWithin } from "./duckdb_conditions.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import { textLiteral } from "./duckdb_values.ts";
import type { OffsetCover, TimeRange } from "./ports.ts";
import type { RecordTable } from "./segment_catalog.ts";

const GROUP_ROWS = 40_960;
const GROUP_BYTES = 8 * 1_048_576;

/** The records of a range, but for some offsets, as a file with the columns of segments; its path, the caller's to remove. */
export async function copyRecords(
  connection: DuckDBConnection,
  segments: Segments,
  table: RecordTable,
  topicId: string,
  range: TimeRange,
  without?: readonly OffsetCover[],
): Promise<string> {
  const source = sourceSql(segments, table, await readEntries(connection, { table, topicId, range }));
  const path = segments.path(segments.newFile());
  const time = timeWithin(table === "events" ? "ts" : "record_time", range);
  await connection.run(
    `COPY (SELECT * FROM ${source} WHERE topic_id = ${textLiteral(topicId)} AND ${time}${offsetsOutside(without)})
     TO ${textLiteral(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${GROUP_ROWS},
       ROW_GROUP_SIZE_BYTES ${GROUP_BYTES}, USE_TMP_FILE false)`,
  );
  return path;
}
