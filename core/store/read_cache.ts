/**
 * What a shared store keeps, as far as it was asked for, in a DuckDB of this process: reads run the very statements of the
 * embedded store, so that both answer the same. Nothing here is the truth: a process begins with nothing, and what has
 * changed since it was fetched is fetched anew.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { basename } from "node:path";
import type { EncodedRowGroup } from "../parquet/encoder.ts";
import { coveredIn } from "./duckdb_conditions.ts";
import { DuckDbConnections } from "./duckdb_connections.ts";
import { emptyDirectory } from "./duckdb_directory.ts";
import { MinuteQueries, minutesOfBucket } from "./duckdb_queries.ts";
import { exportTable } from "./duckdb_export.ts";
import { SegmentMerger } from "./duckdb_merge.ts";
import { minuteSpan, replaceMinutes } from "./duckdb_replace.ts";
import { MINUTE_SELECT } from "./duckdb_rows.ts";
import { SCHEMA } from "./duckdb_schema.ts";
import { Segments } from "./duckdb_segments.ts";
import { Staging } from "./duckdb_staging.ts";
import { threadsOf } from "./duckdb_threads.ts";
import { integerLiteral, numberOf, Parameters, rowsOf, textLiteral, textOf } from "./duckdb_values.ts";
import { OwnedDirectory } from "./owned_directory.ts";
import type { Export, ExportQuery, MinuteRows, OffsetCover, PartitionState } from "./ports.ts";
import type { RecordBlock } from "./record_blocks.ts";
import { minuteRanges, type RollupLevel, type RollupPlan } from "./rollup_plan.ts";
import type { RecordTable, SegmentEntry } from "./segment_catalog.ts";

const CHECKPOINT_BYTES = 24 * 1_048_576;
const MINUTES_PER_BUCKET = 60;
/** Fetched data beyond which everything is forgotten before the next read. */
const CACHE_BYTES_MAX = 2 * 1024 * 1_048_576;
/** What a minute row takes up, about. */
const ROW_BYTES = 200;
/** Additions of blocks between two looks for segments to merge. */
const MERGE_EVERY = 16;
/** Row groups of a file: DuckDB opens each file that a read may need. */
const GROUPS_PER_FILE = 256;

/** In the cache's own directory. */
const DIRECTORIES = ["exports", "staging", "segments"];
const ROLLUP_LEVELS: readonly RollupLevel[] = ["hours", "days"];
/** Tables with rows of a topic that are no segments'. */
const TOPIC_TABLES = ["minutes", "partitions", ...ROLLUP_LEVELS];

export interface CachedUnit {
  readonly topicId: string;
  readonly partition: number;
  readonly bucket: number;
}

/** Minute rows of a unit: all that it has, or those that have changed. */
export interface UnitMinutes extends CachedUnit {
  readonly minutes: MinuteRows;
  readonly isWhole: boolean;
}

export interface ReadCacheOptions {
  /** Where directories of the processes that read are made. */
  readonly directory: string;
  readonly memoryBytes: number;
  /** 0: as many as {@link threadsOf} says. */
  readonly threads: number;
  /** What minute cells held in memory, to answer from, may take up; 0: none are. */
  readonly cellBytes: number;
}

export class ReadCache {
  readonly #connections: DuckDbConnections;
  readonly #segments: Segments;
  readonly #staging: Staging;
  readonly #directory: OwnedDirectory;
  readonly #minutes: MinuteQueries;
  /** Loads are one at a time, each with the beginning of the read that it is for. */
  #turn: Promise<unknown> = Promise.resolve();
  #bytes = 0;
  readonly #merger: SegmentMerger;
  #added = 0;
  /** What has been loaded, by whatever names the loader gives it. */
  readonly loaded = new Map<string, string>();

  private constructor(connections: DuckDbConnections, directory: OwnedDirectory, cellBytes: number) {
    this.#minutes = new MinuteQueries(connections, cellBytes);
    this.#connections = connections;
    this.#directory = directory;
    this.#segments = new Segments(`${directory.path}/segments`);
    this.#staging = new Staging(`${directory.path}/staging`);
    this.#merger = new SegmentMerger(connections, this.#segments, () => {}); // what is not merged is only slower
    connections.onCheckpoint = () => this.#segments.sweep();
  }

  static async open({ directory: parent, memoryBytes, threads, cellBytes }: ReadCacheOptions): Promise<ReadCache> {
    const directory = await OwnedDirectory.make(parent);
    try {
      for (const name of DIRECTORIES) await emptyDirectory(`${directory.path}/${name}`);
      const connections = await openDatabase(directory.path, memoryBytes, threadsOf({ threads }));
      return new ReadCache(connections, directory, cellBytes);
    } catch (error) {
      await directory[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Runs `load`, then `read` on a snapshot that has at least what was loaded: where `readCells` is given and does not answer null,
   * that stands in for it. Nothing else is loaded until cells in memory have answered, for they are taken from what was.
   */
  async read<T>(
    load: () => Promise<void>,
    read: (connection: DuckDBConnection, segments: Segments) => Promise<T>,
    readCells: (minutes: MinuteQueries) => Promise<T | null> = () => Promise.resolve(null),
  ): Promise<T> {
    const answer = await this.#inTurn(async () => {
      await this.#loadWithin(load);
      const held = await readCells(this.#minutes);
      if (held !== null) return { answer: held };
      const begun = Promise.withResolvers<void>();
      const answer = this.#segments.reading(() =>
        this.#connections.read((connection) => {
          begun.resolve();
          return read(connection, this.#segments);
        })
      );
      answer.catch(() => begun.resolve());
      await begun.promise;
      return { answer };
    });
    return await answer.answer;
  }

  /** Looks at what is loaded, within a load. */
  look<T>(read: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#connections.read(read);
  }

  /** As {@link read}, for an export. */
  export(load: () => Promise<void>, query: ExportQuery): Promise<Export> {
    return this.#inTurn(async () => {
      await this.#loadWithin(load);
      const directory = `${this.#directory.path}/exports`;
      return await exportTable({ connections: this.#connections, segments: this.#segments, directory }, query);
    });
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task, task);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #loadWithin(load: () => Promise<void>): Promise<void> {
    if (this.#bytes > CACHE_BYTES_MAX) await this.#forgetAll();
    try {
      await load();
    } catch (error) {
      await this.#forgetAll(); // what was loaded of it is not known to be whole
      throw error;
    }
  }

  async #forgetAll(): Promise<void> {
    this.loaded.clear();
    this.#bytes = 0;
    const files = await this.#minutes.change(null, async (connection) => {
      for (const table of TOPIC_TABLES) await connection.run(`DELETE FROM ${table}`);
      return await this.#segments.delist(connection, "true", []);
    });
    this.#segments.unlist(files);
    await this.#connections.checkpoint();
  }

  /** Puts these minutes in the place of those that the units had, or of those cells. */
  async putMinutes(units: readonly UnitMinutes[]): Promise<void> {
    if (units.length === 0) return;
    const changes = units.map(({ topicId, bucket, minutes, isWhole }) => ({
      topicId,
      minutes: isWhole ? minutesOfBucket(bucket) : minutes.minutes,
    }));
    await this.#minutes.change(changes, async (connection) => {
      for (const { topicId, partition, bucket } of units.filter(({ isWhole }) => isWhole)) {
        const values = new Parameters();
        await connection.run(
          `DELETE FROM minutes WHERE topic_id = ${values.add(topicId)} AND part = ${integerLiteral(partition)}
             AND minute >= ${integerLiteral(bucket * MINUTES_PER_BUCKET)}
             AND minute < ${integerLiteral((bucket + 1) * MINUTES_PER_BUCKET)}`,
          values.values,
        );
      }
      const changed = units.filter(({ isWhole }) => !isWhole);
      await replaceMinutes(connection, this.#staging, units, minuteSpan(changed, () => true));
      this.#bytes += units.reduce((sum, { minutes }) => sum + minutes.rows * ROW_BYTES, 0);
    });
  }

  /** Puts a rollup in the place of the one that began at the same minute. */
  async putRollup(level: RollupLevel, topicId: string, minute: number, group: EncodedRowGroup): Promise<void> {
    await this.#connections.write(async (connection) => {
      await connection.run(`DELETE FROM ${level} WHERE topic_id = $1 AND minute = ${integerLiteral(minute)}`, [
        topicId,
      ]);
      await this.#staging.stageEncoded(group, async (path) => {
        await connection.run(`INSERT INTO ${level} SELECT ${MINUTE_SELECT} FROM read_parquet(${textLiteral(path)})`);
      });
      this.#bytes += group.rows * 200; // about
    });
  }

  /** Adds blocks of a topic. */
  async addBlocks(table: RecordTable, topicId: string, blocks: readonly RecordBlock[]): Promise<void> {
    for (let at = 0; at < blocks.length; at += GROUPS_PER_FILE) {
      const some = blocks.slice(at, at + GROUPS_PER_FILE);
      const flush = { topicId, events: [], quarantine: [], [table]: some };
      await this.#connections.write((connection) => this.#segments.add(connection, table, [flush]));
      this.#bytes += some.reduce((sum, { group }) => sum + group.bytes.length, 0);
      if (++this.#added % MERGE_EVERY === 0) this.#merger.start();
    }
  }

  /** A path for a file that {@link addFiles} is to be told of. */
  newFile(): string {
    return this.#segments.path(this.#segments.newFile());
  }

  /** Leaves, of records in files at paths of {@link newFile}, those of some offsets. */
  async filterFiles(paths: readonly string[], covers: readonly OffsetCover[]): Promise<void> {
    for (const path of paths) {
      const some = this.newFile();
      await this.#connections.read((connection) =>
        connection.run(
          `COPY (FROM read_parquet(${textLiteral(path)}) WHERE ${coveredIn(covers)}) TO ${textLiteral(some)}
           (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, USE_TMP_FILE false)`,
        )
      );
      await Deno.rename(some, path);
    }
  }

  /** Adds records of a topic in files that are there, at paths of {@link newFile}. */
  async addFiles(table: RecordTable, topicId: string, paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    const time = table === "events" ? "ts" : "record_time";
    await this.#connections.write(async (connection) => {
      const rows = await rowsOf(
        connection,
        `SELECT filename, count(*) AS rows, epoch_us(min(${time})) AS first, epoch_us(max(${time})) AS last,
           epoch_ms(max(record_time)) AS "lastRecord"
         FROM read_parquet([${paths.map(textLiteral).join(", ")}], filename = true) GROUP BY filename`,
      );
      const entries = rows.map((row): SegmentEntry => ({
        file: basename(textOf(row.filename)),
        table,
        topicId,
        level: 0,
        rows: numberOf(row.rows),
        firstGroup: 0,
        groups: 1,
        fileBytes: 0,
        firstMicros: numberOf(row.first),
        lastMicros: numberOf(row.last),
        lastRecordMs: numberOf(row.lastRecord),
      }));
      if (entries.length > 0) await this.#segments.list(connection, entries);
    });
  }

  /** Puts these states in the place of those that a topic's partitions had: exports tell them as their frontier. */
  async putPartitions(
    topicId: string,
    states: readonly (PartitionState & { readonly partition: number })[],
  ): Promise<void> {
    await this.#connections.write(async (connection) => {
      await connection.run("DELETE FROM partitions WHERE topic_id = $1", [topicId]);
      for (const { partition, checkpoint, writer, watermarkMs, totals } of states) {
        const { consumed, events, unparsed, late, clockBad } = totals;
        const values = new Parameters();
        const row = values.list([
          topicId,
          partition,
          checkpoint,
          writer ?? "",
          watermarkMs,
          consumed,
          events,
          unparsed,
          late,
          clockBad,
        ]);
        await connection.run(`INSERT INTO partitions VALUES ${row}`, values.values);
      }
    });
  }

  /** Forgets what was loaded of a topic. */
  forgetTopic(topicId: string): Promise<void> {
    return this.#inTurn(() => this.forgetLoaded(topicId));
  }

  /** The same, for a loader. */
  async forgetLoaded(topicId: string): Promise<void> {
    for (const name of this.loaded.keys()) if (name.includes(`/${topicId}/`)) this.loaded.delete(name);
    const files = await this.#minutes.change([{ topicId }], async (connection) => {
      for (const table of TOPIC_TABLES) {
        await connection.run(`DELETE FROM ${table} WHERE topic_id = $1`, [topicId]);
      }
      return await this.#segments.delist(connection, "topic_id = $1", [topicId]);
    });
    this.#segments.unlist(files);
  }

  async close(): Promise<void> {
    await this.#merger.stop();
    await this.#connections.close();
    await this.#segments.swept();
    await this.#directory[Symbol.asyncDispose]();
  }
}

async function openDatabase(directory: string, memoryBytes: number, threads: number): Promise<DuckDbConnections> {
  const connections = await DuckDbConnections.open({
    path: `${directory}/cache.duckdb`,
    allowedDirectories: DIRECTORIES.map((name) => `${directory}/${name}`),
    checkpointBytes: CHECKPOINT_BYTES,
    settings: {
      memory_limit: `${Math.floor(memoryBytes / 1_048_576)}MiB`,
      threads: String(threads),
      temp_directory: `${directory}/spill`,
      checkpoint_threshold: "1TiB", // checkpoints are started by DuckDbConnections
      preserve_insertion_order: "false",
      enable_external_file_cache: "false",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    },
  });
  try {
    await connections.write(async (connection) => {
      await connection.run(SCHEMA);
      for (const level of ROLLUP_LEVELS) await connection.run(`CREATE TABLE ${level} AS FROM minutes LIMIT 0`);
    });
    return connections;
  } catch (error) {
    await connections.close();
    throw error;
  }
}

/**
 * Lets `minutes` mean what a plan says, until the transaction ends: rollups are rows like those of minutes, so that the
 * statements over them stay the same.
 */
export async function useRollups(
  connection: DuckDBConnection,
  topicId: string,
  { rollups, buckets }: RollupPlan,
): Promise<void> {
  const of = (table: string, where: string) =>
    `SELECT * FROM store.main.${table} WHERE topic_id = ${textLiteral(topicId)} AND (${where})`;
  const ranges = minuteRanges(buckets).map(({ from, to }) =>
    `minute >= ${integerLiteral(from)} AND minute < ${integerLiteral(to)}`
  );
  const sources = [of("minutes", ranges.join(" OR ") || "false")];
  for (const level of ROLLUP_LEVELS) {
    const minutes = rollups.filter((rollup) => rollup.level === level)
      .map(({ bucket }) => integerLiteral(bucket * MINUTES_PER_BUCKET));
    if (minutes.length > 0) sources.push(of(level, `minute IN (${minutes.join(", ")})`));
  }
  await connection.run(`CREATE TEMP VIEW minutes AS ${sources.join(" UNION ALL ")}`);
}
