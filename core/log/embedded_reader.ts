/**
 * Reads one partition of the embedded log, in whichever thread it was made: it opens the segment files itself and knows
 * from shared memory how far they may be read.
 *
 * Large reads are asynchronous, so that the next fetch is read from disk while the batches of this one are parsed
 * (from the page cache both ways measured 5 GB/s); the header hops of a seek are synchronous (2 against 55 µs each).
 */
import { messageOf, MillraceError } from "../errors.ts";
import { type FetchedBatches, OffsetOutOfRange, type PartitionReader } from "./partitioned_log.ts";
import { BATCH_HEADER_BYTES, BatchHeader, CorruptBatch, readBatchHeader } from "./record_batch.ts";
import { ResponseBuffers } from "./response_buffers.ts";
import { FileWindow, listSegments, segmentPath } from "./segment.ts";

const POLL_MS = 10;
const FIRST_BUFFER_BYTES = 64 * 1024;
/** A seek remembers a position about every so many bytes. */
const INDEX_STEP_BYTES = 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** Of all readers of a thread. */
const buffers = new ResponseBuffers();

/** The segment being read, and where known offsets are in it. */
class OpenSegment {
  /** Sparse index, ascending: the batch with base offset indexOffsets[i] is at indexPositions[i]. */
  readonly indexOffsets: number[];
  readonly indexPositions: number[] = [0];

  constructor(readonly file: Deno.FsFile, readonly path: string, readonly baseOffset: number) {
    this.indexOffsets = [baseOffset];
  }

  remember(offset: number, position: number): void {
    const last = this.indexPositions.length - 1;
    if (position < this.indexPositions[last] + INDEX_STEP_BYTES) return;
    this.indexOffsets.push(offset);
    this.indexPositions.push(position);
  }

  /** Index of the last entry at or before `offset`. */
  nearest(offset: number): number {
    let low = 0;
    let high = this.indexOffsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.indexOffsets[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Implements {@link PartitionReader} over segment files. One fetch at a time. */
export class EmbeddedReader implements PartitionReader {
  readonly #directory: string;
  readonly #ends: BigInt64Array;
  readonly #partition: number;
  /** Filled in turn, so that the bytes of one fetch stay while the next is under way. */
  readonly #buffers: [Uint8Array, Uint8Array] = [NOTHING, NOTHING];
  #turn = 0;
  /** Whether the last read could have filled a larger buffer. */
  #wasFull = false;
  readonly #header = new BatchHeader();
  #segment: OpenSegment | null = null;
  /** The batch at #position of #segment has base offset #expected, and there is no record from #coversFrom up to it. */
  #position = 0;
  #expected = -1;
  #coversFrom = 0;
  #isReading = false;
  #isClosed = false;
  #wake: (() => void) | null = null;

  /** `ends` holds [start, end] of the partition at 2 × partition; `directory` is the partition's own. */
  constructor(directory: string, partition: number, ends: SharedArrayBuffer) {
    this.#directory = directory;
    this.#partition = partition;
    this.#ends = new BigInt64Array(ends);
  }

  get #start(): number {
    return Number(Atomics.load(this.#ends, 2 * this.#partition));
  }

  get #end(): number {
    return Number(Atomics.load(this.#ends, 2 * this.#partition + 1));
  }

  async fetch(offset: number, maxBytes: number, waitMs: number): Promise<FetchedBatches> {
    const deadlineMs = performance.now() + waitMs;
    for (;;) {
      if (this.#isClosed) throw new Error("fetch after close");
      const start = this.#start;
      // Known before the files are read: whatever lies below it is whole and stays as it is.
      const end = this.#end;
      if (offset < start || offset > end) throw new OffsetOutOfRange(offset, start, end);
      const bytes = offset === end ? NOTHING : await this.#readBatches(offset, end, maxBytes);
      const leftMs = deadlineMs - performance.now();
      if (bytes.length > 0 || leftMs <= 0 || this.#isClosed) {
        return { bytes, start, end, next: bytes.length > 0 ? this.#expected : offset };
      }
      await this.#sleep(Math.min(POLL_MS, leftMs));
      if (this.#isClosed) return { bytes: NOTHING, start, end, next: offset };
    }
  }

  /**
   * Time of the first record of the batch that holds `offset` (or of the next batch), epoch milliseconds; null where no
   * record is there. Not while a fetch is under way.
   */
  timestampAt(offset: number): number | null {
    const end = this.#end;
    if (offset < this.#start || offset >= end) return null;
    // Most often the question is about a little further on than the last one.
    const goesOn = this.#segment !== null && offset >= this.#expected && this.#hop(this.#segment, offset);
    if (goesOn) this.#coversFrom = offset;
    else if (!this.#seek(offset)) return null;
    if (this.#segment === null) return null;
    if (this.#expected >= end) return null;
    const window = new FileWindow(this.#segment.file, BATCH_HEADER_BYTES);
    if (window.locate(this.#position, BATCH_HEADER_BYTES) < 0) return null;
    this.#readHeader(window.bytes, 0, this.#position);
    return this.#header.baseTimestampMs;
  }

  /** Releases the file. A fetch that waits resolves with empty bytes. */
  close(): void {
    this.#isClosed = true;
    this.#wake?.();
    if (!this.#isReading) this.#leaveSegment();
  }

  #sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), delayMs);
      this.#wake = () => {
        this.#wake = null;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Whole batches from `offset` on that lie below `end`; empty where there are none (the log jumped, or lost its start). */
  async #readBatches(offset: number, end: number, maxBytes: number): Promise<Uint8Array> {
    const isInPlace = this.#segment !== null && offset >= this.#coversFrom && offset <= this.#expected;
    if (!isInPlace && !this.#seek(offset)) return NOTHING;
    while (this.#segment !== null && this.#expected < end) {
      const limit = Math.max(maxBytes, BATCH_HEADER_BYTES);
      let buffer = this.#buffer(limit);
      let filled = await this.#fill(this.#segment, buffer.subarray(0, limit), 0, BATCH_HEADER_BYTES);
      if (this.#isClosed) return NOTHING;
      if (filled === 0) {
        if (!this.#enterNextSegment()) return NOTHING;
        continue;
      }
      const firstBytes = this.#firstBatchBytes(buffer.subarray(0, filled));
      if (firstBytes > filled) {
        if (firstBytes > buffer.length) {
          const grown = buffers.take(firstBytes);
          grown.set(buffer.subarray(0, filled));
          buffers.give(buffer);
          this.#buffers[this.#turn] = buffer = grown;
        }
        filled = await this.#fill(this.#segment, buffer.subarray(0, firstBytes), filled, firstBytes);
        if (this.#isClosed) return NOTHING;
        if (filled < firstBytes) throw this.#corrupt("the file ends within a batch that was durable");
      }
      this.#wasFull = filled >= buffer.length;
      const wholeBytes = this.#takeBatches(buffer.subarray(0, filled), end);
      this.#turn ^= 1;
      return buffer.subarray(0, wholeBytes);
    }
    return NOTHING;
  }

  /** The buffer whose turn it is: small for a quiet partition, growing to `limit` while there is more to read. */
  #buffer(limit: number): Uint8Array {
    const buffer = this.#buffers[this.#turn];
    const isWasteful = buffer.length > 2 * Math.max(limit, FIRST_BUFFER_BYTES);
    let sizeBytes = buffer.length;
    if (sizeBytes === 0 || isWasteful) sizeBytes = Math.min(limit, FIRST_BUFFER_BYTES);
    if (this.#wasFull) sizeBytes = Math.max(sizeBytes, Math.min(limit, Math.max(4 * sizeBytes, FIRST_BUFFER_BYTES)));
    if (sizeBytes === buffer.length) return buffer;
    buffers.give(buffer);
    return this.#buffers[this.#turn] = buffers.take(sizeBytes);
  }

  rest(): void {
    for (const turn of [0, 1]) {
      buffers.give(this.#buffers[turn]);
      this.#buffers[turn] = NOTHING;
    }
    this.#wasFull = false;
  }

  /** Reads on until `into` holds `atLeastBytes` or the file ends; answers how many bytes it holds. */
  async #fill(segment: OpenSegment, into: Uint8Array, filledBytes: number, atLeastBytes: number): Promise<number> {
    let filled = filledBytes;
    this.#isReading = true;
    try {
      segment.file.seekSync(this.#position + filled, Deno.SeekMode.Start);
      while (filled < atLeastBytes) {
        const read = await segment.file.read(into.subarray(filled));
        if (read === null || this.#isClosed) break;
        filled += read;
      }
    } finally {
      this.#isReading = false;
      if (this.#isClosed) this.#leaveSegment();
    }
    return filled;
  }

  #firstBatchBytes(bytes: Uint8Array): number {
    if (bytes.length < BATCH_HEADER_BYTES) throw this.#corrupt("the file ends within a batch header");
    this.#readHeader(bytes, 0, this.#position);
    return this.#header.recordsEnd;
  }

  /** Steps over the whole batches in `bytes` that lie below `end`, and answers their length. */
  #takeBatches(bytes: Uint8Array, end: number): number {
    let at = 0;
    let next = this.#expected;
    while (next < end) {
      this.#expected = next;
      const length = this.#readHeader(bytes, at, this.#position + at);
      if (length < 0) break;
      this.#segment?.remember(next, this.#position + at);
      next += this.#header.lastOffsetDelta + 1;
      at += length;
    }
    this.#position += at;
    this.#expected = this.#coversFrom = next;
    return at;
  }

  /** Reads the header of the batch with offset #expected; answers its length, -1 where `bytes` end within it. */
  #readHeader(bytes: Uint8Array, at: number, position: number): number {
    try {
      const length = readBatchHeader(bytes, at, this.#header);
      const isHeaderThere = bytes.length - at >= BATCH_HEADER_BYTES;
      if (isHeaderThere && this.#header.baseOffset !== this.#expected) {
        throw new CorruptBatch(`base offset ${this.#header.baseOffset}, expected ${this.#expected}`);
      }
      return length;
    } catch (error) {
      if (error instanceof CorruptBatch) throw this.#corrupt(error.message, position);
      throw error;
    }
  }

  #corrupt(reason: string, position = this.#position): MillraceError {
    return new MillraceError(
      "CORRUPT_DATA",
      `${
        this.#segment?.path ?? this.#directory
      }: no record batch of offset ${this.#expected} at byte ${position}: ${reason}`,
      "restore the file from a copy; what follows in it cannot be read",
    );
  }

  /**
   * Goes to the batch that holds `offset`, or to the first after it. False where the segment that held it is gone:
   * the caller looks at the start again.
   */
  #seek(offset: number): boolean {
    const baseOffset = this.#list().findLast((base) => base <= offset);
    if (baseOffset === undefined || !this.#enter(baseOffset)) {
      this.#leaveSegment();
      if (this.#start <= offset) throw this.#corrupt(`the segment of offset ${offset} is missing`);
      return false;
    }
    this.#coversFrom = offset;
    while (this.#segment !== null) {
      if (this.#hop(this.#segment, offset)) return true;
      if (!this.#enterNextSegment()) return true;
    }
    return false;
  }

  /** Hops over the batches before `offset`; false where the segment ends first. */
  #hop(segment: OpenSegment, offset: number): boolean {
    const end = this.#end;
    const window = new FileWindow(segment.file);
    const nearest = segment.nearest(offset);
    if (this.#expected > offset || this.#expected < segment.indexOffsets[nearest]) {
      this.#position = segment.indexPositions[nearest];
      this.#expected = segment.indexOffsets[nearest];
    }
    while (this.#expected < end) {
      const at = window.locate(this.#position, BATCH_HEADER_BYTES);
      if (at < 0) return false;
      this.#readHeader(window.bytes.subarray(0, at + BATCH_HEADER_BYTES), at, this.#position);
      segment.remember(this.#expected, this.#position);
      const next = this.#expected + this.#header.lastOffsetDelta + 1;
      if (next > offset) return true;
      this.#position += this.#header.recordsEnd - at;
      this.#expected = next;
    }
    return true;
  }

  /** False where there is none yet. */
  #enterNextSegment(): boolean {
    const current = this.#segment?.baseOffset ?? -1;
    const next = this.#list().find((base) => base > current);
    return next !== undefined && this.#enter(next);
  }

  /** Opens the segment and goes to its first batch; false where retention has just removed it. */
  #enter(baseOffset: number): boolean {
    if (this.#segment?.baseOffset !== baseOffset) {
      const path = segmentPath(this.#directory, baseOffset);
      const file = openToRead(path);
      if (file === null) return false;
      this.#leaveSegment();
      this.#segment = new OpenSegment(file, path, baseOffset);
    }
    this.#position = 0;
    this.#expected = baseOffset;
    return true;
  }

  #leaveSegment(): void {
    this.#segment?.file.close();
    this.#segment = null;
  }

  #list(): number[] {
    try {
      return listSegments(this.#directory);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return []; // the topic was deleted
      throw error;
    }
  }
}

function openToRead(path: string): Deno.FsFile | null {
  try {
    return Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `${path}: cannot be read: ${messageOf(error)}`,
      "check that this user may read the data directory and that it has file descriptors left (ulimit -n)",
      { cause: error },
    );
  }
}
