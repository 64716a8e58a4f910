/** Merges small segments into larger ones, beside everything else: flushes wait only for the moment of the exchange. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { syncDirectory, syncFile } from "../durable_file.ts";
import { concatenateFiles, countRowGroups, haveSameColumns } from "../parquet/merge.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { readEntries, type Segments, sourceSql } from "./duckdb_segments.ts";
import { numberOf, Parameters, rowsOf, textLiteral } from "./duckdb_values.ts";
import {
  type MergePlan,
  needsLargerGroups,
  planMerge,
  type RecordTable,
  type SegmentEntry,
} from "./segment_catalog.ts";

/** Rows and bytes of a row group: what is read at least to get at one row, and what a writer holds. */
const GROUP_ROWS = 40_960;
const GROUP_BYTES = 8 * 1_048_576;

export class SegmentMerger {
  readonly #connections: DuckDbConnections;
  readonly #segments: Segments;
  readonly #onFailure: (error: unknown) => void;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(connections: DuckDbConnections, segments: Segments, onFailure: (error: unknown) => void) {
    this.#connections = connections;
    this.#segments = segments;
    this.#onFailure = onFailure;
  }

  /** Merges what is worth it, unless it does so already. What failed is told, and tried again the next time. */
  start(): void {
    if (this.#running !== null || this.#isStopped) return;
    this.#running = this.#run().catch((error) => {
      if (!this.#isStopped) this.#onFailure(error);
    }).finally(() => this.#running = null);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const entries = await this.#connections.read((connection) => readEntries(connection));
      const plan = planMerge(entries);
      if (plan === null) break;
      await this.#merge(plan);
    }
    if (this.#segments.hasUnlisted) await this.#connections.checkpoint();
  }

  async #merge(plan: MergePlan): Promise<void> {
    const written: SegmentEntry[] = [];
    try {
      const topics = Map.groupBy(plan.entries, ({ topicId }) => topicId);
      for (const entries of topics.values()) {
        if (this.#isStopped) throw new Error("the store closes");
        written.push(await this.#segments.reading(() => this.#write(plan, entries)));
      }
      await syncDirectory(this.#segments.path("."));
      const unlisted = await this.#connections.write((connection) => this.#exchange(connection, plan, written));
      this.#segments.unlist(unlisted);
    } catch (error) {
      const files = written.map(({ file }) => file);
      await this.#connections.read((connection) => this.#segments.removeUnlisted(connection, files));
      throw error;
    }
  }

  /** The rows of one topic in these segments as a segment of their own. */
  async #write({ table, level }: MergePlan, entries: readonly SegmentEntry[]): Promise<SegmentEntry> {
    const [{ topicId }] = entries;
    const file = this.#segments.newFile();
    const path = this.#segments.path(file);
    try {
      // In the order of the log, so that what is read together lies together.
      const ordered = entries.toSorted((a, b) => a.lastRecordMs - b.lastRecordMs);
      const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
      const inputs = ordered.map(({ file, firstGroup, groups }) => ({
        path: this.#segments.path(file),
        first: firstGroup,
        count: groups,
      }));
      const canConcatenate = !needsLargerGroups(entries) && await haveSameColumns(inputs.map(({ path }) => path));
      const groups = canConcatenate
        ? await concatenateFiles(inputs, path)
        : await this.#copyRows(table, ordered, path, rows);
      await syncFile(path);
      const { size } = await Deno.stat(path);
      return {
        file,
        table,
        topicId,
        level,
        fileBytes: size,
        rows,
        firstGroup: 0,
        groups,
        firstMicros: Math.min(...entries.map(({ firstMicros }) => firstMicros)),
        lastMicros: Math.max(...entries.map(({ lastMicros }) => lastMicros)),
        lastRecordMs: Math.max(...entries.map(({ lastRecordMs }) => lastRecordMs)),
      };
    } catch (error) {
      await this.#segments.remove([file]);
      throw error;
    }
  }

  /** Answers how many row groups they are. */
  async #copyRows(
    table: RecordTable,
    entries: readonly SegmentEntry[],
    path: string,
    rows: number,
  ): Promise<number> {
    const topic = textLiteral(entries[0].topicId);
    const copied = await this.#connections.readAlone((connection) =>
      connection.run(
        `COPY (SELECT * FROM ${sourceSql(this.#segments, table, entries)} WHERE topic_id = ${topic})
         TO ${textLiteral(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${GROUP_ROWS},
           ROW_GROUP_SIZE_BYTES ${GROUP_BYTES}, USE_TMP_FILE false)`,
      )
    );
    // What is not in the copy would be gone with the originals.
    if (copied.rowsChanged !== rows) throw new Error(`of ${rows} rows ${copied.rowsChanged} were copied`);
    return await countRowGroups(path);
  }

  /** Lists the merged segments in place of the others, unless some of these are not listed any more. */
  async #exchange(
    connection: DuckDBConnection,
    { entries }: MergePlan,
    written: readonly SegmentEntry[],
  ): Promise<string[]> {
    const values = new Parameters();
    const keys = entries.map(({ file, topicId }) => values.list([file, topicId]));
    const where = `(file, topic_id) IN (${keys.join(", ")})`;
    const [{ count }] = await rowsOf(
      connection,
      `SELECT count(*) AS count FROM segments WHERE ${where}`,
      values.values,
    );
    if (numberOf(count) !== entries.length) throw new Error("the segments have changed in the meantime");
    const unlisted = await this.#segments.delist(connection, where, values.values);
    await this.#segments.list(connection, written);
    return unlisted;
  }
}
