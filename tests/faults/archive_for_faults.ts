/** What an archive holds, by DuckDB over all files that lie there, as a tool would that knows nothing of Millrace. */
import { DuckDBInstance } from "@duckdb/node-api";
import type { Archive } from "../../core/archive/archive.ts";

export interface ArchivedRecord {
  readonly table: string;
  readonly partition: number;
  readonly offset: number;
  readonly raw: string;
  /** Of the folders that it lies in. */
  readonly topic: string;
  readonly hour: string;
  /** Of its own time. */
  readonly ownHour: string;
}

/** Every row of every file below `events/` and `quarantine/`. */
export async function readEverything(archive: Archive): Promise<ArchivedRecord[]> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-archived-" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const records: ArchivedRecord[] = [];
    for (const [table, time, raw] of [["events", "ts", "raw"], ["quarantine", "record_time", "decode(raw)"]]) {
      let files = 0;
      for await (const { key } of archive.list(`${table}/`)) {
        const path = `${directory}/${key}`;
        await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
        if (!await archive.fetch(key, path)) throw new Error(`${key} was listed and is not there`);
        files++;
      }
      if (files === 0) continue;
      const answer = await connection.runAndReadAll(
        `SELECT part, "offset", ${raw} AS raw, topic, date || 'T' || hour AS hour, strftime(${time}, '%Y-%m-%dT%H') AS own
         FROM read_parquet('${directory}/${table}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)`,
      );
      records.push(
        ...answer.getRowObjectsJS().map((row) => ({
          table,
          partition: Number(row.part),
          offset: Number(row.offset),
          raw: String(row.raw),
          topic: String(row.topic),
          hour: String(row.hour),
          ownHour: String(row.own),
        })),
      );
    }
    return records;
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(directory, { recursive: true });
  }
}
