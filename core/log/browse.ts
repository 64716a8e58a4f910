/** Records of one partition as they lie in the log, for people who look: some of them, from an offset on. */
import type { PartitionReader } from "./partitioned_log.ts";
import {
  BatchHeader,
  CorruptBatch,
  decompressRecords,
  isCrcValid,
  readBatchHeader,
  RecordWalker,
} from "./record_batch.ts";

const FETCH_BYTES = 1_048_576;
const WAIT_MS = 100;

export interface BrowsedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export interface BrowseQuery {
  /** The first offset to look at; it is in the partition. */
  readonly from: number;
  /** Records at most, and bytes of the log that are looked through for them. */
  readonly limit: number;
  readonly bytesMax: number;
  readonly isWanted: (record: BrowsedRecord) => boolean;
}

export interface Browsed {
  readonly records: readonly BrowsedRecord[];
  /** Where to go on; the partition's end where all of it was looked through. */
  readonly next: number;
}

/** Records in the order of their offsets. Batches that are damaged are passed over. Throws what the reader throws. */
export async function browse(reader: PartitionReader, query: BrowseQuery): Promise<Browsed> {
  const records: BrowsedRecord[] = [];
  let position = query.from;
  for (let seen = 0; seen < query.bytesMax;) {
    const { bytes, next, end } = await reader.fetch(position, FETCH_BYTES, WAIT_MS);
    for (const record of recordsIn(bytes, position)) {
      if (!query.isWanted(record)) continue;
      records.push(record);
      if (records.length === query.limit) return { records, next: record.offset + 1 };
    }
    position = next;
    seen += bytes.length;
    if (next >= end || bytes.length === 0) break;
  }
  return { records, next: position };
}

/** Copies, so that a fetch may use its buffer again. */
function* recordsIn(batches: Uint8Array, from: number): Generator<BrowsedRecord> {
  const header = new BatchHeader();
  const walker = new RecordWalker();
  for (let at = 0; at < batches.length;) {
    const length = readBatchHeader(batches, at, header);
    if (length < 0) return;
    const start = at;
    at += length;
    if (header.isControl || !isCrcValid(batches, start, length)) continue;
    try {
      const bytes = decompressRecords(batches, header);
      walker.reset(bytes, header);
      while (walker.next()) {
        const { offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = walker;
        if (offset < from) continue;
        const copy = (start: number, end: number) => start < 0 ? null : bytes.slice(start, end);
        yield { offset, timestampMs, key: copy(keyStart, keyEnd), value: copy(valueStart, valueEnd) };
      }
    } catch (error) {
      if (!(error instanceof CorruptBatch)) throw error; // the engine keeps it in quarantine
    }
  }
}

/** What {@link offsetAtTime} asks of a log. */
export interface TimedPartition {
  readonly reader: PartitionReader;
  /** Time of the batch that holds an offset, as its header has it. */
  timestampAt(offset: number): Promise<number | null>;
  readonly start: number;
  readonly end: number;
}

/**
 * The first record in [start, end) of a time at or after `timeMs`; `end` where none is. Supposes that times grow with
 * offsets, which they do where the log stamps records as they come.
 */
export async function offsetAtTime(
  { reader, timestampAt, start, end }: TimedPartition,
  timeMs: number,
): Promise<number> {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const ms = await timestampAt(middle);
    if (ms === null || ms >= timeMs) high = middle;
    else low = middle + 1;
  }
  if (low === start) return low;
  // The batch before begins earlier; its later records may be the first.
  const { bytes } = await reader.fetch(low - 1, 1, WAIT_MS);
  for (const { offset, timestampMs } of recordsIn(bytes, start)) {
    if (timestampMs >= timeMs) return Math.min(offset, low);
  }
  return low;
}
