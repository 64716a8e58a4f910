/**
 * Rows on their way into DuckDB: written as Parquet to a file of the store's directory, which DuckDB's own threads read
 * (docs/adr/007). Files live for one statement or two.
 */
import { type EncodedRowGroup, type ParquetColumn, RowGroupEncoder } from "../parquet/encoder.ts";
import { writeParquetFile } from "../parquet/file.ts";

/** Rows for one table. */
export interface RowGroup {
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
}

export class Staging {
  readonly #directory: string;
  readonly #encoder = new RowGroupEncoder();
  #files = 0;

  /** The directory is there, and nobody else's. One `stage` at a time. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes the rows to a file, runs `use` with its path, and removes it. Without rows it does nothing. */
  async stage({ rows, columns }: RowGroup, use: (path: string) => Promise<void>): Promise<void> {
    if (rows > 0) await this.stageEncoded(this.#encoder.encode(rows, columns), use);
  }

  /** As {@link stage}, with rows that are encoded already. */
  async stageEncoded(group: EncodedRowGroup, use: (path: string) => Promise<void>): Promise<void> {
    const path = `${this.#directory}/rows-${++this.#files}.parquet`;
    try {
      await writeParquetFile(path, [group], { isDurable: false });
      await use(path);
    } finally {
      await Deno.remove(path).catch(() => {});
    }
  }
}
