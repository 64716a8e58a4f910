/** Reads of archived hours: their files, in a DuckDB of the query's own, answer the very statements of the event store. */
import { MillraceError } from "../errors.ts";
import { readEvents, readQuarantine } from "../store/duckdb_events.ts";
import { readAccessReport } from "../store/duckdb_report.ts";
import { rangeBefore, readNewest } from "../store/newest_first.ts";
import type {
  AccessReport,
  AccessReportQuery,
  EventQuery,
  EventRecord,
  Export,
  ExportQuery,
  OffsetCover,
  QuarantineQuery,
  QuarantineRecord,
  TimeRange,
} from "../store/ports.ts";
import { ReadCache } from "../store/read_cache.ts";
import type { Archive } from "./archive.ts";
import type { FetchFile } from "./file_cache.ts";
import {
  ARCHIVED_TABLES,
  type ArchivedTable,
  hourFolder,
  type Segment,
  segmentsIn,
  splitCovered,
  topicFolder,
} from "./keys.ts";

const HOUR_MS = 3_600_000;
/** Queries at the same time: each has memory of its own. */
const QUERIES_AT_ONCE = 2;
const REQUESTS_AT_ONCE = 8;
/** Times that an hour is listed anew because files of its list had been merged away. */
const LIST_TRIES = 4;

export interface ArchivedReadsOptions {
  readonly archive: Archive;
  readonly fetch: FetchFile;
  /** Files that one query may need, where they are not on this machine anyway. */
  readonly bytesMax: number;
  /** Where queries keep theirs. */
  readonly directory: string;
  readonly memoryBytes: number;
  /** 0: one for every four cores. */
  readonly threads: number;
}

/** What a query is about; files are found by the topic's name, and belong to its id. */
export interface ArchivedTopic {
  readonly id: string;
  readonly name: string;
}

/** Per table the time, epoch milliseconds, below which records are the archive's. */
export type Cuts = Readonly<Record<ArchivedTable, number>>;

/** What of a range is read from the archive, and what goes beside it. */
export interface ArchivedShare {
  readonly cuts: Cuts;
  /** Offsets that are the archive's, below the cuts. */
  readonly covers: readonly OffsetCover[];
  /** The other records of the range, as Parquet files that are to be removed. */
  readonly rest: (table: ArchivedTable) => Promise<readonly string[]>;
}

export class ArchivedReads {
  readonly #options: ArchivedReadsOptions;
  #places = QUERIES_AT_ONCE;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ArchivedReadsOptions) {
    this.#options = options;
  }

  /** Of the events with these offsets. */
  async events(
    topic: ArchivedTopic,
    query: EventQuery,
    covers: readonly OffsetCover[],
  ): Promise<readonly EventRecord[]> {
    const before = rangeBefore(query.range, query.after && query.after.timestampMicros / 1000);
    return await this.#newest(
      topic,
      "events",
      covers,
      before,
      query,
      (loaded, range) =>
        loaded.cache.read(
          () => loaded.load("events", range),
          (connection, segments) => readEvents(connection, segments, { ...query, range }),
        ),
    );
  }

  async quarantine(
    topic: ArchivedTopic,
    query: QuarantineQuery,
    covers: readonly OffsetCover[],
  ): Promise<readonly QuarantineRecord[]> {
    const before = rangeBefore(query.range, query.after?.recordTimeMs);
    return await this.#newest(
      topic,
      "quarantine",
      covers,
      before,
      query,
      (loaded, range) =>
        loaded.cache.read(
          () => loaded.load("quarantine", range),
          (connection, segments) => readQuarantine(connection, segments, { ...query, range }),
        ),
    );
  }

  async #newest<T extends { readonly raw: Uint8Array }>(
    topic: ArchivedTopic,
    table: ArchivedTable,
    covers: readonly OffsetCover[],
    range: TimeRange,
    { limit, bytesMax }: { readonly limit: number; readonly bytesMax?: number },
    read: (loaded: LoadedHours, range: TimeRange) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    const buckets = await hoursIn(this.#options.archive, table, topic.name, range);
    if (buckets.length === 0) return [];
    await using loaded = await this.#open(topic, covers, new Map([[table, buckets]]));
    return await readNewest<T>(buckets, { range, limit, bytesMax }, (range) => read(loaded, range));
  }

  /** `query` over the archive's share, and the rest. */
  async accessReport(
    topic: ArchivedTopic,
    query: AccessReportQuery,
    share: ArchivedShare,
  ): Promise<AccessReport> {
    const ranges = rangesOf(query.range, share.cuts);
    await using loaded = await this.#open(topic, share.covers, await this.#hours(topic, ARCHIVED_TABLES, ranges));
    const load = async () => {
      for (const table of ARCHIVED_TABLES) {
        await loaded.load(table, ranges[table]);
        for (const path of await share.rest(table)) await loaded.add(table, path);
      }
    };
    return await loaded.cache.read(load, (connection, segments) => readAccessReport(connection, segments, query));
  }

  async export(
    topic: ArchivedTopic,
    query: ExportQuery & { readonly table: ArchivedTable },
    share: ArchivedShare,
  ): Promise<Export["stream"]> {
    const ranges = rangesOf(query.range, share.cuts);
    const loaded = await this.#open(topic, share.covers, await this.#hours(topic, [query.table], ranges));
    try {
      const load = async () => {
        await loaded.load(query.table, ranges[query.table]);
        for (const path of await share.rest(query.table)) await loaded.add(query.table, path);
      };
      const { stream } = await loaded.cache.export(load, query);
      return closing(stream, () => loaded[Symbol.asyncDispose]());
    } catch (error) {
      await loaded[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #hours(
    topic: ArchivedTopic,
    tables: readonly ArchivedTable[],
    ranges: Readonly<Record<ArchivedTable, TimeRange>>,
  ): Promise<ReadonlyMap<ArchivedTable, readonly number[]>> {
    const { archive } = this.#options;
    return new Map(
      await Promise.all(
        tables.map(async (table) => [table, await hoursIn(archive, table, topic.name, ranges[table])] as const),
      ),
    );
  }

  async #open(
    topic: ArchivedTopic,
    covers: readonly OffsetCover[],
    hours: ReadonlyMap<ArchivedTable, readonly number[]>,
  ): Promise<LoadedHours> {
    if (this.#places === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#places--;
    const release = () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#places++;
      else next();
    };
    try {
      return new LoadedHours(
        this.#options,
        topic,
        covers,
        hours,
        await ReadCache.open({ ...this.#options, cellBytes: 0 }),
        release,
      );
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** The parts of a range that are the archive's. */
function rangesOf({ fromMs, toMs }: TimeRange, cuts: Cuts): Readonly<Record<ArchivedTable, TimeRange>> {
  const below = (cutMs: number) => ({ fromMs, toMs: Math.min(toMs, cutMs) });
  return { events: below(cuts.events), quarantine: below(cuts.quarantine) };
}

/** A query's own DuckDB, and the hours that are in it. */
class LoadedHours implements AsyncDisposable {
  readonly #loaded = new Set<string>();
  #bytes = 0;

  constructor(
    readonly options: ArchivedReadsOptions,
    readonly topic: ArchivedTopic,
    readonly covers: readonly OffsetCover[],
    readonly hours: ReadonlyMap<ArchivedTable, readonly number[]>,
    readonly cache: ReadCache,
    readonly release: () => void,
  ) {}

  /** Adds the hours of the range that are not there yet. */
  async load(table: ArchivedTable, { fromMs, toMs }: TimeRange): Promise<void> {
    const missing = (this.hours.get(table) ?? []).filter((bucket) =>
      bucket * HOUR_MS < toMs && (bucket + 1) * HOUR_MS > fromMs && !this.#loaded.has(`${table}/${bucket}`)
    );
    for (let at = 0; at < missing.length; at += REQUESTS_AT_ONCE) {
      const some = missing.slice(at, at + REQUESTS_AT_ONCE);
      const paths = (await Promise.all(some.map((bucket) => this.#fetchHour(table, bucket)))).flat();
      await this.cache.addFiles(table, this.topic.id, paths);
      for (const bucket of some) this.#loaded.add(`${table}/${bucket}`);
    }
  }

  async add(table: ArchivedTable, path: string): Promise<void> {
    const own = this.cache.newFile();
    await Deno.rename(path, own).catch(async () => { // another file system
      await Deno.copyFile(path, own);
      await Deno.remove(path);
    });
    await this.cache.addFiles(table, this.topic.id, [own]);
  }

  /** The files of an hour, each record in one of them. */
  async #fetchHour(table: ArchivedTable, bucket: number): Promise<string[]> {
    const { archive, fetch } = this.options;
    for (let tries = 1;; tries++) {
      const listed = archive.list(`${hourFolder(table, this.topic.name, bucket)}${this.topic.id}-`);
      const current = splitCovered(await segmentsIn(listed, this.topic.id)).current
        .filter((segment) => this.#coverOf(segment) !== "nothing");
      this.#spend(current.reduce((sum, { bytes }) => sum + bytes, 0));
      const paths = current.map(() => this.cache.newFile());
      const found: boolean[] = [];
      for (const [n, { key }] of current.entries()) found.push(await fetch(key, paths[n]));
      if (found.every((isThere) => isThere)) {
        const parts = current.map((segment, n) => this.#coverOf(segment) === "all" ? [] : [paths[n]]).flat();
        await this.cache.filterFiles(parts, this.covers);
        return paths;
      }
      await Promise.all(paths.map((path) => Deno.remove(path).catch(() => {})));
      if (tries === LIST_TRIES) throw new Error(`files of ${archive.location} are gone while they are read`);
    }
  }

  /** How much of a segment is the archive's: others may be put, or merged, while a query runs. */
  #coverOf({ partition, from, to }: Segment): "all" | "some" | "nothing" {
    const cover = this.covers.find((cover) => cover.partition === partition);
    if (cover === undefined || from >= cover.to) return "nothing";
    return to <= cover.to && cover.holes.every((hole) => hole.to <= from || hole.from >= to) ? "all" : "some";
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.options.bytesMax) return;
    throw new MillraceError(
      "INVALID_INPUT",
      `the range holds more than ${Math.floor(this.options.bytesMax / 1_048_576)} MiB of archived records`,
      "ask for a shorter range, raise archive.cacheBytesMax, or read the files of the archive themselves",
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.cache.close();
    } finally {
      this.release();
    }
  }
}

/** Hours that the archive has of a topic within the range, found by their folders. */
async function hoursIn(
  archive: Archive,
  table: ArchivedTable,
  topic: string,
  { fromMs, toMs }: TimeRange,
): Promise<number[]> {
  const folder = topicFolder(table, topic);
  const days = (await archive.folders(folder)).filter((name) => {
    const startMs = Date.parse(`${name.replace("date=", "")}T00:00:00Z`);
    return startMs < toMs && startMs + 24 * HOUR_MS > fromMs;
  });
  const buckets: number[] = [];
  for (let at = 0; at < days.length; at += REQUESTS_AT_ONCE) {
    const read = days.slice(at, at + REQUESTS_AT_ONCE).map(async (day) => {
      for (const hour of await archive.folders(`${folder}${day}/`)) {
        const startMs = Date.parse(`${day.replace("date=", "")}T${hour.replace("hour=", "")}:00:00Z`);
        if (startMs < toMs && startMs + HOUR_MS > fromMs) buckets.push(startMs / HOUR_MS);
      }
    });
    await Promise.all(read);
  }
  return buckets;
}

/** The stream, with something to do at its end, whichever it is. */
function closing(stream: Export["stream"], close: () => Promise<void>): Export["stream"] {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
      } catch (error) {
        await close();
        return controller.error(error);
      }
      await close();
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await close();
    },
  }, { highWaterMark: 0 });
}
