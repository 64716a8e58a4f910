/** Whole record batches as fetched, walked record by record into an aggregator, or whatever else takes them. */
import {
  BatchHeader,
  CorruptBatch,
  decompressRecords,
  isCrcValid,
  readBatchHeader,
  RecordWalker,
} from "../core/log/record_batch.ts";
import type { RecordSource } from "./aggregation/record_source.ts";

/** What records are applied to. */
export interface RecordSink {
  /** Applies the records of `source`, whose values lie in `bytes`; not null: a bucket whose unit it has to know first. */
  apply(bytes: Uint8Array, source: RecordSource): number | null;
  /** Offsets below `next` that hold no record are passed over. */
  passTo(next: number): void;
  /** The bytes of a buffer that was applied may have changed. */
  forgetBuffer(): void;
}

/** A batch that cannot be read, as the one record that is kept of it. */
class UnreadableBatch implements RecordSource {
  readonly reason = "corrupt_batch";
  readonly offset: number;
  readonly timestampMs: number;
  #isRead = false;

  constructor({ baseOffset, maxTimestampMs }: BatchHeader, readonly valueStart: number, readonly valueEnd: number) {
    this.offset = baseOffset;
    // Of a header that may be wrong itself: a time that cannot be is none.
    this.timestampMs = maxTimestampMs >= 0 && maxTimestampMs < TIME_MS_MAX ? maxTimestampMs : 0;
  }

  next(): boolean {
    const hasNext = !this.#isRead;
    this.#isRead = true;
    return hasNext;
  }
}

/** 2200. */
const TIME_MS_MAX = 7_258_118_400_000;

/** The records of a batch below an offset. */
class RecordsUntil implements RecordSource {
  constructor(readonly records: RecordWalker, readonly until: number) {}

  next(): boolean {
    return this.records.next() && this.records.offset < this.until;
  }

  get offset(): number {
    return this.records.offset;
  }

  get timestampMs(): number {
    return this.records.timestampMs;
  }

  get valueStart(): number {
    return this.records.valueStart;
  }

  get valueEnd(): number {
    return this.records.valueEnd;
  }
}

const NOTHING = new Uint8Array(0);

/** One fetched chunk. Call {@link applyTo} until it answers null; in between, load the units it asks for. */
export class Chunk {
  readonly #unreadable: ReadonlySet<number>;
  readonly #until: number;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #end = Infinity;
  #records: Uint8Array = NOTHING;
  #isInBatch = false;
  #isFresh = false;
  #next = 0;
  readonly #header = new BatchHeader();
  #walker = new RecordWalker();
  #source: RecordSource = this.#walker;

  /**
   * @param unreadable Base offsets of batches that are known to be corrupt: they are kept in quarantine, as they are.
   * @param until Offset at which to stop, for replays.
   */
  constructor(unreadable: ReadonlySet<number> = new Set(), until = Infinity) {
    this.#unreadable = unreadable;
    this.#until = until;
  }

  /** Starts on `bytes`: zero or more whole batches, after which the offset `end` follows. */
  reset(bytes: Uint8Array, end = Infinity): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = 0;
    this.#isInBatch = false;
    this.#isFresh = true;
  }

  /** Lets go of the bytes, when all of them are applied: hundreds of partitions that rest would keep a megabyte each. */
  release(): void {
    this.reset(NOTHING);
    this.#records = NOTHING;
    this.#source = this.#walker = new RecordWalker();
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
      try {
        const records = decompressRecords(bytes, header);
        walker.reset(records, header);
        while (values.length < limit && walker.next()) {
          if (walker.valueStart < 0 || walker.valueEnd - walker.valueStart > valueBytesMax) continue;
          values.push(records.slice(walker.valueStart, walker.valueEnd));
        }
      } catch (error) {
        if (!(error instanceof CorruptBatch)) throw error; // that one is met when it is applied
      }
    }
    return values;
  }

  /**
   * Applies the rest of the chunk. Answers null at its end, or the bucket of a unit to load before the next call.
   * Throws CorruptBatch, with the batch's offset, where a batch fails its checksum or cannot be walked: what was applied
   * since the last flush is void then.
   */
  applyTo(sink: RecordSink): number | null {
    if (this.#isFresh) sink.forgetBuffer();
    this.#isFresh = false;
    try {
      for (;;) {
        if (!this.#isInBatch && !this.#enterBatch()) return null;
        const missing = this.#header.isControl ? null : sink.apply(this.#records, this.#source);
        if (missing !== null) return missing;
        this.#isInBatch = false;
        // Compacted offsets and control records hold nothing that counts.
        sink.passTo(this.#next);
      }
    } catch (error) {
      if (error instanceof CorruptBatch) error.offset = this.#header.baseOffset;
      throw error;
    }
  }

  #enterBatch(): boolean {
    const header = this.#header;
    if (this.#at >= this.#bytes.length) return false;
    const length = readBatchHeader(this.#bytes, this.#at, header);
    if (length < 0) return false;
    const start = this.#at;
    this.#next = header.baseOffset + header.lastOffsetDelta + 1;
    this.#isInBatch = true;
    if (this.#unreadable.has(header.baseOffset)) {
      header.isControl = false;
      // Its header may be wrong itself: it must not take along what follows.
      this.#next = Math.min(this.#next, this.#offsetAt(start + length));
      this.#records = this.#bytes;
      this.#source = new UnreadableBatch(header, start, start + length);
    } else {
      if (!isCrcValid(this.#bytes, start, length)) {
        throw new CorruptBatch(`the batch at offset ${header.baseOffset} does not have its checksum`);
      }
      this.#records = decompressRecords(this.#bytes, header);
      this.#walker.reset(this.#records, header);
      this.#source = this.#until === Infinity ? this.#walker : new RecordsUntil(this.#walker, this.#until);
    }
    this.#at += length;
    return true;
  }

  /** Where the batch at `at` begins, or what follows the last one. */
  #offsetAt(at: number): number {
    const following = new BatchHeader();
    const hasBatch = at < this.#bytes.length && readBatchHeader(this.#bytes, at, following) >= 0;
    return hasBatch ? following.baseOffset : this.#end;
  }
}
