/**
 * Copies from the files of ready hours, for one export: on an instance of DuckDB that keeps the order of rows, and that is
 * there only while somebody copies. It has one thread: with two, DuckDB 1.5.5 sometimes writes a later file's rows first.
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { ParquetMerger } from "../parquet/merge.ts";
import type { ReadyHour, ReadyHours } from "./duckdb_ready_hours.ts";
import { textLiteral } from "./duckdb_values.ts";
import type { ExportQuery } from "./ports.ts";

/** Of row groups of some ten thousand narrow rows. */
const MEMORY = "64MiB";

interface Opened {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
}

export class ReadyCopier implements AsyncDisposable {
  readonly #ready: ReadyHours | null;
  readonly #directory: string;
  #opened: Opened | null = null;
  #taken: readonly ReadyHour[] = [];
  #isInterrupted = false;

  /** @param directory Where the export's files lie, and nothing else is read or written. */
  constructor(ready: ReadyHours | null, directory: string) {
    this.#ready = ready;
    this.#directory = directory;
  }

  /** As {@link ReadyHours.take}; files that are still there at the end are removed then. */
  async take(connection: DuckDBConnection, query: ExportQuery, prefix: string): Promise<readonly ReadyHour[]> {
    if (this.#ready !== null) this.#taken = await this.#ready.take(connection, query, prefix);
    return this.#taken;
  }

  /** Looks whether a file is one of Parquet; where it is not the hour is not used again. */
  async check(hour: ReadyHour): Promise<void> {
    try {
      using file = await Deno.open(hour.path, { read: true });
      await new ParquetMerger().add(file);
    } catch (error) {
      await this.#ready?.discard([hour]);
      throw error;
    }
  }

  /** Runs a statement that reads the files of some hours. Where it fails they are not used again. */
  async copy(statement: string, hours: readonly ReadyHour[]): Promise<void> {
    const { connection } = this.#opened ??= await open(this.#directory);
    if (this.#isInterrupted) return;
    try {
      await connection.run(statement);
    } catch (error) {
      if (!this.#isInterrupted) await this.#ready?.discard(hours);
      throw error;
    }
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#opened?.connection.interrupt();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    opened?.connection.closeSync();
    opened?.instance.closeSync();
    for (const { path } of this.#taken) await Deno.remove(path).catch(() => {}); // renamed, most of them
  }
}

async function open(directory: string): Promise<Opened> {
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: MEMORY,
    threads: "1",
    enable_external_file_cache: "false",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  try {
    const connection = await instance.connect();
    await connection.run(`SET allowed_directories = [${textLiteral(`${directory}/`)}]`);
    await connection.run("SET enable_external_access = false");
    return { instance, connection };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}
