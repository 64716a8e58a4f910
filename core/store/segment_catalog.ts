/**
 * Which segments hold which records, and which of them to merge: pure. A segment is a Parquet file of events or of
 * quarantined records. Flushes write small ones (level 0, of several topics); merged ones are of one topic and a level
 * higher. Files of {@link FINAL_BYTES} or more are left as they are.
 */

/** Tables whose rows lie in segments. */
export const RECORD_TABLES = ["events", "quarantine"] as const;
export type RecordTable = (typeof RECORD_TABLES)[number];
/** Minutes lie in segments until they are taken into their table (duckdb_minute_segments.ts); those are never merged. */
export type SegmentTable = RecordTable | "minutes";

/** One topic's rows in one segment. */
export interface SegmentEntry {
  /** Name within the directory of segments. */
  readonly file: string;
  readonly table: SegmentTable;
  readonly topicId: string;
  readonly level: number;
  readonly rows: number;
  /** The row groups in the file that hold them, which follow each other. */
  readonly firstGroup: number;
  readonly groups: number;
  /** Of the whole file. */
  readonly fileBytes: number;
  /** Time of the first and the last row: event time, or of quarantined records their time in the log. */
  readonly firstMicros: number;
  readonly lastMicros: number;
  /** Largest time in the log of a row, epoch milliseconds. */
  readonly lastRecordMs: number;
}

/** Segments to replace by one of a topic each. */
export interface MergePlan {
  readonly table: RecordTable;
  readonly files: readonly string[];
  readonly entries: readonly SegmentEntry[];
  /** Of what is written. */
  readonly level: number;
}

export const FINAL_BYTES = 16 * 1_048_576;
/** Segments of one level that are merged together, at least; of level 0 there are more, a few come every second. */
const FAN_IN = 8;
const FAN_IN_FLUSHED = 16;
/** Or fewer, where they are this large together. */
const MERGE_BYTES = 2 * FINAL_BYTES;
const FAN_IN_MIN = 4;
/** Rows that are deleted together lie together: a segment covers at most so much of the log's time. */
const SPAN_MS = 24 * 3_600_000;

/** From so many rows a group on, groups are good to read: merging leaves them as they are. */
const GROUP_ROWS_MIN = 512;

/** Whether the row groups are to be made anew, as larger ones: many small ones are slow to read. */
export function needsLargerGroups(entries: readonly SegmentEntry[]): boolean {
  const sum = (name: "rows" | "groups") => entries.reduce((total, entry) => total + entry[name], 0);
  return sum("rows") < GROUP_ROWS_MIN * sum("groups");
}

/** The next merge that is worth its work, lowest level first; null where there is none. */
export function planMerge(entries: readonly SegmentEntry[]): MergePlan | null {
  const small = entries.filter(({ fileBytes }) => fileBytes < FINAL_BYTES);
  const groups = Map.groupBy(small, ({ table, level, topicId }) =>
    // Flushed segments are shared by topics: they are merged together, or each would be read once for every topic.
    JSON.stringify(level === 0 ? [level, table] : [level, table, topicId]));
  const plans = [...groups.values()].flatMap((group) => mergeOf(group) ?? []);
  return plans.sort((a, b) => a.level - b.level)[0] ?? null;
}

function mergeOf(group: readonly SegmentEntry[]): MergePlan | null {
  const { table, level } = group[0];
  if (table === "minutes") return null;
  const files = [...new Set(group.map(({ file }) => file))];
  const bytesOf = new Map(group.map(({ file, fileBytes }) => [file, fileBytes]));
  const bytes = files.reduce((sum, file) => sum + (bytesOf.get(file) ?? 0), 0);
  const isWorthwhile = files.length >= (level === 0 ? FAN_IN_FLUSHED : FAN_IN) ||
    (files.length >= FAN_IN_MIN && bytes >= MERGE_BYTES);
  if (!isWorthwhile) return null;
  const days = Map.groupBy(group, ({ lastRecordMs }) => Math.floor(lastRecordMs / SPAN_MS));
  // Of several days the one with most files; a single file of a day is merged with none.
  const chosen = [...days.values()].sort((a, b) => b.length - a.length)[0];
  const chosenFiles = [...new Set(chosen.map(({ file }) => file))];
  if (chosenFiles.length < 2) return null;
  return { table, level: level + 1, files: chosenFiles, entries: chosen };
}
