/** Collections of documents in DuckDB: one transaction a commit. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { markedSql, numberOf, Parameters, rowsOf, unmarkedOf } from "./duckdb_values.ts";
import type { DocumentCollection, DocumentPut } from "./ports.ts";

/** Rows of one statement. */
const ROWS_AT_ONCE = 100;

export async function readVersion(connection: DuckDBConnection, collection: string): Promise<number> {
  const [row] = await rowsOf(connection, "SELECT version FROM collections WHERE name = $1", [collection]);
  return row === undefined ? 0 : numberOf(row.version);
}

export async function readDocuments(connection: DuckDBConnection, collection: string): Promise<DocumentCollection> {
  const version = await readVersion(connection, collection);
  const rows = await rowsOf(
    connection,
    `SELECT ${markedSql("key")}, ${markedSql("value")} FROM documents WHERE collection = $1`,
    [collection],
  );
  return { version, entries: new Map(rows.map(({ key, value }) => [unmarkedOf(key), unmarkedOf(value)])) };
}

/** Within a transaction that the caller commits. */
export async function commitDocuments(
  connection: DuckDBConnection,
  collection: string,
  expect: number,
  puts: readonly DocumentPut[],
): Promise<boolean> {
  if (await readVersion(connection, collection) !== expect) return false;
  await connection.run(
    "INSERT INTO collections VALUES ($1, $2::BIGINT) ON CONFLICT DO UPDATE SET version = excluded.version",
    [collection, BigInt(expect + 1)],
  );
  for (let at = 0; at < puts.length; at += ROWS_AT_ONCE) {
    const chunk = puts.slice(at, at + ROWS_AT_ONCE);
    await put(connection, collection, chunk.filter(([, text]) => text !== null));
    await remove(connection, collection, chunk.filter(([, text]) => text === null).map(([key]) => key));
  }
  return true;
}

async function put(connection: DuckDBConnection, collection: string, puts: readonly DocumentPut[]): Promise<void> {
  if (puts.length === 0) return;
  const parameters = new Parameters();
  const rows = puts.map(([key, text]) => parameters.list([collection, key, text]));
  await connection.run(
    `INSERT INTO documents VALUES ${rows.join(", ")} ON CONFLICT DO UPDATE SET value = excluded.value`,
    parameters.values,
  );
}

async function remove(connection: DuckDBConnection, collection: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  const parameters = new Parameters();
  await connection.run(
    `DELETE FROM documents WHERE collection = ${parameters.add(collection)} AND key IN ${parameters.list(keys)}`,
    parameters.values,
  );
}

export async function dropDocuments(connection: DuckDBConnection, collection: string): Promise<void> {
  await connection.run("DELETE FROM documents WHERE collection = $1", [collection]);
  await connection.run("DELETE FROM collections WHERE name = $1", [collection]);
}
