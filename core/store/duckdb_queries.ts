/**
 * Series and summaries of minutes in DuckDB: from cells in memory where they are held or few, else by statements; and the writes that
 * the cells in memory have to hear of.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { seriesOf, summaryOf } from "./cell_answers.ts";
import { CellCache, type CellChange } from "./cell_cache.ts";
import { duckDbCells, type ReadSnapshot } from "./duckdb_cells.ts";
import { minuteRange } from "./duckdb_conditions.ts";
import type { DuckDbConnections } from "./duckdb_connections.ts";
import { readSeries, readSummary } from "./duckdb_minutes.ts";
import { HeldDay } from "./held_day.ts";
import type { SeriesQuery, SeriesResult, SummaryQuery, SummaryResult } from "./ports.ts";

const MINUTES_PER_BUCKET = 60;

export class MinuteQueries {
  readonly #connections: DuckDbConnections;
  readonly #read: ReadSnapshot;
  readonly #cells: CellCache;
  readonly #day: HeldDay;

  /**
   * @param cellBytes What cells in memory may take up; 0: none are held.
   * @param read How to come by a snapshot in which `minutes` are whole.
   */
  constructor(
    connections: DuckDbConnections,
    cellBytes: number,
    read: ReadSnapshot = (task) => connections.read(task),
  ) {
    this.#connections = connections;
    this.#read = read;
    this.#cells = new CellCache(cellBytes, duckDbCells(read));
    this.#day = new HeldDay({
      hold: async (read) => await this.#cells.read(read, () => true) ?? false,
      filled: () => this.#cells.bytes / cellBytes,
    });
  }

  async series(query: SeriesQuery): Promise<SeriesResult> {
    const held = await this.seriesOfCells(query);
    if (held !== null) this.#day.asked(query.topicId, minuteRange(query.range));
    return held ?? await this.#read((connection) => readSeries(connection, query));
  }

  async summary(query: SummaryQuery): Promise<SummaryResult> {
    const held = await this.summaryOfCells(query);
    if (held !== null) this.#day.asked(query.topicId, minuteRange(query.range));
    return held ?? await this.#read((connection) => readSummary(connection, query));
  }

  /** From cells in memory alone; null where there are too many. */
  seriesOfCells(query: SeriesQuery): Promise<SeriesResult | null> {
    const { topicId, stepMinutes, statistic } = query;
    const read = { topicId, range: minuteRange(query.range), stepMinutes, isByMinute: statistic === "stddev" };
    return this.#cells.read(read, (cells) => seriesOf(query, cells));
  }

  /** As {@link seriesOfCells}. */
  summaryOfCells(query: SummaryQuery): Promise<SummaryResult | null> {
    const read = { topicId: query.topicId, range: minuteRange(query.range), isByMinute: false };
    return this.#cells.read(read, (cells) => summaryOf(query, cells));
  }

  /** Settles when what questions so far have begun in the background has ended; its rests keep no process alive. */
  settled(): Promise<void> {
    return this.#day.settled();
  }

  /** Ends what goes on in the background. */
  stop(): Promise<void> {
    return this.#day.stop();
  }

  /** Runs a task that changes these minutes, or any (null), in one transaction of the writing connection. */
  async change<T>(
    changes: readonly CellChange[] | null,
    task: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    let changed = () => {};
    try {
      return await this.#connections.write(async (connection) => {
        const result = await task(connection);
        changed = changes === null ? this.#cells.changingAll() : this.#cells.changing(changes);
        return result;
      });
    } finally {
      changed();
      if (changes === null || changes.some(({ minutes }) => minutes === undefined)) this.#day.forget();
    }
  }
}

/** All minutes of an hour since 1970. */
export function* minutesOfBucket(bucket: number): Generator<number> {
  for (let minute = 0; minute < MINUTES_PER_BUCKET; minute++) yield bucket * MINUTES_PER_BUCKET + minute;
}
