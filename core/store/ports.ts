/**
 * The ports of the stores. Writing follows Rule 1: a flush is a compare-and-set on the `upto` of each unit
 * (topicId, partition, hour bucket); a checkpoint only ever grows. Reading is what the gateway asks. Offsets are exact.
 */
import type { Dimension, Measure, TextField } from "../minutes/fields.ts";
import type { AccessReport, AccessReportQuery } from "./access_report.ts";
import type { RecordBlock } from "./record_blocks.ts";
import type { CountQuery, OffsetCover, OffsetRange, RowCount } from "./row_count.ts";
import type { RecordTable } from "./segment_catalog.ts";

// ---------------------------------------------------------------- writing

/** What the store knows of one partition. */
export interface PartitionState {
  /** Every record below it is reflected in the store; 0 where the partition was never flushed. */
  readonly checkpoint: number;
  /** Who moved the checkpoint last: with it an ambiguous flush of rows to no unit can be told from another's. */
  readonly writer: string | null;
  /** Largest event time seen less the allowed lateness, epoch milliseconds; null before the first event. */
  readonly watermarkMs: number | null;
  /** Sums over all accepted flushes: the conservation invariant is consumed = events + unparsed. */
  readonly totals: PartitionTotals;
}

/** Records of a partition that the store reflects, by what became of them. */
export interface PartitionTotals {
  /** Records consumed (checkpoint less the offsets that hold no record: control and compacted ones, gaps). */
  readonly consumed: number;
  /** Parsed events. */
  readonly events: number;
  /** Records kept in quarantine. */
  readonly unparsed: number;
  /** Events older than their partition's watermark when they came. */
  readonly late: number;
  /** Events whose own time was missing, or further ahead of the record's time than allowed: the record's time stood in. */
  readonly clockBad: number;
}

/** One unit as stored; `upto` 0 and no writer where it was never written. */
export interface UnitState {
  readonly bucket: number;
  readonly upto: number;
  readonly writer: string | null;
  /** Distinct values per dimension that the unit's rows hold (for the caps), `__other__` left out. */
  readonly values: Readonly<Partial<Record<Dimension, readonly string[]>>>;
}

/** A column of strings with repetitions: `dictionary[ids[i]]`. */
export type DictionaryColumn = { readonly dictionary: readonly string[]; readonly ids: Uint32Array };

/** One measure of minute rows; sums, minima and maxima are integers of 10^-decimals units. */
export interface MeasureColumns {
  readonly counts: Float64Array;
  /**
   * A store may keep a row's sum as a 64-bit integer: beyond 2^63 it stays at the largest one, and so do averages made of
   * it; sums over rows go on beyond. Counts, minima and maxima are not concerned.
   */
  readonly sums: Float64Array;
  /** NaN where count is 0. */
  readonly minima: Float64Array;
  readonly maxima: Float64Array;
  /** Sum of squared deviations from the mean, in squared integer units. */
  readonly m2: Float64Array;
  /** Encoded sketches back to back (core/minutes/sketch.ts); row i ends at sketchEnds[i], and is empty where count is 0. */
  readonly sketches: Uint8Array;
  readonly sketchEnds: Uint32Array;
}

/** Cumulative partials of minute cells, as columns; a row replaces the one stored under (minute, dimensions, fromOffset). */
export interface MinuteRows {
  readonly rows: number;
  /** Minutes since 1970 UTC. The bucket is floor(minute / 60). */
  readonly minutes: Int32Array;
  /** First offset that this partial absorbed. */
  readonly fromOffsets: Float64Array;
  readonly dimensions: Readonly<Partial<Record<Dimension, DictionaryColumn>>>;
  readonly counts: Float64Array;
  readonly errors: Float64Array;
  readonly measures: Readonly<Partial<Record<Measure, MeasureColumns>>>;
}

/** What one partition's state becomes at offset `at`. */
export interface PartitionFlush {
  readonly topicId: string;
  readonly partition: number;
  /** Random per tenure of a partition, so that an ambiguous outcome can be told from another's (Rule 1). */
  readonly writer: string;
  /** The checkpoint that this flush starts from: a store that holds another answers with a conflict (bucket null). */
  readonly expectCheckpoint: number;
  /** The new `upto` of every unit below, then the new checkpoint. */
  readonly at: number;
  /** Dirty units with the `upto` that each must still have, and the writer, where one is given (null: none). */
  readonly units: readonly {
    readonly bucket: number;
    readonly expect: number;
    readonly expectWriter?: string | null;
  }[];
  /** The rows of all units that have changed since the last flush. */
  readonly minutes: MinuteRows;
  readonly events: readonly RecordBlock[];
  readonly quarantine: readonly RecordBlock[];
  readonly watermarkMs: number | null;
  /** Time in the log of the last record reflected, epoch milliseconds: what retention of the units goes by. */
  readonly lastRecordTimeMs: number;
  /** Differences to add to {@link PartitionTotals}, once, with the checkpoint. */
  readonly totals: PartitionTotals;
  /** Offsets in [start, end) that the log no longer held: kept for people to see. */
  readonly gaps: readonly { readonly start: number; readonly end: number }[];
  /** Whether no later flush replaces rows of this one: they may lie where they could not be replaced. */
  readonly hasFinalRows?: boolean;
  /** Whether those of other partitions come at the same moment, so that a store may wait a little to take them together. */
  readonly isAtInterval?: boolean;
}

/**
 * `applied`: all units, then the checkpoint. `conflict`: the unit `bucket`, or the checkpoint (null), was not as expected
 * but `found`; units before it in the request may have been applied where the store has no transaction over units,
 * nothing of that unit or of later ones was. A flush that throws is ambiguous: read the units and the partition back.
 */
export type FlushOutcome =
  | { readonly kind: "applied" }
  | { readonly kind: "conflict"; readonly bucket: number | null; readonly found: number };

/** Sums over offsets: two sets of records that share them are taken for the same. */
export interface OffsetSums {
  readonly count: number;
  readonly sum: bigint;
  readonly squares: bigint;
}

/** A unit and what it was made of. */
export interface UnitExtent extends Pick<UnitState, "bucket" | "upto" | "writer"> {
  /** First offset that it absorbed. */
  readonly fromOffset: number;
  /** Records in its minutes, and those among them that could not be parsed. */
  readonly count: number;
  readonly unparsed: number;
  /** Over its events and quarantined records, as far as they are kept. */
  readonly kept: OffsetSums;
}

/** Other contents for a unit, of the same records. */
export interface UnitReplacement {
  readonly topicId: string;
  readonly partition: number;
  /** The unit as it must still be. */
  readonly unit: Pick<UnitState, "bucket" | "upto" | "writer">;
  /** Unlike any other's: what flushes of those who read the unit before will find instead. */
  readonly writer: string;
  readonly minutes: MinuteRows;
  readonly events: readonly RecordBlock[];
  readonly quarantine: readonly RecordBlock[];
  /** What to add to the partition's totals: records that were unparsed and are not, or the other way round. */
  readonly totals: Pick<PartitionTotals, "events" | "unparsed">;
}

/** Minute cells, events and quarantine of partitions, written by Rule 1. */
export interface MinuteStore {
  /** The units of these buckets that there are. */
  unitExtents(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitExtent[]>;
  /**
   * Puts other minutes, events and quarantined records in the place of units'; false where one has changed since. A store
   * with a transaction over units then replaces none; another has replaced those before it.
   */
  replaceUnits(replacements: readonly UnitReplacement[]): Promise<boolean>;
  readPartition(topicId: string, partition: number): Promise<PartitionState>;
  readUnits(topicId: string, partition: number, buckets: readonly number[]): Promise<readonly UnitState[]>;
  flush(flush: PartitionFlush): Promise<FlushOutcome>;
}

/** Small facts that are decided once: the first to put a key wins. */
export interface Ledger {
  /** Answers the value that stands: `value`, or the one that was there before. */
  putIfAbsent(key: string, value: string): Promise<string>;
  get(key: string): Promise<string | null>;
  /** Sets `value` where the key still has `expected` (null: absent); answers whether it did. */
  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean>;
}

/** A collection as it is at one moment. */
export interface DocumentCollection {
  /** 0 where nothing was ever put. */
  readonly version: number;
  readonly entries: ReadonlyMap<string, string>;
}

/** A key and its text; null: removed. */
export type DocumentPut = readonly [key: string, text: string | null];

/** Named collections of small texts, each of which changes as a whole: by compare-and-set on its version. */
export interface Documents {
  readDocuments(collection: string): Promise<DocumentCollection>;
  /** The version alone. */
  documentsVersion(collection: string): Promise<number>;
  /**
   * Puts what is given, each key once, where the collection still has version `expect`, which then becomes expect + 1;
   * answers whether it did. Where it throws it may have: read the version back. Some thousand keys and megabytes at most.
   */
  commitDocuments(collection: string, expect: number, puts: readonly DocumentPut[]): Promise<boolean>;
  /** Forgets the collection, its version too. */
  dropDocuments(collection: string): Promise<void>;
}

// ---------------------------------------------------------------- reading

export type { AccessReport, AccessReportQuery, CountQuery, OffsetCover, OffsetRange, RowCount };

/** A half-open range of event time, epoch milliseconds. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One condition on a field; a query's conditions must all hold. */
export interface Condition {
  readonly field: Dimension | TextField;
  readonly op: "in" | "not_in" | "prefix";
  readonly values: readonly string[];
}

export const STATISTICS = [
  "count",
  "errors",
  "error_rate",
  "avg",
  "sum",
  "min",
  "max",
  "stddev",
  "p50",
  "p90",
  "p95",
  "p99",
] as const;
export type Statistic = (typeof STATISTICS)[number];

export interface SeriesQuery {
  readonly topicId: string;
  readonly range: TimeRange;
  /** Width of a point in minutes. */
  readonly stepMinutes: number;
  readonly statistic: Statistic;
  /** Needed by every statistic but count, errors and error_rate. */
  readonly measure?: Measure;
  readonly by: readonly Dimension[];
  readonly where: readonly Condition[];
  /** Groups beyond this many, by count, are left out and `truncated` is set. */
  readonly seriesMax: number;
}

export interface Series {
  readonly dimensions: Readonly<Partial<Record<Dimension, string>>>;
  /** [start of the step in epoch milliseconds, value or null where the step has no value of this statistic] */
  readonly points: readonly (readonly [number, number | null])[];
}

export interface SeriesResult {
  readonly series: readonly Series[];
  readonly truncated: boolean;
}

export interface SummaryQuery {
  readonly topicId: string;
  readonly range: TimeRange;
  /** Most APIs in the answer. */
  readonly apisMax: number;
  /** On dimensions. */
  readonly where: readonly Condition[];
}

export interface SummaryResult {
  readonly totals: { readonly count: number; readonly errors: number; readonly unparsed: number };
  readonly levels: readonly { readonly level: string; readonly count: number }[];
  /** Per API (service, method, endpoint): by count, largest first. */
  readonly apis: readonly ApiSummary[];
  readonly apisTruncated: boolean;
}

/** Averages and quantiles are in whole units of the measure; null where no event had one. */
export interface ApiSummary {
  readonly service: string;
  readonly method: string;
  readonly endpoint: string;
  readonly count: number;
  readonly errors: number;
  readonly averageResponseTime: number | null;
  readonly p95ResponseTime: number | null;
}

export interface EventQuery {
  readonly topicId: string;
  readonly range: TimeRange;
  readonly where: readonly Condition[];
  /** Case-insensitive substring of the raw record. */
  readonly text?: string;
  /** Only records of these offsets: what came between two looks. */
  readonly offsets?: readonly OffsetRange[];
  readonly limit: number;
  /** Records that have so many bytes together are enough, if there is one; absent: the limit alone counts. */
  readonly bytesMax?: number;
  /** Continue after this event (newest first). */
  readonly after?: EventPosition;
  /** Leaves events of these offsets out. */
  readonly without?: readonly OffsetCover[];
}

/** Where an event stands in the order newest first: by time, then partition, then offset. */
export interface EventPosition {
  readonly timestampMicros: number;
  readonly partition: number;
  readonly offset: number;
}

export interface EventRecord extends EventPosition {
  readonly fields: Readonly<Partial<Record<TextField, string>>>;
  /** Whole units. */
  readonly measures: Readonly<Partial<Record<Measure, number>>>;
  readonly raw: Uint8Array;
}

export interface QuarantineQuery {
  readonly topicId: string;
  /** Of the record's time. */
  readonly range: TimeRange;
  readonly reason?: string;
  readonly limit: number;
  /** As in {@link EventQuery}. */
  readonly bytesMax?: number;
  readonly after?: { readonly recordTimeMs: number; readonly partition: number; readonly offset: number };
  /** As in {@link EventQuery}. */
  readonly without?: readonly OffsetCover[];
}

export interface QuarantineRecord {
  readonly partition: number;
  readonly offset: number;
  readonly recordTimeMs: number;
  readonly reason: string;
  readonly raw: Uint8Array;
}

export const EXPORT_TABLES = ["minutes", "hours", "events", "quarantine"] as const;
export type ExportTable = (typeof EXPORT_TABLES)[number];
export const EXPORT_FORMATS = ["csv", "parquet", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportQuery {
  readonly topicId: string;
  readonly table: ExportTable;
  readonly format: ExportFormat;
  readonly range: TimeRange;
  readonly where: readonly Condition[];
  /** CSV only: leave cells that a spreadsheet would run as a formula as they are. */
  readonly isRaw: boolean;
}

/** Bytes as they are made, and the frontier that they reflect: one consistent snapshot. */
export interface Export {
  readonly stream: ReadableStream<Uint8Array>;
  readonly frontier: readonly { readonly partition: number; readonly offset: number }[];
}

/** What the gateway asks of a store. All reads are of one consistent state. */
export interface StoreQueries {
  series(query: SeriesQuery): Promise<SeriesResult>;
  summary(query: SummaryQuery): Promise<SummaryResult>;
  events(query: EventQuery): Promise<readonly EventRecord[]>;
  quarantine(query: QuarantineQuery): Promise<readonly QuarantineRecord[]>;
  accessReport(query: AccessReportQuery): Promise<AccessReport>;
  export(query: ExportQuery): Promise<Export>;
  count(query: CountQuery): Promise<RowCount>;
  /** The records of a range, but for some offsets, as a Parquet file of segments' columns: its path, the caller's to remove. */
  copyRecords(table: RecordTable, topicId: string, range: TimeRange, without?: readonly OffsetCover[]): Promise<string>;
  partitions(topicId: string): Promise<readonly (PartitionState & { readonly partition: number })[]>;
  /** Gaps recorded for a topic: offsets that the log no longer held when the engine came to them. */
  gaps(
    topicId: string,
  ): Promise<readonly { readonly partition: number; readonly start: number; readonly end: number }[]>;
  /**
   * Per hour bucket of a topic that holds anything, a text that changes whenever a flush changes a unit of it: who made
   * something of an hour's minutes (a rollup, messages) sees by it that it has to be made anew. Oldest bucket first.
   */
  unitVersions(topicId: string): Promise<readonly { readonly bucket: number; readonly version: string }[]>;
  /** The conservation invariant per partition, counted over what is stored: Σ counts of the minute rows. */
  countStored(topicId: string): Promise<readonly { readonly partition: number; readonly count: number }[]>;
}

/** A store: everything above, and its upkeep. */
export interface Store extends MinuteStore, Ledger, Documents, StoreQueries {
  /** Forgets everything derived from a topic (`produce --reset`). */
  dropTopic(topicId: string): Promise<void>;
  /**
   * Deletes what came into the log before these times: units (with their minutes) that have not changed since, events
   * and quarantine. Event time is no measure: a file of 1995 that was produced today is new. Answers the rows deleted.
   */
  retain(limits: { minutesBeforeMs: number; eventsBeforeMs: number }): Promise<number>;
  close(): Promise<void>;
}
