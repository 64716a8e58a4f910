/** Whole record batches as fetched, walked record by record into an aggregator. */
import {
  BatchHeader,
  CorruptBatch,
  decompressRecords,
  isCrcValid,
  readBatchHeader,
  RecordWalker,
} from "../core/log/record_batch.ts";
import type { PartitionAggregator } from "./aggregation/partition_aggregator.ts";

/** One fetched chunk. Call {@link applyTo} until it answers null; in between, load the units it asks for. */
export class Chunk {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #records: Uint8Array = new Uint8Array(0);
  #isInBatch = false;
  #isFresh = false;
  #next = 0;
  readonly #header = new BatchHeader();
  readonly #walker = new RecordWalker();

  /** Starts on `bytes`: zero or more whole batches. */
  reset(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#isInBatch = false;
    this.#isFresh = true;
  }

  /** The offset after the last batch of `bytes`, or `otherwise` for none: where the next fetch begins. */
  static endOffset(bytes: Uint8Array, otherwise: number): number {
    const header = new BatchHeader();
    let end = otherwise;
    for (let at = 0; at < bytes.length;) {
      const length = readBatchHeader(bytes, at, header);
      if (length < 0) break;
      end = header.baseOffset + header.lastOffsetDelta + 1;
      at += length;
    }
    return end;
  }

  /** Up to `limit` record values from the start of the chunk, copied: what formats are detected from. */
  static sample(bytes: Uint8Array, limit: number, valueBytesMax: number): Uint8Array[] {
    const header = new BatchHeader();
    const walker = new RecordWalker();
    const values: Uint8Array[] = [];
    for (let at = 0; at < bytes.length && values.length < limit;) {
      const length = readBatchHeader(bytes, at, header);
      if (length < 0) break;
      at += length;
      if (header.isControl) continue;
      const records = decompressRecords(bytes, header);
      walker.reset(records, header);
      while (values.length < limit && walker.next()) {
        if (walker.valueStart < 0 || walker.valueEnd - walker.valueStart > valueBytesMax) continue;
        values.push(records.slice(walker.valueStart, walker.valueEnd));
      }
    }
    return values;
  }

  /**
   * Applies the rest of the chunk. Answers null at its end, or the bucket of a unit to load before the next call.
   * Throws CorruptBatch where a batch fails its checksum: nothing of it was applied.
   */
  applyTo(aggregator: PartitionAggregator): number | null {
    if (this.#isFresh) aggregator.forgetBuffer();
    this.#isFresh = false;
    for (;;) {
      if (!this.#isInBatch && !this.#enterBatch()) return null;
      const missing = this.#header.isControl ? null : aggregator.apply(this.#records, this.#walker);
      if (missing !== null) return missing;
      this.#isInBatch = false;
      // Compacted offsets and control records hold nothing that counts.
      aggregator.passTo(this.#next);
    }
  }

  #enterBatch(): boolean {
    const header = this.#header;
    if (this.#at >= this.#bytes.length) return false;
    const length = readBatchHeader(this.#bytes, this.#at, header);
    if (length < 0) return false;
    if (!isCrcValid(this.#bytes, this.#at, length)) {
      throw new CorruptBatch(`the batch at offset ${header.baseOffset} does not have its checksum`);
    }
    this.#at += length;
    this.#next = header.baseOffset + header.lastOffsetDelta + 1;
    this.#records = decompressRecords(this.#bytes, header);
    this.#walker.reset(this.#records, header);
    this.#isInBatch = true;
    return true;
  }
}
