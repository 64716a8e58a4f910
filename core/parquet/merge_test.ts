/** Files that were put together are read by DuckDB as what they were made of. */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { concatenateFiles, countRowGroups, haveSameColumns } from "./merge.ts";

async function inDirectory(check: (connection: DuckDBConnection, directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "millrace-merge-" });
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    await check(connection, directory);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(directory, { recursive: true });
  }
}

const rowsOf = async (connection: DuckDBConnection, sql: string) =>
  (await connection.runAndReadAll(sql)).getRowsJS().map((row) => row.map(String));

Deno.test("row groups of several files are one file's, in their order, and as many as it says", async () => {
  await inDirectory(async (connection, directory) => {
    const path = (n: number) => `${directory}/${n}.parquet`;
    for (const [n, rows] of [5_000, 100, 7_000].entries()) {
      await connection.run(
        `COPY (SELECT i + ${n * 10_000} AS i, 'x' || i AS s, NULL::BLOB AS b FROM range(${rows}) r(i) ORDER BY i)
         TO '${path(n)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)`,
      );
    }
    expect(await haveSameColumns([0, 1, 2].map(path))).toBe(true);
    const output = `${directory}/all.parquet`;
    // The second file whole, and of the others what does not begin or end with the file.
    const some = [[1, 0, 1], [0, 1, 2], [2, 1, 2]] as const;
    const inputs = some.map(([n, first, count]) => ({ path: path(n), first, count }));
    const groups = await concatenateFiles(inputs, output);
    const seen = await rowsOf(connection, `SELECT count(DISTINCT row_group_id) FROM parquet_metadata('${output}')`);
    expect([groups, await countRowGroups(output)].map(String)).toEqual([...seen[0], ...seen[0]]);
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));
    const wanted = [...range(10_000, 10_100), ...range(2_048, 5_000), ...range(22_048, 26_144)];
    const read = await rowsOf(connection, `SELECT i, s, b FROM '${output}' ORDER BY file_row_number`);
    expect(read.map(([i]) => i)).toEqual(wanted);
    expect(read.map(([, s]) => s)).toEqual(wanted.map((i) => `x${Number(i) % 10_000}`));
  });
});

Deno.test("files whose columns differ in name, type or order are not taken for alike", async () => {
  await inDirectory(async (connection, directory) => {
    const selects = ["1 AS a, 'x' AS b", "1 AS a, 'x' AS c", "1::BIGINT AS a, 'x' AS b", "'x' AS b, 1 AS a", "1 AS a"];
    const paths = selects.map((_, n) => `${directory}/${n}.parquet`);
    for (const [n, columns] of selects.entries()) {
      await connection.run(`COPY (SELECT ${columns}) TO '${paths[n]}' (FORMAT parquet)`);
      expect(await haveSameColumns([paths[n], paths[n]])).toBe(true);
      if (n > 0) expect(await haveSameColumns([paths[0], paths[0], paths[n]])).toBe(false);
    }
    await Deno.writeTextFile(paths[0], "no Parquet");
    await expect(haveSameColumns(paths)).rejects.toThrow(RangeError);
  });
});
