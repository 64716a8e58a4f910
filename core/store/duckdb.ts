/**
 * The embedded store: one DuckDB file. A flush is one transaction, a read one snapshot, an export DuckDB's own COPY.
 * The process that opens it is the only one (the data directory's lock sees to that).
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { MillraceError } from "../errors.ts";
import { DuckDbConnections } from "./duckdb_connections.ts";
import { markedSql, numberOf, numberOrNull, type Row, rowsOf, textOf, unmarkedOf } from "./duckdb_values.ts";
import { asDirectoryError } from "./duckdb_errors.ts";
import { readEvents, readQuarantine } from "./duckdb_events.ts";
import { exportTable } from "./duckdb_export.ts";
import { applyFlushes } from "./duckdb_flush.ts";
import { Staging } from "./duckdb_staging.ts";
import { readWide } from "./duckdb_slices.ts";
import { FlushQueue } from "./flush_queue.ts";
import { readSeries, readSummary } from "./duckdb_minutes.ts";
import { readAccessReport } from "./duckdb_report.ts";
import { column, MIGRATION, SCHEMA, SCHEMA_VERSION } from "./duckdb_schema.ts";
import { type Dimension, DIMENSIONS, OTHER, UNPARSED } from "../minutes/fields.ts";
import type {
  AccessReport,
  AccessReportQuery,
  EventQuery,
  EventRecord,
  Export,
  ExportQuery,
  FlushOutcome,
  PartitionFlush,
  PartitionState,
  QuarantineQuery,
  QuarantineRecord,
  SeriesQuery,
  SeriesResult,
  Store,
  SummaryResult,
  TimeRange,
  UnitState,
} from "./ports.ts";

const MINUTES_PER_BUCKET = 60;
/** Size of the write-ahead log at which it is folded into the file: some seconds of events, replayed in under a second. */
const CHECKPOINT_BYTES = 24 * 1_048_576;
/** Tables with rows of a topic. */
const TOPIC_TABLES = ["units", "partitions", "gaps", "minutes", "events", "quarantine"];

export interface DuckDbStoreOptions {
  /** Where store.duckdb and its temporary files are kept. */
  readonly directory: string;
  readonly memoryBytes: number;
  readonly threads: number;
  /** Hears what was found amiss at opening and does not keep the store from working. */
  readonly onNotice?: (text: string) => void;
}

/** Opens, or makes, the store in a directory. Throws NEWER_DATA, DATA_LOCKED, CORRUPT_DATA, FILE_UNAVAILABLE or DISK_FULL. */
export async function openDuckDbStore(options: DuckDbStoreOptions): Promise<DuckDbStore> {
  const exports = `${options.directory}/exports`;
  const staging = `${options.directory}/staging`;
  await Deno.mkdir(options.directory, { recursive: true }).catch((error) => {
    throw asDirectoryError(error, options.directory);
  });
  const path = `${options.directory}/store.duckdb`;
  const isLogIgnored = await isForeignLog(`${path}.wal`);
  const connections = await DuckDbConnections.open({
    path,
    allowedDirectories: [exports, staging],
    checkpointBytes: CHECKPOINT_BYTES,
    settings: {
      memory_limit: `${Math.floor(options.memoryBytes / 1_048_576)}MiB`,
      threads: String(options.threads),
      temp_directory: `${options.directory}/spill`,
      checkpoint_threshold: "1TiB", // checkpoints are started by DuckDbConnections
      preserve_insertion_order: "false",
      enable_external_file_cache: "false", // staged files are read once
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
  const store = new DuckDbStore(connections, exports, new Staging(staging));
  try {
    // Only who has the database open may say that nobody else uses these files.
    for (const directory of [exports, staging]) await emptyDirectory(directory);
    await store.migrate();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** How DuckDB's write-ahead logs begin: the number of the first field, and that it is a version. */
const LOG_HEAD = [0x64, 0x00, 0x62];

/**
 * True where a file is not empty and no write-ahead log: DuckDB takes it for a torn one and says nothing. One that is torn
 * further on cannot be told from one that a kill left, and is taken up to there.
 */
async function isForeignLog(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path, { read: true });
    const head = new Uint8Array(LOG_HEAD.length);
    const read = await file.read(head) ?? 0;
    return head.subarray(0, read).some((byte, i) => byte !== LOG_HEAD[i]);
  } catch {
    return false; // there is none, or opening the store tells
  }
}

/** What a killed process left there belongs to nobody. */
async function emptyDirectory(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true }).catch(() => {});
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw asDirectoryError(error, path);
  }
}

export class DuckDbStore implements Store {
  readonly #connections: DuckDbConnections;
  readonly #exports: string;
  readonly #flushes: FlushQueue;

  constructor(connections: DuckDbConnections, exports: string, staging: Staging) {
    this.#connections = connections;
    this.#exports = exports;
    this.#flushes = new FlushQueue((flushes) =>
      connections.write((connection) => applyFlushes(connection, staging, flushes))
    );
  }

  /** Makes the tables, or brings them up to this version. */
  async migrate(): Promise<void> {
    await this.#connections.write(async (connection) => {
      await connection.run(SCHEMA);
      const [version] = await rowsOf(connection, "SELECT value FROM meta WHERE name = 'schema_version'");
      if (version === undefined) {
        await connection.run("INSERT INTO meta VALUES ('schema_version', $1)", [String(SCHEMA_VERSION)]);
      } else if (Number(version.value) > SCHEMA_VERSION) {
        throw new MillraceError(
          "NEWER_DATA",
          `the store has schema version ${version.value}, this Millrace knows versions up to ${SCHEMA_VERSION}`,
          "run the newer Millrace that wrote it, or start with another data directory",
        );
      } else if (Number(version.value) < SCHEMA_VERSION) {
        await connection.run(MIGRATION);
        await connection.run("UPDATE meta SET value = $1 WHERE name = 'schema_version'", [String(SCHEMA_VERSION)]);
      }
    });
  }

  async readPartition(topicId: string, partition: number): Promise<PartitionState> {
    const found = await this.#readPartitions(topicId, partition);
    return found[0] ?? {
      checkpoint: 0,
      writer: null,
      watermarkMs: null,
      totals: { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 },
    };
  }

  partitions(topicId: string): Promise<readonly (PartitionState & { partition: number })[]> {
    return this.#readPartitions(topicId, null);
  }

  async #readPartitions(
    topicId: string,
    partition: number | null,
  ): Promise<(PartitionState & { partition: number })[]> {
    const rows = await this.#connections.read((connection) =>
      rowsOf(
        connection,
        `SELECT * FROM partitions WHERE topic_id = $1 ${partition === null ? "" : "AND part = $2"} ORDER BY part`,
        partition === null ? [topicId] : [topicId, partition],
      )
    );
    return rows.map((row) => ({
      partition: numberOf(row.part),
      checkpoint: numberOf(row.checkpoint),
      writer: textOf(row.writer),
      watermarkMs: numberOrNull(row.watermark_ms),
      totals: {
        consumed: numberOf(row.consumed),
        events: numberOf(row.events),
        unparsed: numberOf(row.unparsed),
        late: numberOf(row.late),
        clockBad: numberOf(row.clock_bad),
      },
    }));
  }

  readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]> {
    return this.#connections.read(async (connection) => {
      const units: UnitState[] = [];
      for (const bucket of buckets) {
        const [unit] = await rowsOf(
          connection,
          "SELECT upto, writer FROM units WHERE topic_id = $1 AND part = $2 AND bucket = $3",
          [topicId, partition, bucket],
        );
        if (unit === undefined) {
          units.push({ bucket, upto: 0, writer: null, values: {} });
          continue;
        }
        const [values] = await rowsOf(
          connection,
          `SELECT ${DIMENSIONS.map((name) => `list(DISTINCT ${column(name)}) AS ${column(name)}`)}
           FROM (SELECT ${DIMENSIONS.map((name) => markedSql(column(name)))} FROM minutes
                 WHERE topic_id = $1 AND part = $2 AND minute >= $3 AND minute < $4)`,
          [topicId, partition, bucket * MINUTES_PER_BUCKET, (bucket + 1) * MINUTES_PER_BUCKET],
        );
        units.push({ bucket, upto: numberOf(unit.upto), writer: textOf(unit.writer), values: valuesOf(values) });
      }
      return units;
    });
  }

  flush(flush: PartitionFlush): Promise<FlushOutcome> {
    return this.#flushes.add(flush);
  }

  putIfAbsent(key: string, value: string): Promise<string> {
    return this.#connections.write(async (connection) => {
      await connection.run("INSERT INTO ledger VALUES ($1, $2) ON CONFLICT DO NOTHING", [key, value]);
      return await readLedger(connection, key) ?? value;
    });
  }

  get(key: string): Promise<string | null> {
    return this.#connections.read((connection) => readLedger(connection, key));
  }

  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean> {
    return this.#connections.write(async (connection) => {
      if (await readLedger(connection, key) !== expected) return false;
      await connection.run(
        "INSERT INTO ledger VALUES ($1, $2) ON CONFLICT DO UPDATE SET value = excluded.value",
        [key, value],
      );
      return true;
    });
  }

  series(query: SeriesQuery): Promise<SeriesResult> {
    return this.#connections.read((connection) => readSeries(connection, query));
  }

  summary(topicId: string, range: TimeRange, apisMax: number): Promise<SummaryResult> {
    return this.#connections.read((connection) => readSummary(connection, topicId, range, apisMax));
  }

  events(query: EventQuery): Promise<readonly EventRecord[]> {
    return readWide(this.#connections, "events", (connection) => readEvents(connection, query));
  }

  quarantine(query: QuarantineQuery): Promise<readonly QuarantineRecord[]> {
    return readWide(this.#connections, "quarantine", (connection) => readQuarantine(connection, query));
  }

  accessReport(query: AccessReportQuery): Promise<AccessReport> {
    return this.#connections.read((connection) => readAccessReport(connection, query));
  }

  export(query: ExportQuery): Promise<Export> {
    return exportTable(this.#connections, this.#exports, query);
  }

  gaps(topicId: string): Promise<readonly { partition: number; start: number; end: number }[]> {
    return this.#connections.read(async (connection) => {
      const rows = await rowsOf(connection, "SELECT * FROM gaps WHERE topic_id = $1 ORDER BY part, start_offset", [
        topicId,
      ]);
      return rows.map((row) => ({
        partition: numberOf(row.part),
        start: numberOf(row.start_offset),
        end: numberOf(row.end_offset),
      }));
    });
  }

  countStored(topicId: string): Promise<readonly { partition: number; count: number }[]> {
    return this.#connections.read(async (connection) => {
      const rows = await rowsOf(
        connection,
        "SELECT part, sum(count)::BIGINT AS count FROM minutes WHERE topic_id = $1 GROUP BY part ORDER BY part",
        [topicId],
      );
      return rows.map((row) => ({ partition: numberOf(row.part), count: numberOf(row.count) }));
    });
  }

  async dropTopic(topicId: string): Promise<void> {
    await this.#connections.write(async (connection) => {
      for (const table of TOPIC_TABLES) await connection.run(`DELETE FROM ${table} WHERE topic_id = $1`, [topicId]);
    });
  }

  async retain(
    { minutesBeforeMs, eventsBeforeMs }: { minutesBeforeMs: number; eventsBeforeMs: number },
  ): Promise<number> {
    const deleted = await this.#connections.write(async (connection) => {
      const minutesBefore = BigInt(Math.floor(minutesBeforeMs));
      const eventsBefore = BigInt(Math.floor(eventsBeforeMs)) * 1000n;
      const results = [
        await connection.run(
          `DELETE FROM minutes WHERE (topic_id, part, floor(minute / ${MINUTES_PER_BUCKET})::INTEGER) IN (
             SELECT (topic_id, part, bucket) FROM units WHERE touched_ms < $1::BIGINT)`,
          [minutesBefore],
        ),
        await connection.run("DELETE FROM events WHERE record_time < make_timestamp($1::BIGINT)", [eventsBefore]),
        await connection.run("DELETE FROM quarantine WHERE record_time < make_timestamp($1::BIGINT)", [eventsBefore]),
      ];
      await connection.run("DELETE FROM units WHERE touched_ms < $1::BIGINT", [minutesBefore]);
      return results.reduce((sum, result) => sum + result.rowsChanged, 0);
    });
    if (deleted > 0) await this.#connections.checkpoint(); // gives the space back
    return deleted;
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

async function readLedger(connection: DuckDBConnection, key: string): Promise<string | null> {
  const [row] = await rowsOf(connection, `SELECT ${markedSql("value")} FROM ledger WHERE key = $1`, [key]);
  return row === undefined ? null : unmarkedOf(row.value);
}

/** Values that take up a place under a cap: an absent one, the rest and the unparsed records' level do not. */
function valuesOf(row: Row): UnitState["values"] {
  const values: Partial<Record<Dimension, string[]>> = {};
  for (const name of DIMENSIONS) {
    const found: unknown = row[name];
    const texts = Array.isArray(found) ? found.filter((value) => typeof value === "string").map(unmarkedOf) : [];
    const capped = texts.filter((text) => text !== "" && text !== OTHER && !(name === "level" && text === UNPARSED));
    if (capped.length > 0) values[name] = capped;
  }
  return values;
}
