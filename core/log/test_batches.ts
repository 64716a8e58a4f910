/** Builders of small data for the tests of the log. */
import type { EncodedBatch, PartitionReader } from "./partitioned_log.ts";
import type { LogSettings } from "./partition_writer.ts";
import { BatchHeader, decompressRecords, readBatchHeader, RecordBatchBuilder, RecordWalker } from "./record_batch.ts";

const encoder = new TextEncoder();

/** Settings under which every answer is durable at once. */
export const testSettings: LogSettings = {
  segmentBytes: 1024 * 1024,
  fsync: "always",
  fsyncIntervalMs: 5,
  retentionHours: 24,
  retentionBytes: 1024 * 1024 * 1024,
  recordBytesMax: 16 * 1024 * 1024,
};

/** One batch of these values; the record at index i has time 1000 + i. */
export function batchOf(...values: readonly (string | Uint8Array)[]): EncodedBatch {
  return batchAt(1000, ...values);
}

/** One batch of these values; the record at index i has time `timestampMs` + i. */
export function batchAt(timestampMs: number, ...values: readonly (string | Uint8Array)[]): EncodedBatch {
  const builder = new RecordBatchBuilder(64 * 1024 * 1024);
  values.forEach((value, index) => {
    builder.add(typeof value === "string" ? encoder.encode(value) : value, timestampMs + index);
  });
  return builder.finish();
}

/** A record as a test compares it. */
export interface ReadRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Copies of the records in whole batches; control batches have none that count. */
export function recordsOf(batches: Uint8Array): ReadRecord[] {
  const header = new BatchHeader();
  const walker = new RecordWalker();
  const records: ReadRecord[] = [];
  for (let at = 0; at < batches.length;) {
    const length = readBatchHeader(batches, at, header);
    if (length < 0) throw new Error("the bytes end within a batch");
    at += length;
    if (header.isControl) continue;
    const bytes = decompressRecords(batches, header);
    walker.reset(bytes, header);
    while (walker.next()) {
      const { offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = walker;
      const key = keyStart < 0 ? null : bytes.slice(keyStart, keyEnd);
      records.push({ offset, timestampMs, key, value: valueStart < 0 ? null : bytes.slice(valueStart, valueEnd) });
    }
  }
  return records;
}

/** Everything from `offset` on that can be read now. */
export async function readAll(reader: PartitionReader, offset = 0, maxBytes = 64 * 1024): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for (let from = offset;;) {
    const { bytes, next } = await reader.fetch(from, maxBytes, 0);
    if (next === from) return records;
    records.push(...recordsOf(bytes).filter((record) => record.offset >= from));
    from = next;
  }
}

/** The values as text. */
export function texts(records: readonly ReadRecord[]): string[] {
  return records.map((record) => new TextDecoder().decode(record.value ?? undefined));
}
