/**
 * Rows on their way into DuckDB: written as Parquet to a file of the store's directory, which DuckDB's own threads read
 * (docs/adr/007). Files live for one statement or two.
 */
import { type ParquetColumn, ParquetEncoder } from "./parquet_encoder.ts";

/** The rows of one flush for one table. */
export interface RowGroup {
  readonly rows: number;
  /** Made when it is written, so that only one flush's are held at a time. */
  columns(): readonly ParquetColumn[];
}

export class Staging {
  readonly #directory: string;
  readonly #encoder = new ParquetEncoder();
  #files = 0;

  /** The directory is there, and nobody else's. One `stage` at a time. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Writes the groups' rows to a file, runs `use` with its path, and removes it. Without rows it does nothing. */
  async stage(groups: readonly RowGroup[], use: (path: string) => Promise<void>): Promise<void> {
    const filled = groups.filter(({ rows }) => rows > 0);
    if (filled.length === 0) return;
    const path = `${this.#directory}/rows-${++this.#files}.parquet`;
    try {
      await this.#write(path, filled);
      await use(path);
    } finally {
      await Deno.remove(path).catch(() => {});
    }
  }

  async #write(path: string, groups: readonly RowGroup[]): Promise<void> {
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    await writeAll(file, this.#encoder.begin());
    for (const { rows, columns } of groups) await writeAll(file, this.#encoder.rowGroup(rows, columns()));
    await writeAll(file, this.#encoder.end());
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
