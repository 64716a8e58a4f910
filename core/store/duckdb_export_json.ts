/** NDJSON of rows with huge records. DuckDB's own writer takes many times a record's size in memory, all at once. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { markedSql, streamRows, unmarkedOf } from "./duckdb_values.ts";

/** Writes the rows of `sql` as DuckDB would; `texts` are its columns of a user's text. */
export async function writeJson(
  connection: DuckDBConnection,
  path: string,
  sql: string,
  texts: readonly string[],
): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  const isText = new Set(texts.map((name) => name.replaceAll('"', "")));
  const write = (name: string, value: unknown): unknown => {
    if (typeof value === "bigint") return Number(value);
    return isText.has(name) && value !== null ? unmarkedOf(value) : value;
  };
  for await (const row of streamRows(connection, `SELECT * REPLACE (${texts.map(markedSql)}) FROM (${sql})`, [])) {
    const bytes = encoder.encode(JSON.stringify(row, write) + "\n");
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}
