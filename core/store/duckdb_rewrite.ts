/** Parquet files of the same columns as one with larger row groups, by a DuckDB of its own that is gone afterwards. */
import { DuckDBInstance } from "@duckdb/node-api";
import { textLiteral } from "./duckdb_values.ts";

const GROUP_ROWS = 40_960;
const MEMORY = "192MiB";

/** Rows keep the order of the files. Resolves when `output` is complete. */
export async function rewriteParquet(paths: readonly string[], output: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { memory_limit: MEMORY, threads: "1" });
  try {
    const connection = await instance.connect();
    try {
      await connection.run(
        `COPY (SELECT * FROM read_parquet([${paths.map(textLiteral).join(", ")}], union_by_name = true))
         TO ${textLiteral(output)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE ${GROUP_ROWS},
           USE_TMP_FILE false)`,
      );
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}
