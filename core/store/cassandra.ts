/**
 * Cassandra as the store: any number of engines write to it by Rule 1, any number of gateways read. What is read is fetched
 * into a DuckDB of this process, which answers as the embedded store does (docs/adr/025). Over 400 lines: it is the port, a
 * method each, and most hand on to a file of their own.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { type Dimension, DIMENSIONS, OTHER, UNPARSED } from "../minutes/fields.ts";
import type { Config } from "../config/schema.ts";
import { asCassandraError, connectCassandra } from "./cassandra_access.ts";
import { bytesIn, CassandraClient, numberIn, numberOrNullIn, textOrNullIn } from "./cassandra_client.ts";
import { dimensionsOf } from "./cassandra_cells.ts";
import { CassandraCounts } from "./cassandra_counts.ts";
import { applyFlush, CELL, GAP, type KnownState, NEVER_FLUSHED, stateAfter } from "./cassandra_flush.ts";
import { CassandraDocuments } from "./cassandra_documents.ts";
import { CassandraLedger } from "./cassandra_ledger.ts";
import { CassandraRollups } from "./cassandra_rollups.ts";
import { bucketsOf, CassandraReads, indexedUnits, partitionsOf } from "./cassandra_reads.ts";
import { checkSchema, migrateCassandra } from "./cassandra_schema.ts";
import { readExtents, replaceUnit } from "./cassandra_units.ts";
import { dropTopic, type Limits, retainTopic, TOPIC_SHARD, topicsOf } from "./cassandra_upkeep.ts";
import { NOTHING_KEPT, readKept } from "./duckdb_units.ts";
import { RECORD_TABLES, type RecordTable } from "./segment_catalog.ts";
import { copyRecords } from "./duckdb_copy.ts";
import { countRows } from "./duckdb_count.ts";
import { readEvents, readQuarantine } from "./duckdb_events.ts";
import type { MinuteQueries } from "./duckdb_queries.ts";
import { readSeries, readSummary } from "./duckdb_minutes.ts";
import type { Segments } from "./duckdb_segments.ts";
import { rangeBefore, readNewest } from "./newest_first.ts";
import { readAccessReport } from "./duckdb_report.ts";
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
  TimeRange,
  UnitExtent,
  UnitReplacement,
  UnitState,
} from "./ports.ts";
import { ReadCache, useRollups } from "./read_cache.ts";
import { ROLLUP_MINUTES, type RollupPlan } from "./rollup_plan.ts";

const HOUR_MS = 3_600_000;
const UNIT = "topic_id = ? AND part = ? AND bucket = ?";

/**
 * Connects, and makes what is missing where the configuration lets it. Throws UNREACHABLE after some patience, REFUSED,
 * INVALID_CONFIG, NEWER_DATA.
 */
export async function openCassandraStore(
  config: Config,
  onNotice: (text: string) => void = () => {},
): Promise<CassandraStore> {
  const { cassandra: access, store } = config;
  const driver = await connectCassandra(access, onNotice);
  await using opened = new AsyncDisposableStack();
  opened.defer(() => driver.shutdown());
  const retention = { minutesDays: store.minutesRetentionDays, eventsDays: store.eventsRetentionDays };
  try {
    if (access.createSchema) await migrateCassandra(driver, access, retention);
    else await checkSchema(driver, access);
  } catch (error) {
    throw asCassandraError(error, access, "looking at the tables");
  }
  const { memoryBytes, threads, cellBytes } = store;
  const cache = await ReadCache.open({ directory: `${config.data}/cache`, memoryBytes, threads, cellBytes });
  opened.move();
  return new CassandraStore(new CassandraClient(driver, access), cache);
}

export class CassandraStore implements Store {
  readonly #client: CassandraClient;
  readonly #cache: ReadCache;
  readonly #reads: CassandraReads;
  readonly #rollups: CassandraRollups;
  readonly #ledger: CassandraLedger;
  readonly #documents: CassandraDocuments;
  /** Partitions as this process last saw or left them, to spare a flush the reading. */
  readonly #known = new Map<string, KnownState>();
  /** Partitions that the index has. */
  readonly #indexed = new Set<string>();
  readonly #counts: CassandraCounts;
  readonly #flushing = new Set<Promise<FlushOutcome>>();
  #closing: Promise<void> | null = null;

  constructor(client: CassandraClient, cache: ReadCache) {
    this.#client = client;
    this.#cache = cache;
    this.#reads = new CassandraReads(client, cache);
    this.#rollups = new CassandraRollups(client, cache, this.#reads);
    this.#ledger = new CassandraLedger(client);
    this.#documents = new CassandraDocuments(client);
    this.#counts = new CassandraCounts(client);
  }

  // -------------------------------------------------------------- writing

  async readPartition(topicId: string, partition: number): Promise<PartitionState> {
    const state = await this.#readPartition(topicId, partition) ?? NEVER_FLUSHED;
    this.#known.set(`${topicId}/${partition}`, state);
    return state;
  }

  async #readPartition(topicId: string, partition: number): Promise<PartitionState | null> {
    const [row] = await this.#client.rows(
      `SELECT DISTINCT topic_id, part, checkpoint, writer, watermark_ms, consumed, events, unparsed, late, clock_bad
       FROM ${this.#client.keyspace}.partitions WHERE topic_id = ? AND part = ?`,
      [topicId, partition],
      { isSerial: true },
    );
    if (row === undefined || numberOrNullIn(row, "checkpoint") === null) return null;
    return {
      checkpoint: numberIn(row, "checkpoint"),
      writer: textOrNullIn(row, "writer"),
      watermarkMs: numberOrNullIn(row, "watermark_ms"),
      totals: {
        consumed: numberIn(row, "consumed"),
        events: numberIn(row, "events"),
        unparsed: numberIn(row, "unparsed"),
        late: numberIn(row, "late"),
        clockBad: numberIn(row, "clock_bad"),
      },
    };
  }

  async readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]> {
    return await Promise.all(buckets.map(async (bucket): Promise<UnitState> => {
      const [row] = await this.#client.rows(
        `SELECT DISTINCT topic_id, part, bucket, upto, writer FROM ${this.#client.keyspace}.units WHERE ${UNIT}`,
        [topicId, partition, bucket],
        { isSerial: true },
      );
      if (row === undefined || numberOrNullIn(row, "upto") === null) {
        return { bucket, upto: 0, writer: null, values: {} };
      }
      const values = await this.#readValues(topicId, partition, bucket);
      return { bucket, upto: numberIn(row, "upto"), writer: textOrNullIn(row, "writer"), values };
    }));
  }

  /** Values that take up a place under a cap: an absent one, the rest and the unparsed records' level do not. */
  async #readValues(topicId: string, partition: number, bucket: number): Promise<UnitState["values"]> {
    const found = DIMENSIONS.map(() => new Set<string>());
    const cells = this.#client.stream(
      `SELECT cell, data FROM ${this.#client.keyspace}.units WHERE ${UNIT} AND kind = ?`,
      [topicId, partition, bucket, CELL],
    );
    for await (const row of cells) {
      dimensionsOf(bytesIn(row, "data")).forEach((value, i) => found[i].add(value));
    }
    const values: Partial<Record<Dimension, string[]>> = {};
    DIMENSIONS.forEach((name, i) => {
      const capped = [...found[i]].filter((text) =>
        text !== "" && text !== OTHER && !(name === "level" && text === UNPARSED)
      );
      if (capped.length > 0) values[name] = capped;
    });
    return values;
  }

  flush(flush: PartitionFlush): Promise<FlushOutcome> {
    if (this.#closing !== null) return Promise.reject(new Error("the store is closed"));
    const flushing = this.#flush(flush).finally(() => this.#flushing.delete(flushing));
    this.#flushing.add(flushing);
    return flushing;
  }

  async #flush(flush: PartitionFlush): Promise<FlushOutcome> {
    const { topicId, partition } = flush;
    const key = `${topicId}/${partition}`;
    await this.#index(topicId, partition);
    const seen = this.#known.get(key);
    this.#known.delete(key); // until the outcome is certain
    const known = seen?.checkpoint === flush.expectCheckpoint
      ? seen
      : await this.#readPartition(topicId, partition) ?? NEVER_FLUSHED;
    const outcome = await applyFlush(this.#client, flush, known);
    if (outcome.kind === "applied") this.#known.set(key, stateAfter(known, flush));
    return outcome;
  }

  async #index(topicId: string, partition: number): Promise<void> {
    const key = `${topicId}/${partition}`;
    if (this.#indexed.has(key)) return;
    const { keyspace } = this.#client;
    await this.#client.write(`INSERT INTO ${keyspace}.topic_index (shard, topic_id) VALUES (?, ?)`, [
      TOPIC_SHARD,
      topicId,
    ]);
    await this.#client.write(`INSERT INTO ${keyspace}.partition_index (topic_id, part) VALUES (?, ?)`, [
      topicId,
      partition,
    ]);
    this.#indexed.add(key);
  }

  async unitExtents(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitExtent[]> {
    const extents = await readExtents(this.#client, topicId, partition, buckets);
    if (extents.length === 0) return [];
    const found = extents.map(({ bucket }) => bucket);
    const range = { fromMs: Math.min(...found) * HOUR_MS, toMs: (Math.max(...found) + 1) * HOUR_MS };
    const load = () =>
      this.#reads.load(topicId, async (reads) => {
        await reads.loadTables(RECORD_TABLES, topicId, range);
      });
    const kept = await this.#cache.read(
      load,
      (connection, segments) => readKept(connection, segments, topicId, partition, found),
    );
    return extents.map((extent) => ({ ...extent, kept: kept.get(extent.bucket) ?? NOTHING_KEPT }));
  }

  async replaceUnits(replacements: readonly UnitReplacement[]): Promise<boolean> {
    for (const replacement of replacements) {
      const { topicId, partition } = replacement;
      this.#known.delete(`${topicId}/${partition}`);
      if (!await replaceUnit(this.#client, replacement)) return false;
      // Blocks that are named no more would stay among those that were fetched.
      await this.#cache.forgetTopic(topicId);
    }
    return true;
  }

  putIfAbsent(key: string, value: string): Promise<string> {
    return this.#ledger.putIfAbsent(key, value);
  }

  get(key: string): Promise<string | null> {
    return this.#ledger.get(key);
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    return this.#ledger.compareAndSet(key, expected, value);
  }

  readDocuments(collection: string): Promise<DocumentCollection> {
    return this.#documents.readDocuments(collection);
  }

  documentsVersion(collection: string): Promise<number> {
    return this.#documents.documentsVersion(collection);
  }

  commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean> {
    return this.#documents.commitDocuments(collection, expect, puts);
  }

  dropDocuments(collection: string): Promise<void> {
    return this.#documents.dropDocuments(collection);
  }

  // -------------------------------------------------------------- reading

  series(query: SeriesQuery): Promise<SeriesResult> {
    const { topicId, range, stepMinutes } = query;
    return this.#readMinutes(
      { topicId, range, stepMinutes },
      (minutes) => minutes.seriesOfCells(query),
      (connection) => readSeries(connection, query),
    );
  }

  summary(query: SummaryQuery): Promise<SummaryResult> {
    const { topicId, range } = query;
    return this.#readMinutes(
      { topicId, range, stepMinutes: ROLLUP_MINUTES.days },
      (minutes) => minutes.summaryOfCells(query),
      (connection) => readSummary(connection, query),
    );
  }

  /**
   * Reads minutes for an answer in steps of such a width: from rollups, as far as they serve it; where they do not, from cells
   * in memory if they are not too many.
   */
  #readMinutes<T>(
    { topicId, range, stepMinutes }: Pick<SeriesQuery, "topicId" | "range" | "stepMinutes">,
    readCells: (minutes: MinuteQueries) => Promise<T | null>,
    read: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    let plan: RollupPlan | null = null;
    const load = async () => {
      plan = await this.#rollups.load(topicId, range, stepMinutes);
    };
    const readRows = async (connection: DuckDBConnection) => {
      if (plan !== null) await useRollups(connection, topicId, plan);
      return await read(connection);
    };
    const hasRollups = () => plan !== null && plan.rollups.length > 0;
    return this.#cache.read(load, readRows, async (minutes) => hasRollups() ? null : await readCells(minutes));
  }

  events(query: EventQuery): Promise<readonly EventRecord[]> {
    const { after } = query;
    return this.#readNewest("events", query, after && after.timestampMicros / 1000, readEvents);
  }

  quarantine(query: QuarantineQuery): Promise<readonly QuarantineRecord[]> {
    return this.#readNewest("quarantine", query, query.after?.recordTimeMs, readQuarantine);
  }

  /** A page of records: hours are fetched from the newest on, until it is full. */
  async #readNewest<Q extends EventQuery | QuarantineQuery, T extends EventRecord | QuarantineRecord>(
    table: RecordTable,
    query: Q,
    afterMs: number | undefined,
    read: (connection: DuckDBConnection, segments: Segments, query: Q) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const { topicId, limit, bytesMax } = query;
    const before = rangeBefore(query.range, afterMs);
    const units = await indexedUnits(this.#client, topicId, bucketsOf(before));
    const buckets = units.map(({ bucket }) => bucket);
    return await readNewest<T>(buckets, { range: before, limit, bytesMax }, (range) => {
      const load = this.#loadRecords([table], topicId, range);
      return this.#cache.read(load, (connection, segments) => read(connection, segments, { ...query, range }));
    });
  }

  #loadRecords(tables: readonly RecordTable[], topicId: string, range: TimeRange): () => Promise<void> {
    return () => this.#reads.load(topicId, (reads) => reads.loadTables(tables, topicId, range));
  }

  accessReport(query: AccessReportQuery): Promise<AccessReport> {
    const load = this.#loadRecords(RECORD_TABLES, query.topicId, query.range);
    return this.#cache.read(load, (connection, segments) => readAccessReport(connection, segments, query));
  }

  export(query: ExportQuery): Promise<Export> {
    const load = async () => {
      // The frontier first: what is fetched after it reflects at least that.
      await this.#cache.putPartitions(query.topicId, await this.partitions(query.topicId));
      await this.#loadTable(query)();
    };
    return this.#cache.export(load, query);
  }

  async count(query: CountQuery): Promise<RowCount> {
    return await this.#cache.read(
      this.#loadTable(query),
      (connection, segments) => countRows(connection, segments, query),
    );
  }

  /** Loads what an export of a table is made of. */
  #loadTable({ table, topicId, range }: Pick<ExportQuery, "table" | "topicId" | "range">): () => Promise<void> {
    if (table === "events" || table === "quarantine") return this.#loadRecords([table], topicId, range);
    return () => this.#reads.load(topicId, (reads) => reads.loadMinutes(topicId, range));
  }

  copyRecords(...of: Parameters<Store["copyRecords"]>): Promise<string> {
    const [table, topicId, range] = of;
    const load = this.#loadRecords([table], topicId, range);
    return this.#cache.read(load, (connection, segments) => copyRecords(connection, segments, ...of));
  }

  async partitions(topicId: string): Promise<readonly (PartitionState & { partition: number })[]> {
    const states = await Promise.all((await partitionsOf(this.#client, topicId)).map(async (partition) => {
      const state = await this.#readPartition(topicId, partition);
      return state === null ? [] : [{ ...state, partition }];
    }));
    return states.flat();
  }

  async gaps(topicId: string): Promise<readonly { partition: number; start: number; end: number }[]> {
    const gaps = await Promise.all((await partitionsOf(this.#client, topicId)).map(async (partition) => {
      const rows = await this.#client.rows(
        `SELECT from_offset, amount FROM ${this.#client.keyspace}.partitions
         WHERE topic_id = ? AND part = ? AND kind = ?`,
        [topicId, partition, GAP],
      );
      return rows.map((row) => ({ partition, start: numberIn(row, "from_offset"), end: numberIn(row, "amount") }));
    }));
    return gaps.flat();
  }

  unitVersions(topicId: string): Promise<readonly { bucket: number; version: string }[]> {
    return this.#reads.hourVersions(topicId);
  }

  countStored(topicId: string): Promise<readonly { partition: number; count: number }[]> {
    return this.#counts.countStored(topicId);
  }

  // -------------------------------------------------------------- upkeep

  async dropTopic(topicId: string): Promise<void> {
    await dropTopic(this.#client, topicId);
    this.#counts.forgetTopic(topicId);
    for (const key of this.#known.keys()) if (key.startsWith(`${topicId}/`)) this.#known.delete(key);
    for (const key of this.#indexed) if (key.startsWith(`${topicId}/`)) this.#indexed.delete(key);
    await this.#cache.forgetTopic(topicId);
  }

  async retain(limits: Limits): Promise<number> {
    let deleted = 0;
    for (const topicId of await topicsOf(this.#client)) {
      const rows = await retainTopic(this.#client, topicId, limits);
      if (rows > 0) await this.#cache.forgetTopic(topicId);
      deleted += rows;
    }
    return deleted;
  }

  /** Waits for the flushes under way. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled(this.#flushing);
      await this.#cache.close();
      await this.#client.close();
    })();
    return this.#closing;
  }
}
