/** Some hours of one partition, computed anew from the log as if they were read for the first time. */
import type { PartitionReader } from "../../core/log/partitioned_log.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import type { MinuteRows, OffsetSums, UnitExtent } from "../../core/store/ports.ts";
import { encodeEvents, encodeQuarantine, type RecordBlock } from "../../core/store/record_blocks.ts";
import { eventsByHour, quarantineByHour } from "../../core/store/rows_by_hour.ts";
import { PartitionAggregator } from "../aggregation/partition_aggregator.ts";
import { Chunk } from "../chunk.ts";
import { findParser } from "../parsing/registry.ts";
import { SchemaMissing, type Schemas } from "../parsing/schemas.ts";
import type { Assignment } from "../protocol.ts";

const FETCH_BYTES = 1_048_576;
/** Events that are encoded together. */
const PENDING_ROWS_MAX = 20_000;
const MICROS_PER_BUCKET = 3_600_000_000;
/** No record is at or beyond it: what is skipped up to here is skipped whole. */
const NEVER = Number.MAX_SAFE_INTEGER;

export interface RecomputeParts {
  readonly assignment: Pick<Assignment, "topicId" | "partition" | "format" | "preset" | "timeZone" | "mapping">;
  /** The hours, each with what it was made of. */
  readonly extents: readonly UnitExtent[];
  readonly reader: PartitionReader;
  readonly futureMs: number;
  readonly recordBytesMax: number;
  readonly keepsEvents: boolean;
  /** Base offsets of batches that are corrupt in the log. */
  readonly unreadable?: ReadonlySet<number>;
  readonly schemas: Schemas;
}

/** New contents of the hours; minute rows of all of them together. */
export interface Recomputed {
  /** One list a pass over the minutes: later rows of a cell replace earlier ones. */
  readonly minutes: readonly MinuteRows[];
  readonly events: ReadonlyMap<number, readonly RecordBlock[]>;
  readonly quarantine: ReadonlyMap<number, readonly RecordBlock[]>;
  /** Over the offsets of all records of the hours. */
  readonly offsets: OffsetSums;
  /** Records by hour, and those among them that could not be parsed. */
  readonly counts: ReadonlyMap<number, { readonly count: number; readonly unparsed: number }>;
}

/** Reads from the first offset that the hours absorbed to the last. Throws OffsetOutOfRange where the log has lost some. */
export async function recompute(parts: RecomputeParts): Promise<Recomputed> {
  const { assignment, extents, reader, futureMs, recordBytesMax, keepsEvents } = parts;
  const { topicId, partition, format } = assignment;
  const parser = format === null ? undefined : findParser(format);
  const from = Math.min(...extents.map(({ fromOffset }) => fromOffset));
  const to = Math.max(...extents.map(({ upto }) => upto));
  const wanted = new Map(extents.map((extent) => [extent.bucket, extent]));
  const aggregator = new PartitionAggregator(crypto.randomUUID(), { checkpoint: from, watermarkMs: null }, {
    parser: parser?.compile({ ...assignment, schemas: parts.schemas }) ?? null,
    preset: PRESETS[assignment.preset ?? parser?.preset ?? "apps"],
    latenessMs: 0,
    futureMs,
    recordBytesMax,
    keepsEvents: true, // record by record: the fast lane knows no end
  });
  const minutes: MinuteRows[] = [];
  const events = new Map<number, RecordBlock[]>();
  const quarantine = new Map<number, RecordBlock[]>();
  const offsets = { count: 0, sum: 0n, squares: 0n };
  const take = () => {
    const content = aggregator.takeFlush();
    if (content === null) return;
    minutes.push(content.minutes);
    for (const rows of [content.events, content.quarantine]) {
      for (let row = 0; row < (rows?.rows ?? 0); row++) {
        const offset = BigInt(rows?.offsets[row] ?? 0);
        offsets.count++;
        offsets.sum += offset;
        offsets.squares += offset * offset;
      }
    }
    for (const rows of content.events === null || !keepsEvents ? [] : eventsByHour(content.events)) {
      put(events, encodeEvents(topicId, partition, rows));
    }
    for (const rows of content.quarantine === null ? [] : quarantineByHour(content.quarantine)) {
      put(quarantine, encodeQuarantine(topicId, partition, rows));
    }
    aggregator.delivery.settleApplied();
  };
  const chunk = new Chunk(parts.unreadable, to);
  for (let position = from; position < to;) {
    const { bytes, next } = await reader.fetch(position, FETCH_BYTES, 0);
    if (next <= position) break;
    chunk.reset(bytes);
    for (;;) {
      const bucket = await applyOn(chunk, aggregator, parts.schemas);
      if (bucket === null) break;
      // Records of other hours, which others count, are passed over.
      aggregator.addUnit({ bucket, upto: wanted.has(bucket) ? 0 : NEVER, writer: null, values: {} });
    }
    aggregator.passTo(next);
    if (aggregator.pendingRows >= PENDING_ROWS_MAX) take();
    position = next;
  }
  take();
  return { minutes, events, quarantine, offsets, counts: countsOf(minutes) };
}

/** As Chunk.applyTo; schemas that it asks for are loaded. Throws where the registry does not answer. */
async function applyOn(chunk: Chunk, aggregator: PartitionAggregator, schemas: Schemas): Promise<number | null> {
  for (;;) {
    try {
      return chunk.applyTo(aggregator);
    } catch (error) {
      if (!(error instanceof SchemaMissing)) throw error;
      await schemas.load(error.id);
    }
  }
}

function put(into: Map<number, RecordBlock[]>, blocks: readonly RecordBlock[]): void {
  for (const block of blocks) {
    const bucket = Math.floor(block.firstMicros / MICROS_PER_BUCKET);
    const of = into.get(bucket);
    if (of === undefined) into.set(bucket, [block]);
    else of.push(block);
  }
}

function countsOf(passes: readonly MinuteRows[]): Recomputed["counts"] {
  const last = new Map<string, { bucket: number; count: number; isUnparsed: boolean }>();
  for (const rows of passes) {
    for (let row = 0; row < rows.rows; row++) {
      const dimensions = Object.values(rows.dimensions).map((column) => column?.dictionary[column.ids[row]]);
      const level = rows.dimensions.level;
      last.set(JSON.stringify([rows.minutes[row], rows.fromOffsets[row], dimensions]), {
        bucket: Math.floor(rows.minutes[row] / 60),
        count: rows.counts[row],
        isUnparsed: level !== undefined && level.dictionary[level.ids[row]] === "UNPARSED",
      });
    }
  }
  const counts = new Map<number, { count: number; unparsed: number }>();
  for (const { bucket, count, isUnparsed } of last.values()) {
    const of = counts.get(bucket) ?? { count: 0, unparsed: 0 };
    of.count += count;
    if (isUnparsed) of.unparsed += count;
    counts.set(bucket, of);
  }
  return counts;
}
