/**
 * Replays: hours of a topic computed anew from the log, with the settings of today, and put in the place of what is
 * stored. The same records count, once, before and after; where that cannot be kept, nothing is changed.
 */
import { topicSettingsOf } from "../../core/config/schema.ts";
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { OffsetOutOfRange, type PartitionReader, type Topic } from "../../core/log/partitioned_log.ts";
import { CorruptBatch } from "../../core/log/record_batch.ts";
import type { MinuteRows, Store, UnitExtent, UnitReplacement } from "../../core/store/ports.ts";
import { cellsOf, rowsOfCells, type StoredCell } from "../../core/store/cassandra_cells.ts";
import { openSchemas } from "../parsing/schemas.ts";
import { recompute, type Recomputed } from "./recompute.ts";

export interface ReplayParts {
  readonly config: Config;
  readonly store: Pick<Store, "unitExtents" | "replaceUnits" | "unitVersions">;
  readonly topic: Topic;
  readonly format: string | null;
  readonly openReader: (partition: number) => PartitionReader;
  /** Replaces also where the hours held another number of records: an earlier replay was cut short. */
  readonly isForced: boolean;
}

/** Hours of one partition, and what they hold. */
export interface ReplayPlan {
  readonly partition: number;
  readonly extents: readonly UnitExtent[];
}

/** What a replay did to one partition. */
export interface ReplayOutcome {
  readonly partition: number;
  readonly hours: number;
  readonly records: number;
  readonly unparsedBefore: number;
  readonly unparsedAfter: number;
}

const CORRUPT_TRIES = 2;

/** The hours with buckets in [first, last] that hold anything, by partition. */
export async function planReplay(
  { store, topic }: Pick<ReplayParts, "store" | "topic">,
  [first, last]: readonly [number, number],
  only: number | null,
): Promise<ReplayPlan[]> {
  const buckets = (await store.unitVersions(topic.id)).map(({ bucket }) => bucket)
    .filter((bucket) => bucket >= first && bucket <= last);
  const partitions = only === null ? Array.from({ length: topic.partitions }, (_, partition) => partition) : [only];
  const plans = await Promise.all(partitions.map(async (partition) => ({
    partition,
    extents: await store.unitExtents(topic.id, partition, buckets),
  })));
  return plans.filter(({ extents }) => extents.length > 0);
}

/** Carries out the plan for one partition. Throws REFUSED, with nothing changed, where it cannot be exact. */
export async function replayPartition(
  { config, store, topic, format, openReader, isForced }: ReplayParts,
  { partition, extents }: ReplayPlan,
): Promise<ReplayOutcome> {
  const { timeZone, mapping, preset } = topicSettingsOf(config, topic.name);
  const { engine } = config;
  const unreadable = new Set<number>();
  const schemas = openSchemas(config.schemaRegistry);
  const recomputeWith = (reader: PartitionReader) =>
    recompute({
      assignment: { topicId: topic.id, partition, format, preset: preset ?? null, timeZone, mapping },
      extents,
      reader,
      futureMs: engine.futureSeconds * 1000,
      recordBytesMax: engine.recordBytesMax,
      keepsEvents: engine.events === "store",
      unreadable,
      schemas,
    });
  const found = await readWith(() => openReader(partition), recomputeWith, unreadable, topic, partition);
  if (!isForced) checkRecords(extents, found, topic, partition);
  const replacements = extents.map((extent) => replacementOf(topic, partition, extent, found));
  if (!await store.replaceUnits(replacements)) {
    throw new MillraceError(
      "REFUSED",
      `${topic.name}/${partition}: an engine has changed these hours in the meantime`,
      "stop the engines of the topic, and replay with --force",
    );
  }
  const sum = (of: (extent: UnitExtent) => number) => extents.reduce((total, extent) => total + of(extent), 0);
  return {
    partition,
    hours: extents.length,
    records: sum(({ count }) => count),
    unparsedBefore: sum(({ unparsed }) => unparsed),
    unparsedAfter: sum(({ bucket }) => found.counts.get(bucket)?.unparsed ?? 0),
  };
}

/** A batch that is corrupt each time it is read is kept in quarantine, as the engine does. */
async function readWith(
  open: () => PartitionReader,
  run: (reader: PartitionReader) => Promise<Recomputed>,
  unreadable: Set<number>,
  topic: Topic,
  partition: number,
): Promise<Recomputed> {
  const seen = new Map<number, number>();
  for (;;) {
    const reader = open();
    try {
      return await run(reader);
    } catch (error) {
      if (error instanceof OffsetOutOfRange) {
        throw new MillraceError(
          "REFUSED",
          `${topic.name}/${partition}: the log no longer holds offset ${error.offset}, it begins at ${error.start}`,
          "replay later hours only; nothing of this partition was changed",
        );
      }
      if (!(error instanceof CorruptBatch) || error.offset === null) throw error;
      const times = (seen.get(error.offset) ?? 0) + 1;
      seen.set(error.offset, times);
      if (times >= CORRUPT_TRIES) unreadable.add(error.offset);
    } finally {
      reader.close();
    }
  }
}

/**
 * The hours together must hold the records that they held before: else some have moved to hours outside, or come from
 * there. Where events are not kept it is only their number that can be compared.
 */
function checkRecords(extents: readonly UnitExtent[], { offsets }: Recomputed, topic: Topic, partition: number): void {
  const before = extents.reduce((sum, { count }) => sum + count, 0);
  const kept = extents.reduce((sum, extent) => ({
    count: sum.count + extent.kept.count,
    sum: sum.sum + extent.kept.sum,
    squares: sum.squares + extent.kept.squares,
  }), { count: 0, sum: 0n, squares: 0n });
  const isSame = kept.count !== before || (kept.sum === offsets.sum && kept.squares === offsets.squares);
  if (before === offsets.count && isSame) return;
  const numbers = before === offsets.count ? "other records" : `${offsets.count}`;
  throw new MillraceError(
    "REFUSED",
    `${topic.name}/${partition}: these hours hold ${before} records, and would hold ${numbers}: with the settings of ` +
      "today records belong to other hours",
    "replay a longer range, which has the hours that they come from and go to (nothing of this partition was changed), " +
      "or use --force where an earlier replay of these hours was cut short",
  );
}

function replacementOf(topic: Topic, partition: number, extent: UnitExtent, found: Recomputed): UnitReplacement {
  const { bucket, count, unparsed } = extent;
  const after = found.counts.get(bucket) ?? { count: 0, unparsed: 0 };
  return {
    topicId: topic.id,
    partition,
    unit: extent,
    writer: crypto.randomUUID(),
    minutes: rowsOfBucket(found.minutes, bucket),
    events: found.events.get(bucket) ?? [],
    quarantine: found.quarantine.get(bucket) ?? [],
    totals: {
      events: after.count - after.unparsed - (count - unparsed),
      unparsed: after.unparsed - unparsed,
    },
  };
}

/** The rows of an hour; of several rows of a cell the last, which has all that the others had. */
function rowsOfBucket(passes: readonly MinuteRows[], bucket: number): MinuteRows {
  const cells = new Map<string, StoredCell>();
  for (const rows of passes) {
    for (const cell of cellsOf(rows, bucket)) cells.set(`${cell.minute}/${cell.fromOffset}/${cell.key}`, cell);
  }
  return rowsOfCells([...cells.values()]);
}
