/** What lies in an archive beside what holds: files whose records are in others, too, and how they go. */
import type { Archive } from "./archive.ts";
import {
  ARCHIVED_TABLES,
  finalHourFolder,
  finalHoursIn,
  hourFolder,
  type Segment,
  type SegmentName,
  segmentsIn,
  splitCovered,
  topicFolder,
} from "./keys.ts";

export type ArchivedHour = Pick<SegmentName, "table" | "topic" | "topicId" | "partition" | "bucket">;

/** Segments of an hour as they are in the archive. */
export async function segmentsOfHour(archive: Archive, hour: ArchivedHour): Promise<Segment[]> {
  const { table, topic, topicId, partition, bucket } = hour;
  const prefix = `${hourFolder(table, topic, bucket)}${topicId}-${String(partition).padStart(5, "0")}-`;
  return (await segmentsIn(archive.list(prefix), topicId)).filter((segment) => segment.partition === partition);
}

/** Removes the segments of an hour that others cover; answers those that hold. */
export async function removeCovered(archive: Archive, hour: ArchivedHour): Promise<Segment[]> {
  const { current, covered } = splitCovered(await segmentsOfHour(archive, hour));
  if (covered.length > 0) await archive.remove(covered.map(({ key }) => key));
  return current;
}

/** Removes an hour's final minutes but for their largest revision. */
export async function removeOlderRevisions(archive: Archive, topic: string, topicId: string, bucket: number) {
  await archive.remove(await olderRevisions(archive, hourFolder("minutes", topic, bucket), topicId));
}

async function olderRevisions(archive: Archive, prefix: string, topicId: string): Promise<string[]> {
  const found = await finalHoursIn(archive.list(prefix), topicId);
  return [...Map.groupBy(found, ({ key }) => finalHourFolder(key)).values()].flatMap((hour) => {
    const largest = Math.max(...hour.map(({ revision }) => revision));
    return hour.filter(({ revision }) => revision < largest).map(({ key }) => key);
  });
}

/**
 * Removes what others hold, too, from a topic's newest days: a writer that is frozen may put a file long after it was merged
 * or revised, and die before it sees that. Answers how many files.
 */
export async function sweep(archive: Archive, topic: string, topicId: string, days: number): Promise<number> {
  let removed = 0;
  for (const table of [...ARCHIVED_TABLES, "minutes" as const]) {
    const folder = topicFolder(table, topic);
    for (const day of (await archive.folders(folder)).sort().slice(-days)) {
      const keys = table === "minutes"
        ? await olderRevisions(archive, `${folder}${day}/`, topicId)
        : splitCovered(await segmentsIn(archive.list(`${folder}${day}/`), topicId)).covered.map(({ key }) => key);
      if (keys.length > 0) await archive.remove(keys);
      removed += keys.length;
    }
  }
  return removed;
}
