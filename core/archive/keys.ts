/**
 * Names of archived files: pure. A segment is one partition's records of one hour out of a range of offsets; its name
 * tells the range, so that a listing alone says what is covered. Merged segments cover the ranges of others, which are
 * passed over from the moment at which the merged one is there.
 */
import type { ArchivedFile } from "./archive.ts";

/** What segments hold: events by the hour of their time, quarantined records by that of their time in the log. */
export const ARCHIVED_TABLES = ["events", "quarantine"] as const;
export type ArchivedTable = (typeof ARCHIVED_TABLES)[number];

export interface SegmentName {
  readonly table: ArchivedTable;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Hours since 1970 UTC. */
  readonly bucket: number;
  /** Offsets in [from, to) are what it was made of, as far as they are of this hour. */
  readonly from: number;
  readonly to: number;
  readonly isMerged: boolean;
}

export interface Segment extends SegmentName, ArchivedFile {}

const HOUR_MS = 3_600_000;

/** `events/topic=T/` */
export function topicFolder(table: string, topic: string): string {
  return `${table}/topic=${topic}/`;
}

/** `events/topic=T/date=2026-01-31/hour=07/` */
export function hourFolder(table: string, topic: string, bucket: number): string {
  const [date, time] = new Date(bucket * HOUR_MS).toISOString().split("T");
  return `${topicFolder(table, topic)}date=${date}/hour=${time.slice(0, 2)}/`;
}

export function segmentKey(name: SegmentName): string {
  const { table, topic, topicId, partition, bucket, from, to, isMerged } = name;
  const range = `${String(from).padStart(20, "0")}-${String(to).padStart(20, "0")}`;
  const file = `${topicId}-${String(partition).padStart(5, "0")}-${range}${isMerged ? "-merged" : ""}.parquet`;
  return hourFolder(table, topic, bucket) + file;
}

const KEY =
  /^(\w+)\/topic=([^/]+)\/date=([+-]?\d+-\d\d-\d\d)\/hour=(\d\d)\/(.+)-(\d{5,})-(\d{20})-(\d{20})(-merged)?\.parquet$/;

/** The segment that a key names; null where it names none. */
export function parseSegmentKey(key: string): SegmentName | null {
  const match = KEY.exec(key);
  if (match === null) return null;
  const [, table, topic, date, hour, topicId, partition, from, to, merged] = match;
  const startMs = Date.parse(`${date}T${hour}:00:00Z`);
  const isKnown = ARCHIVED_TABLES.some((known) => known === table);
  if (!isKnown || Number.isNaN(startMs)) return null;
  return {
    table: table as ArchivedTable,
    topic,
    topicId,
    partition: Number(partition),
    bucket: startMs / HOUR_MS,
    from: Number(from),
    to: Number(to),
    isMerged: merged !== undefined,
  };
}

/** The files that are segments, of that topic alone. */
export async function segmentsIn(files: AsyncIterable<ArchivedFile>, topicId: string): Promise<Segment[]> {
  const segments: Segment[] = [];
  for await (const file of files) {
    const name = parseSegmentKey(file.key);
    if (name !== null && name.topicId === topicId) segments.push({ ...name, ...file });
  }
  return segments;
}

/** Segments of one table, partition and hour. */
export function unitOf({ table, partition, bucket }: SegmentName): string {
  return `${table}/${partition}/${bucket}`;
}

/**
 * The segments apart: those that hold each record once, and those whose range another of the same unit covers. Of two with
 * the same range the merged one stays: it was written last.
 */
export function splitCovered(segments: readonly Segment[]): { current: Segment[]; covered: Segment[] } {
  const current: Segment[] = [];
  const covered: Segment[] = [];
  for (const unit of Map.groupBy(segments, unitOf).values()) {
    // The widest first: whatever it covers follows it.
    const ordered = unit.toSorted((a, b) => a.from - b.from || b.to - a.to || Number(b.isMerged) - Number(a.isMerged));
    let end = -1;
    for (const segment of ordered) {
      if (segment.to <= end) covered.push(segment);
      else {
        current.push(segment);
        end = segment.to;
      }
    }
  }
  return { current, covered };
}

/** The final minutes of a topic's hour. Of several revisions the largest holds. */
export interface FinalHour {
  readonly topic: string;
  readonly topicId: string;
  readonly bucket: number;
  readonly revision: number;
}

/** `minutes/topic=T/date=2026-01-31/hour=07/ID-r0.parquet` */
export function finalHourKey({ topic, topicId, bucket, revision }: FinalHour): string {
  return `${hourFolder("minutes", topic, bucket)}${topicId}-r${revision}.parquet`;
}

/** The folder of a key, with its slash. */
export const finalHourFolder = (key: string): string => key.slice(0, key.lastIndexOf("/") + 1);

/** Files of final minutes of that topic. */
export async function finalHoursIn(
  files: AsyncIterable<ArchivedFile>,
  topicId: string,
): Promise<{ readonly key: string; readonly revision: number }[]> {
  const hours: { key: string; revision: number }[] = [];
  for await (const { key } of files) {
    const match = /^minutes\/.*\/([^/]+)-r(\d+)\.parquet$/.exec(key);
    if (match?.[1] === topicId) hours.push({ key, revision: Number(match[2]) });
  }
  return hours;
}
