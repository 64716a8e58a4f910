/**
 * The embedded store: one DuckDB file. A flush is one transaction, a read one snapshot, an export DuckDB's own COPY.
 * The process that opens it is the only one (the data directory's lock sees to that). A method of the port each, most
 * hand on to a file of their own.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { messageOf } from "../errors.ts";
import { DuckDbConnections } from "./duckdb_connections.ts";
import { copyRecords } from "./duckdb_copy.ts";
import { countRows } from "./duckdb_count.ts";
import { commitDocuments, dropDocuments, readDocuments, readVersion } from "./duckdb_documents.ts";
import { numberOf, rowsOf, textOf } from "./duckdb_values.ts";
import { asDirectoryError } from "./duckdb_errors.ts";
import { readEvents, readQuarantine } from "./duckdb_events.ts";
import { emptyDirectory, isForeignLog } from "./duckdb_directory.ts";
import { Exporter } from "./duckdb_exporter.ts";
import { applyFlushes } from "./duckdb_flush.ts";
import { compareAndSet, putIfAbsent, readLedger } from "./duckdb_ledger.ts";
import { SegmentMerger } from "./duckdb_merge.ts";
import { type MinuteSegmentLimits, MinuteSegments } from "./duckdb_minute_segments.ts";
import { migrateSchema } from "./duckdb_migration.ts";
import type { ReadyHoursLimits } from "./duckdb_ready_hours.ts";
import { deleteOld } from "./duckdb_retention.ts";
import { Segments } from "./duckdb_segments.ts";
import { Staging } from "./duckdb_staging.ts";
import { threadsOf } from "./duckdb_threads.ts";
import { FlushQueue } from "./flush_queue.ts";
import { MinuteQueries, minutesOfBucket } from "./duckdb_queries.ts";
import { readAccessReport } from "./duckdb_report.ts";
import { type Gap, type PartitionOf, readGaps, readPartitions, readStates } from "./duckdb_partitions.ts";
import { UnitBounds } from "./duckdb_unit_bounds.ts";
import { askUnits, readExtents, replaceUnits, UnitChanged, type UnitsOf, unwritten } from "./duckdb_units.ts";
import { GatheredReads } from "./gathered_reads.ts";
import type {
  AccessReport,
  AccessReportQuery,
  CountQuery,
  DocumentCollection,
  DocumentPut,
  EventQuery,
  EventRecord,
  Export,
  ExportQuery,
  FlushOutcome,
  PartitionFlush,
  PartitionState,
  QuarantineQuery,
  QuarantineRecord,
  RowCount,
  SeriesQuery,
  SeriesResult,
  Store,
  SummaryQuery,
  SummaryResult,
  UnitExtent,
  UnitReplacement,
  UnitState,
} from "./ports.ts";

/** Size of the write-ahead log at which it is folded into the file: some seconds of events, replayed in under a second. */
const CHECKPOINT_BYTES = 24 * 1_048_576;
/** Tables with rows of a topic. */
const TOPIC_TABLES = ["units", "partitions", "gaps", "minutes"];
/** Flushes with events or quarantine between two looks for segments to merge. */
const MERGE_EVERY = 16;

const CELL_BYTES = 192 * 1_048_576;

export interface DuckDbStoreOptions {
  /** Where store.duckdb and its temporary files are kept. */
  readonly directory: string;
  readonly memoryBytes: number;
  /** 0: as many as {@link threadsOf} says. */
  readonly threads: number;
  /** What minute cells held in memory, to answer from, may take up; 0: none are; absent: 192 MiB. */
  readonly cellBytes?: number;
  readonly minuteSegments?: MinuteSegmentLimits;
  /** What hours that are ready for exports may take up on disk; 0: there are none; absent: 1 GiB. */
  readonly readyBytes?: number;
  readonly readyHours?: ReadyHoursLimits;
  /** Hears what was found amiss and does not keep the store from working. */
  readonly onNotice?: (text: string) => void;
}

/** Opens, or makes, the store in a directory. Throws NEWER_DATA, DATA_LOCKED, CORRUPT_DATA, FILE_UNAVAILABLE or DISK_FULL. */
export async function openDuckDbStore(options: DuckDbStoreOptions): Promise<DuckDbStore> {
  const exports = `${options.directory}/exports`;
  const staging = `${options.directory}/staging`;
  const segments = `${options.directory}/segments`;
  await Deno.mkdir(options.directory, { recursive: true }).catch((error) => {
    throw asDirectoryError(error, options.directory);
  });
  const path = `${options.directory}/store.duckdb`;
  const isLogIgnored = await isForeignLog(`${path}.wal`);
  const connections = await DuckDbConnections.open({
    path,
    allowedDirectories: [exports, staging, segments],
    checkpointBytes: CHECKPOINT_BYTES,
    settings: {
      memory_limit: `${Math.floor(options.memoryBytes / 1_048_576)}MiB`,
      threads: String(threadsOf(options)),
      temp_directory: `${options.directory}/spill`,
      checkpoint_threshold: "1TiB", // checkpoints are started by DuckDbConnections
      preserve_insertion_order: "false",
      enable_external_file_cache: "false", // the system caches files
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    },
  });
  if (isLogIgnored) {
    options.onNotice?.(
      `${path}.wal is no write-ahead log and was ignored: the store is as it was when its file was last written, ` +
        "and the engine reads again what came since",
    );
  }
  const store = new DuckDbStore(connections, new Staging(staging), new Segments(segments), options);
  try {
    // Only who has the database open may say that nobody else uses these files.
    for (const directory of [exports, staging]) await emptyDirectory(directory);
    await Deno.mkdir(segments, { recursive: true }).catch((error) => {
      throw asDirectoryError(error, segments);
    });
    await store.begin();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

export class DuckDbStore implements Store {
  readonly #connections: DuckDbConnections;
  readonly #exporter: Exporter;
  readonly #segments: Segments;
  readonly #staging: Staging;
  readonly #merger: SegmentMerger;
  readonly #minuteSegments: MinuteSegments;
  readonly #flushes: FlushQueue;
  readonly #minutes: MinuteQueries;
  readonly #partitionReads: GatheredReads<PartitionOf, PartitionState>;
  readonly #topicReads: GatheredReads<string, readonly (PartitionState & { partition: number })[]>;
  readonly #gapReads: GatheredReads<string, readonly Gap[]>;
  readonly #unitBounds = new UnitBounds();
  readonly #unitReads: GatheredReads<UnitsOf, readonly UnitState[]>;
  readonly #onNotice: (text: string) => void;
  #segmentsWritten = 0;

  constructor(
    connections: DuckDbConnections,
    staging: Staging,
    segments: Segments,
    options: DuckDbStoreOptions,
  ) {
    const { cellBytes = CELL_BYTES, minuteSegments, onNotice = () => {} } = options;
    this.#connections = connections;
    const tell = (what: string) => (error: unknown) =>
      onNotice(`segments could not be ${what}: ${messageOf(error)}; this is tried again`);
    this.#minuteSegments = new MinuteSegments({
      connections,
      segments,
      onFailure: tell("taken into the table of minutes"),
      ...minuteSegments,
    });
    this.#exporter = new Exporter(connections, segments, this.#minuteSegments, {
      ...options,
      read: (task) => this.#readMinutes(task),
      onNotice,
    });
    this.#minutes = new MinuteQueries(connections, cellBytes, (task) => this.#readMinutes(task));
    this.#partitionReads = new GatheredReads((of) =>
      connections.readOnce((connection) => readStates(connection, of, this.#unitBounds))
    );
    this.#topicReads = new GatheredReads<string, readonly (PartitionState & { partition: number })[]>((of) =>
      connections.readOnce((connection) => readPartitions(connection, of))
    );
    this.#gapReads = new GatheredReads<string, readonly Gap[]>((of) =>
      connections.readOnce((connection) => readGaps(connection, of))
    );
    this.#unitReads = new GatheredReads<UnitsOf, readonly UnitState[]>((of) =>
      askUnits(connections, (task) => this.#readMinutes(task), of)
    );
    this.#segments = segments;
    this.#staging = staging;
    this.#onNotice = onNotice;
    this.#merger = new SegmentMerger(connections, segments, tell("merged"));
    connections.onCheckpoint = () => segments.sweep();
    this.#flushes = new FlushQueue((flushes) => this.#apply(staging, flushes));
  }

  /** Makes the tables, or brings them up to this version, and looks after the segments. */
  async begin(): Promise<void> {
    await this.#connections.write((connection) => migrateSchema(connection, this.#segments));
    const missing = await this.#connections.write((connection) => this.#segments.settle(connection));
    for (const { file, table, topicId, rows } of missing) {
      const what = table === "minutes" ? "rows of minutes" : "records";
      this.#onNotice(
        `${this.#segments.path(file)} is gone, with ${rows} ${what} of topic ${topicId}: answers lack them`,
      );
    }
    this.#minuteSegments.added();
    this.#merger.start();
    await this.#exporter.start();
  }

  async #apply(staging: Staging, flushes: readonly PartitionFlush[]): Promise<readonly FlushOutcome[]> {
    const written: string[] = [];
    try {
      const files = { staging, segments: this.#segments, minuteSegments: this.#minuteSegments, written };
      const changes = flushes.map(({ topicId, minutes }) => ({ topicId, minutes: minutes.minutes }));
      this.#unitBounds.flushing(flushes);
      const outcomes = await this.#minutes.change(changes, (connection) => applyFlushes(connection, files, flushes));
      this.#minuteSegments.added();
      this.#segmentsWritten += written.length;
      if (this.#segmentsWritten >= MERGE_EVERY) {
        this.#segmentsWritten = 0;
        this.#merger.start();
      }
      return outcomes;
    } catch (error) {
      if (written.length > 0) {
        const remove = (connection: DuckDBConnection) => this.#segments.removeUnlisted(connection, written);
        await this.#connections.read(remove).catch(() => {}); // the next start finds them
      }
      throw error;
    }
  }

  readPartition(topicId: string, partition: number): Promise<PartitionState> {
    return this.#partitionReads.ask({ topicId, partition });
  }

  partitions(topicId: string): Promise<readonly (PartitionState & { partition: number })[]> {
    return this.#topicReads.ask(topicId);
  }

  async readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]> {
    if (this.#unitBounds.areUnwritten(topicId, partition, buckets)) return buckets.map(unwritten);
    return await this.#unitReads.ask({ topicId, partition, buckets });
  }

  unitExtents(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitExtent[]> {
    return this.#readMinutes((connection) => readExtents(connection, this.#segments, topicId, partition, buckets));
  }

  async replaceUnits(replacements: readonly UnitReplacement[]): Promise<boolean> {
    const unlisted: string[] = [];
    const files = { staging: this.#staging, segments: this.#segments, written: [], unlisted };
    try {
      const changes = replacements.map(({ topicId, unit }) => ({ topicId, minutes: minutesOfBucket(unit.bucket) }));
      await this.#minutes.change(changes, async (connection) => {
        unlisted.push(...await this.#minuteSegments.absorb(connection));
        await replaceUnits(connection, files, replacements);
      });
      this.#segments.unlist(unlisted);
      return true;
    } catch (error) {
      const remove = (connection: DuckDBConnection) => this.#segments.removeUnlisted(connection, files.written);
      await this.#connections.read(remove).catch(() => {}); // the next start finds them
      if (error instanceof UnitChanged) return false;
      throw error;
    }
  }

  flush(flush: PartitionFlush): Promise<FlushOutcome> {
    return this.#flushes.add(flush);
  }

  putIfAbsent(key: string, value: string): Promise<string> {
    return this.#connections.write((connection) => putIfAbsent(connection, key, value));
  }

  get(key: string): Promise<string | null> {
    return this.#connections.read((connection) => readLedger(connection, key));
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    return this.#connections.write((connection) => compareAndSet(connection, key, expected, value));
  }

  readDocuments(collection: string): Promise<DocumentCollection> {
    return this.#connections.read((connection) => readDocuments(connection, collection));
  }

  documentsVersion(collection: string): Promise<number> {
    return this.#connections.read((connection) => readVersion(connection, collection));
  }

  commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    return this.#connections.write((connection) => commitDocuments(connection, collection, expect, puts));
  }

  dropDocuments(collection: string): Promise<void> {
    return this.#connections.write((connection) => dropDocuments(connection, collection));
  }

  series(query: SeriesQuery): Promise<SeriesResult> {
    return this.#minutes.series(query);
  }

  summary(query: SummaryQuery): Promise<SummaryResult> {
    return this.#minutes.summary(query);
  }

  events(query: EventQuery): Promise<readonly EventRecord[]> {
    return this.#readSegments((connection) => readEvents(connection, this.#segments, query));
  }

  quarantine(query: QuarantineQuery): Promise<readonly QuarantineRecord[]> {
    return this.#readSegments((connection) => readQuarantine(connection, this.#segments, query));
  }

  accessReport(query: AccessReportQuery): Promise<AccessReport> {
    return this.#readSegments((connection) => readAccessReport(connection, this.#segments, query));
  }

  export(query: ExportQuery): Promise<Export> {
    return this.#exporter.export(query);
  }

  count(query: CountQuery): Promise<RowCount> {
    return this.#readMinutes((connection) => countRows(connection, this.#segments, query));
  }

  copyRecords(...of: Parameters<Store["copyRecords"]>): Promise<string> {
    return this.#readSegments((connection) => copyRecords(connection, this.#segments, ...of));
  }

  #readSegments<T>(read: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#segments.reading(() => this.#connections.read(read));
  }

  /** A snapshot in which `minutes` are whole. */
  #readMinutes<T>(read: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    return this.#readSegments(async (connection) => {
      await this.#minuteSegments.show(connection);
      return await read(connection);
    });
  }

  gaps(topicId: string): Promise<readonly { partition: number; start: number; end: number }[]> {
    return this.#gapReads.ask(topicId);
  }

  countStored(topicId: string): Promise<readonly { partition: number; count: number }[]> {
    return this.#readMinutes(async (connection) => {
      const rows = await rowsOf(
        connection,
        "SELECT part, sum(count)::BIGINT AS count FROM minutes WHERE topic_id = $1 GROUP BY part ORDER BY part",
        [topicId],
      );
      return rows.map((row) => ({ partition: numberOf(row.part), count: numberOf(row.count) }));
    });
  }

  unitVersions(topicId: string): Promise<readonly { bucket: number; version: string }[]> {
    return this.#connections.read(async (connection) => {
      const rows = await rowsOf(
        connection,
        `SELECT bucket, md5(string_agg(part || ':' || upto || ':' || writer, ',' ORDER BY part)) AS version
        FROM units WHERE topic_id = $1 GROUP BY bucket ORDER BY bucket`,
        [topicId],
      );
      return rows.map(({ bucket, version }) => ({ bucket: numberOf(bucket), version: textOf(version) ?? "" }));
    });
  }

  async dropTopic(topicId: string): Promise<void> {
    const unlisted = await this.#minutes.change([{ topicId }], async (connection) => {
      const absorbed = await this.#minuteSegments.absorb(connection);
      for (const table of TOPIC_TABLES) await connection.run(`DELETE FROM ${table} WHERE topic_id = $1`, [topicId]);
      return [...absorbed, ...await this.#segments.delist(connection, "topic_id = $1", [topicId])];
    });
    this.#segments.unlist(unlisted);
    await this.#connections.checkpoint();
  }

  async retain(
    { minutesBeforeMs, eventsBeforeMs }: { minutesBeforeMs: number; eventsBeforeMs: number },
  ): Promise<number> {
    const { deleted, unlisted } = await this.#minutes.change(null, async (connection) => {
      const absorbed = await this.#minuteSegments.absorb(connection);
      const old = await deleteOld(connection, this.#segments, minutesBeforeMs, eventsBeforeMs);
      return { deleted: old.deleted, unlisted: [...absorbed, ...old.unlisted] };
    });
    this.#segments.unlist(unlisted);
    if (deleted > 0) await this.#connections.checkpoint(); // gives the space back
    return deleted;
  }

  async close(): Promise<void> {
    await this.#minutes.stop();
    await this.#merger.stop();
    await this.#minuteSegments.stop();
    await this.#exporter.stop();
    await this.#connections.close();
    await this.#segments.swept();
  }
}
