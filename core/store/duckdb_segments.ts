/**
 * Segments on disk: events and quarantined records, and for a while minutes, as Parquet files, listed in the table `segments`. A file is durable
 * before the transaction that lists it commits, and is removed only when a checkpoint holds that it is listed no more and
 * nobody reads it: so what is listed is there, whenever the process ends.
 */
import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import { syncDirectory } from "../durable_file.ts";
import type { EncodedRowGroup } from "../parquet/encoder.ts";
import { writeParquetFile } from "../parquet/file.ts";
import { numberOf, Parameters, rowsOf, textLiteral, textOf } from "./duckdb_values.ts";
import type { PartitionFlush, TimeRange } from "./ports.ts";
import type { RecordBlock } from "./record_blocks.ts";
import type { RecordTable, SegmentEntry, SegmentTable } from "./segment_catalog.ts";

export class Segments {
  readonly #directory: string;
  /** Reads under way: files that are removed wait for those that began before. */
  readonly #reads = new Set<Promise<void>>();
  /** Files that no committed transaction lists any more. */
  #unlisted: string[] = [];
  #sweeping: Promise<void> = Promise.resolve();

  /** The directory is there, and nobody else's. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  path(file: string): string {
    return `${this.#directory}/${file}`;
  }

  newFile(): string {
    return `${crypto.randomUUID()}.parquet`;
  }

  /** Keeps the files of every snapshot that `read` takes until it has ended. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#reads.add(promise);
    try {
      return await read();
    } finally {
      this.#reads.delete(promise);
      resolve();
    }
  }

  /**
   * Writes the rows of flushes for one table to a segment, and lists it; answers its name. Whoever began the transaction
   * gives it to {@link removeUnlisted} where that fails.
   */
  async add(
    connection: DuckDBConnection,
    table: RecordTable,
    flushes: readonly Pick<PartitionFlush, "topicId" | RecordTable>[],
  ): Promise<string | null> {
    const topics = Map.groupBy(flushes.filter((flush) => flush[table].length > 0), ({ topicId }) => topicId);
    if (topics.size === 0) return null;
    const blocks = [...topics].map(([topicId, of]) => ({ topicId, blocks: of.flatMap((flush) => flush[table]) }));
    const file = this.newFile();
    const fileBytes = await this.write(file, blocks.flatMap(({ blocks }) => blocks.map(({ group }) => group)));
    let firstGroup = 0;
    await this.list(
      connection,
      blocks.map(({ topicId, blocks }) => {
        const entry = { file, table, topicId, level: 0, fileBytes, firstGroup, ...summaryOf(blocks) };
        firstGroup += blocks.length;
        return entry;
      }),
    );
    return file;
  }

  /** Writes a file of {@link newFile}'s name, durably; answers its size. */
  async write(file: string, groups: readonly EncodedRowGroup[]): Promise<number> {
    try {
      const fileBytes = await writeParquetFile(this.path(file), groups, { isDurable: true });
      await syncDirectory(this.#directory);
      return fileBytes;
    } catch (error) {
      await this.remove([file]);
      throw error;
    }
  }

  async list(connection: DuckDBConnection, entries: readonly SegmentEntry[]): Promise<void> {
    const parameters = new Parameters();
    const rows = entries.map((entry) =>
      parameters.list([
        entry.file,
        entry.table,
        entry.topicId,
        entry.level,
        entry.rows,
        entry.firstGroup,
        entry.groups,
        entry.fileBytes,
        BigInt(entry.firstMicros),
        BigInt(entry.lastMicros),
        entry.lastRecordMs,
      ])
    );
    await connection.run(`INSERT INTO segments VALUES ${rows.join(", ")}`, parameters.values);
  }

  /**
   * Takes entries off the list, and answers the files that nothing lists any more: for {@link unlist}, once the transaction
   * has committed. `where` is a condition over the list.
   */
  async delist(connection: DuckDBConnection, where: string, values: DuckDBValue[]): Promise<string[]> {
    const files = (await rowsOf(connection, `SELECT DISTINCT file FROM segments WHERE ${where}`, values))
      .map(({ file }) => textOf(file));
    if (files.length === 0) return [];
    await connection.run(`DELETE FROM segments WHERE ${where}`, values);
    return await unlistedOf(connection, files);
  }

  /** Takes the files that nothing lists any more, once the transaction that unlisted them has committed. */
  unlist(files: readonly string[]): void {
    this.#unlisted.push(...files);
  }

  /** True where a checkpoint would let files be removed. */
  get hasUnlisted(): boolean {
    return this.#unlisted.length > 0;
  }

  /** Call it after a checkpoint: what was unlisted before is removed as soon as nobody reads it. */
  sweep(): void {
    const files = this.#unlisted;
    this.#unlisted = [];
    const reads = [...this.#reads];
    this.#sweeping = this.#sweeping.then(async () => {
      await Promise.all(reads);
      await this.remove(files);
    });
  }

  /** Resolves when what was swept is removed. */
  swept(): Promise<void> {
    return this.#sweeping;
  }

  /** Removes files of a transaction that failed, unless it was committed all the same. */
  async removeUnlisted(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
    await this.remove(await unlistedOf(connection, files));
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const file of files) await Deno.remove(this.path(file)).catch(() => {}); // gone already, or gone at the next start
  }

  /**
   * Removes files that nothing lists, which a killed process left. Entries whose files are missing are taken off the list,
   * and answered. Call it before anything else.
   */
  async settle(connection: DuckDBConnection): Promise<SegmentEntry[]> {
    const entries = await readEntries(connection);
    const listed = new Set(entries.map(({ file }) => file));
    const found = new Set<string>();
    for await (const { name } of Deno.readDir(this.#directory)) found.add(name);
    await this.remove([...found].filter((file) => !listed.has(file)));
    const missing = entries.filter(({ file }) => !found.has(file));
    if (missing.length > 0) {
      const values = new Parameters();
      const where = `file IN ${values.list(missing.map(({ file }) => file))}`;
      await connection.run(`DELETE FROM segments WHERE ${where}`, values.values);
    }
    return missing;
  }
}

async function unlistedOf(connection: DuckDBConnection, files: readonly string[]): Promise<string[]> {
  const values = new Parameters();
  const rows = await rowsOf(connection, `SELECT file FROM segments WHERE file IN ${values.list(files)}`, values.values);
  const listed = new Set(rows.map(({ file }) => textOf(file)));
  return files.filter((file) => !listed.has(file));
}

function summaryOf(blocks: readonly RecordBlock[]) {
  return {
    rows: blocks.reduce((sum, { group }) => sum + group.rows, 0),
    groups: blocks.length,
    firstMicros: Math.min(...blocks.map(({ firstMicros }) => firstMicros)),
    lastMicros: Math.max(...blocks.map(({ lastMicros }) => lastMicros)),
    lastRecordMs: Math.max(...blocks.map(({ lastRecordMs }) => lastRecordMs)),
  };
}

/** Entries of one table and topic that may have rows in the range, or all that there are. */
export async function readEntries(
  connection: DuckDBConnection,
  of?: { readonly table: RecordTable; readonly topicId: string; readonly range: TimeRange },
): Promise<SegmentEntry[]> {
  const values = new Parameters();
  const where = of === undefined
    ? "true"
    : `"table" = ${values.add(of.table)} AND topic_id = ${values.add(of.topicId)} AND ` +
      `last_us >= ${values.add(of.range.fromMs * 1000)}::DOUBLE AND first_us < ${
        values.add(of.range.toMs * 1000)
      }::DOUBLE`;
  const rows = await rowsOf(
    connection,
    `SELECT * FROM segments WHERE ${where} ORDER BY last_us DESC, file`,
    values.values,
  );
  return rows.map((row) => ({
    file: textOf(row.file),
    table: tableOf(row.table),
    topicId: textOf(row.topic_id),
    level: numberOf(row.level),
    rows: numberOf(row.rows),
    firstGroup: numberOf(row.first_group),
    groups: numberOf(row.groups),
    fileBytes: numberOf(row.file_bytes),
    firstMicros: numberOf(row.first_us),
    lastMicros: numberOf(row.last_us),
    lastRecordMs: numberOf(row.last_record_ms),
  }));
}

function tableOf(name: unknown): SegmentTable {
  return name === "minutes" || name === "events" ? name : "quarantine";
}

/** What to select rows from: the files, or the table of the same columns that has no rows. */
export function sourceSql(segments: Segments, table: RecordTable, entries: readonly SegmentEntry[]): string {
  if (entries.length === 0) return table;
  const paths = [...new Set(entries.map(({ file }) => file))].map((file) => textLiteral(segments.path(file)));
  return `read_parquet([${paths.join(", ")}])`;
}
