/** The ledger in DuckDB: texts under keys, which a single statement or transaction decides about. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { markedSql, rowsOf, unmarkedOf } from "./duckdb_values.ts";

export async function readLedger(connection: DuckDBConnection, key: string): Promise<string | null> {
  const [row] = await rowsOf(connection, `SELECT ${markedSql("value")} FROM ledger WHERE key = $1`, [key]);
  return row === undefined ? null : unmarkedOf(row.value);
}

export async function putIfAbsent(connection: DuckDBConnection, key: string, value: string): Promise<string> {
  await connection.run("INSERT INTO ledger VALUES ($1, $2) ON CONFLICT DO NOTHING", [key, value]);
  return await readLedger(connection, key) ?? value;
}

export async function compareAndSet(
  connection: DuckDBConnection,
  key: string,
  expected: string | null,
  value: string,
): Promise<boolean> {
  if (await readLedger(connection, key) !== expected) return false;
  await connection.run(
    "INSERT INTO ledger VALUES ($1, $2) ON CONFLICT DO UPDATE SET value = excluded.value",
    [key, value],
  );
  return true;
}
