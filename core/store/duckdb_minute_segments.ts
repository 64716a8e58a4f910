/**
 * Minutes in segments: many rows that no later flush replaces are written as a Parquet file and listed, in place of going
 * through the database's log, its table and its checkpoint (docs/adr/007). They are read with the table's own, as one, and
 * taken into the table when no more come for a while, or too many wait.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { RowGroupEncoder } from "../parquet/encoder.ts";
import { CATALOG, type DuckDbConnections } from "./duckdb_connections.ts";
import { deleteReplaced, type MinuteSpan, minuteSpan } from "./duckdb_replace.ts";
import { MINUTE_SELECT, minuteRowGroup } from "./duckdb_rows.ts";
import type { Segments } from "./duckdb_segments.ts";
import { numberOf, Parameters, rowsOf, textLiteral, textOf } from "./duckdb_values.ts";
import type { PartitionFlush } from "./ports.ts";

/** Fewer are cheaper in the table: a file has a price of its own. */
const SEGMENT_ROWS_MIN = 1_024;
/** What waits for quiet at most, and what a reader opens. */
const WAITING_ROWS_MAX = 1_000_000;
const WAITING_FILES_MAX = 64;
/**
 * Rows of a transaction, about, when they are taken into the table: a whole row group, which goes past the database's log,
 * costs two thirds of the CPU a row, and 50 MB more.
 */
const STEP_ROWS = 61_440;
const QUIET_MS = 2_000;
/** Until the next attempt when one failed, which a full disk may be the reason for. */
const RETRY_MS = 30_000;
const MICROS_PER_MINUTE = 60_000_000;

/** For tests: when other than usual. */
export interface MinuteSegmentLimits {
  /** Rows of a transaction from which on a segment is written. */
  readonly rowsMin?: number;
  /** How long no more come before what there is goes into the table. */
  readonly quietMs?: number;
  /** Segments that wait for quiet at most. */
  readonly filesMax?: number;
}

export interface MinuteSegmentParts extends MinuteSegmentLimits {
  readonly connections: DuckDbConnections;
  readonly segments: Segments;
  /** Hears that segments could not be taken into the table; it is tried again. */
  readonly onFailure: (error: unknown) => void;
}

/** One that is listed. */
interface Segment {
  readonly file: string;
  readonly rows: number;
}

export class MinuteSegments {
  readonly #parts: MinuteSegmentParts;
  readonly #rowsMin: number;
  readonly #quietMs: number;
  readonly #encoder = new RowGroupEncoder();
  /** Whether a segment may have come that {@link added} has not seen. What waits is known from the list alone. */
  #hasMore = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #absorbing: Promise<void> | null = null;
  #isStopped = false;

  constructor(parts: MinuteSegmentParts) {
    this.#parts = parts;
    this.#rowsMin = parts.rowsMin ?? SEGMENT_ROWS_MIN;
    this.#quietMs = parts.quietMs ?? QUIET_MS;
  }

  /** Those of the flushes whose rows are to be a segment: none, where they have few. */
  worthwhile(flushes: readonly PartitionFlush[]): readonly PartitionFlush[] {
    const final = flushes.filter(({ hasFinalRows, minutes }) => hasFinalRows === true && minutes.rows > 0);
    return final.reduce((sum, { minutes }) => sum + minutes.rows, 0) < this.#rowsMin ? [] : final;
  }

  /**
   * Writes the rows of flushes to a segment, and lists it; answers its name, as {@link Segments.add} does. They may
   * themselves replace rows of the flushes before, which then are in the table, for those were not final.
   */
  async add(
    connection: DuckDBConnection,
    flushes: readonly PartitionFlush[],
    replaced: MinuteSpan | null,
  ): Promise<string> {
    const { segments } = this.#parts;
    const group = minuteRowGroup(flushes);
    const file = segments.newFile();
    const fileBytes = await segments.write(file, [this.#encoder.encode(group.rows, group.columns)]);
    const topics = Map.groupBy(flushes, ({ topicId }) => topicId);
    await segments.list(
      connection,
      [...topics].map(([topicId, of]) => {
        const span = minuteSpan(of, () => true) ?? { first: 0, last: 0 };
        return {
          file,
          table: "minutes",
          topicId,
          level: 0,
          rows: of.reduce((sum, { minutes }) => sum + minutes.rows, 0),
          firstGroup: 0,
          groups: 1,
          fileBytes,
          firstMicros: span.first * MICROS_PER_MINUTE,
          lastMicros: span.last * MICROS_PER_MINUTE,
          lastRecordMs: Math.max(...of.map(({ lastRecordTimeMs }) => Math.floor(lastRecordTimeMs))),
        };
      }),
    );
    await deleteReplaced(connection, segments.path(file), replaced);
    this.#hasMore = true;
    return file;
  }

  /** Within a snapshot: lets `minutes` be the rows of the table and of the segments that are listed. */
  async show(connection: DuckDBConnection): Promise<void> {
    const files = await this.#listed(connection);
    if (files.length === 0) return;
    await connection.run(
      `CREATE TEMP VIEW minutes AS FROM ${CATALOG}.minutes UNION ALL SELECT ${MINUTE_SELECT} FROM ${
        this.#source(files)
      }`,
    );
  }

  /**
   * Takes segments into the table, the oldest first, until these have so many rows, or all of them; answers files that are to be
   * unlisted once the transaction has been committed. Whoever deletes rows of minutes calls it first.
   */
  async absorb(connection: DuckDBConnection, rowsMin = Infinity): Promise<string[]> {
    const chosen: Segment[] = [];
    let rows = 0;
    for (const segment of await this.#listed(connection)) {
      if (rows >= rowsMin) break;
      chosen.push(segment);
      rows += segment.rows;
    }
    if (chosen.length === 0) return [];
    await connection.run(`INSERT INTO minutes SELECT ${MINUTE_SELECT} FROM ${this.#source(chosen)}`);
    const values = new Parameters();
    const where = `file IN ${values.list(chosen.map(({ file }) => file))}`;
    return await this.#parts.segments.delist(connection, where, values.values);
  }

  async #listed(connection: DuckDBConnection): Promise<Segment[]> {
    const rows = await rowsOf(
      connection,
      `SELECT file, sum(rows)::BIGINT AS rows FROM segments WHERE "table" = 'minutes'
       GROUP BY file ORDER BY max(last_record_ms), file`,
    );
    return rows.map(({ file, rows }) => ({ file: textOf(file), rows: numberOf(rows) }));
  }

  #source(segments: readonly Segment[]): string {
    return `read_parquet([${segments.map(({ file }) => textLiteral(this.#parts.segments.path(file)))}])`;
  }

  /** Call it when the store was opened, and after flushes were committed: takes segments into the table when it is time. */
  added(): void {
    if (!this.#hasMore || this.#absorbing !== null || this.#isStopped) return;
    this.#hasMore = false;
    this.#start(async () => {
      const waiting = await this.#parts.connections.readOnce((connection) => this.#listed(connection));
      if (waiting.length === 0) return;
      const areMany = waiting.length >= (this.#parts.filesMax ?? WAITING_FILES_MAX) ||
        waiting.reduce((sum, { rows }) => sum + rows, 0) >= WAITING_ROWS_MAX;
      if (areMany) await this.#takeIn(waiting.length);
      else this.#startIn(this.#quietMs);
    });
  }

  #startIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#start(() => this.#takeIn()), delayMs);
    Deno.unrefTimer(this.#timer);
  }

  #start(task: () => Promise<void>): void {
    clearTimeout(this.#timer);
    if (this.#absorbing !== null || this.#isStopped) return;
    this.#absorbing = task().then(
      () => true,
      (error) => {
        if (!this.#isStopped) this.#parts.onFailure(error);
        return false;
      },
    ).then((isDone) => {
      this.#absorbing = null;
      if (isDone) this.added(); // what came meanwhile
      else this.#startIn(RETRY_MS);
    });
  }

  /** So many of them, or all, a transaction after the other, so that flushes come in between. */
  async #takeIn(files = Infinity): Promise<void> {
    const { connections, segments } = this.#parts;
    for (let taken = 0; taken < files && !this.#isStopped;) {
      const unlisted = await connections.write((connection) => this.absorb(connection, STEP_ROWS));
      segments.unlist(unlisted);
      if (unlisted.length === 0) break;
      taken += unlisted.length;
    }
    await connections.checkpoint(); // only then do the files go
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#absorbing;
  }
}
