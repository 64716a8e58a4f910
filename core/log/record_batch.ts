/**
 * Codec of Kafka's record batch, format v2 (KIP-98), big-endian:
 *
 *     at  bytes  field
 *      0      8  base offset                       not covered by the checksum, so that a log can fill it in
 *      8      4  batch length                      of all that follows this field
 *     12      4  partition leader epoch
 *     16      1  magic                             2
 *     17      4  CRC32C                            of everything from `attributes` to the end
 *     21      2  attributes                        bits 0-2 codec, 3 timestamps are the broker's, 4 transactional, 5 control
 *     23      4  last offset delta
 *     27      8  base timestamp                    epoch milliseconds
 *     35      8  max timestamp
 *     43      8  producer id                       -1: none
 *     51      2  producer epoch
 *     53      4  base sequence
 *     57      4  record count
 *     61         records, compressed as one block where a codec is set
 *
 * A record, its numbers zig-zag varints of 7 bits a byte, low bits first:
 *
 *     length of the rest | attributes (1 byte) | timestamp delta | offset delta | key length, key | value length, value
 *     | header count, then per header: key length, key, value length, value            (a length of -1: null)
 *
 * Offsets and times are numbers, exact up to 2^53.
 * Over 400 lines: what reads the format and what writes it are checked against each other and against this comment.
 */
import { crc32c } from "./crc32c.ts";
import type { EncodedBatch } from "./partitioned_log.ts";
import { CODEC, CODEC_NAMES, decompress } from "./record_codecs.ts";

/** Bytes before the first record of a batch. */
export const BATCH_HEADER_BYTES = 61;
/** Bytes of base offset and batch length, which the length leaves out. */
const LENGTH_PREFIX_BYTES = 12;
const CHECKED_FROM = 21;
/** Bytes that are not a well-formed record batch. */
export class CorruptBatch extends Error {
  override readonly name = "CorruptBatch";
  /** The batch's base offset, where whoever walks batches has noted it. */
  offset: number | null = null;
}

/** One batch's header. Made once and filled in by {@link readBatchHeader}, so that a walk over batches allocates nothing. */
export class BatchHeader {
  baseOffset = 0;
  /** As stored: total length less 12. */
  batchLength = 0;
  magic = 0;
  crc = 0;
  attributes = 0;
  lastOffsetDelta = 0;
  baseTimestampMs = 0;
  maxTimestampMs = 0;
  producerId = -1;
  recordCount = 0;
  /** Where the records are in the bytes that the header was read from (or that {@link decompressRecords} answered). */
  recordsStart = 0;
  recordsEnd = 0;
  isControl = false;
  isTransactional = false;
  /** One of CODEC in record_codecs.ts. */
  codec = 0;
}

function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 0x1_0000_0000 + (readInt32(bytes, at + 4) >>> 0);
}

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  writeInt32(bytes, at, Math.floor(value / 0x1_0000_0000));
  writeInt32(bytes, at + 4, value);
}

/**
 * Reads the header of the batch at `at` and answers the batch's total length, or -1 where `bytes` end before the batch does.
 * Throws {@link CorruptBatch} where this cannot be a v2 batch. The checksum is not looked at: see {@link isCrcValid}.
 */
export function readBatchHeader(bytes: Uint8Array, at: number, header: BatchHeader): number {
  const available = bytes.length - at;
  if (available < BATCH_HEADER_BYTES) return -1;
  const batchLength = readInt32(bytes, at + 8);
  if (bytes[at + 16] !== 2) throw new CorruptBatch(`magic ${bytes[at + 16]}, expected 2`);
  if (batchLength < BATCH_HEADER_BYTES - LENGTH_PREFIX_BYTES) throw new CorruptBatch(`batch length ${batchLength}`);
  const length = batchLength + LENGTH_PREFIX_BYTES;
  header.baseOffset = readInt64(bytes, at);
  header.batchLength = batchLength;
  header.magic = 2;
  header.crc = readInt32(bytes, at + 17) >>> 0;
  const attributes = (bytes[at + 21] << 8) | bytes[at + 22];
  header.attributes = attributes;
  header.lastOffsetDelta = readInt32(bytes, at + 23);
  header.baseTimestampMs = readInt64(bytes, at + 27);
  header.maxTimestampMs = readInt64(bytes, at + 35);
  header.producerId = readInt64(bytes, at + 43);
  header.recordCount = readInt32(bytes, at + 57);
  header.recordsStart = at + BATCH_HEADER_BYTES;
  header.recordsEnd = at + length;
  header.codec = attributes & 7;
  header.isTransactional = (attributes & 0x10) !== 0;
  header.isControl = (attributes & 0x20) !== 0;
  if (header.baseOffset < 0 || header.baseOffset + header.lastOffsetDelta > Number.MAX_SAFE_INTEGER) {
    throw new CorruptBatch(`base offset ${header.baseOffset}`);
  }
  if (header.lastOffsetDelta < 0 || header.recordCount < 0 || header.recordCount > header.lastOffsetDelta + 1) {
    throw new CorruptBatch(`${header.recordCount} records up to offset delta ${header.lastOffsetDelta}`);
  }
  return length <= available ? length : -1;
}

/** Whether the checksum of the whole batch `bytes[at, at + length)` is right. */
export function isCrcValid(bytes: Uint8Array, at: number, length: number): boolean {
  return crc32c(bytes.subarray(at + CHECKED_FROM, at + length)) === readInt32(bytes, at + 17) >>> 0;
}

/** Sets the offset of the batch's first record; the checksum doesn't cover it. */
export function setBaseOffset(batch: Uint8Array, baseOffset: number): void {
  writeInt64(batch, 0, baseOffset);
}

/**
 * Answers the bytes to walk, and makes `header` describe them: `bytes` itself where no codec is set.
 * Throws {@link CorruptBatch} for bytes that don't decompress, or into more than a worker should hold.
 */
export function decompressRecords(bytes: Uint8Array, header: BatchHeader): Uint8Array {
  if (header.codec === CODEC.none) return bytes;
  let records: Uint8Array;
  try {
    records = decompress(header.codec, bytes.subarray(header.recordsStart, header.recordsEnd));
  } catch (cause) {
    throw new CorruptBatch(`${CODEC_NAMES[header.codec] ?? header.codec} records do not decompress`, { cause });
  }
  header.recordsStart = 0;
  header.recordsEnd = records.length;
  header.codec = CODEC.none;
  return records;
}

/**
 * Walks the records of one batch without allocating: after each `next()` that answers true, the fields tell the record.
 * Throws {@link CorruptBatch} for anything malformed, and never looks outside of the batch.
 *
 *     const records = decompressRecords(bytes, header);
 *     walker.reset(records, header);
 *     while (walker.next()) use(records.subarray(walker.valueStart, walker.valueEnd));
 */
export class RecordWalker {
  offset = 0;
  timestampMs = 0;
  /** -1 for a null value, then valueEnd is -1 too. */
  valueStart = -1;
  valueEnd = -1;
  /** -1 for a record without a key. */
  keyStart = -1;
  keyEnd = -1;

  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #remaining = 0;
  #baseOffset = 0;
  #lastOffsetDelta = 0;
  #previousDelta = -1;
  #baseTimestampMs = 0;
  /** Set where the broker stamped the whole batch with one time. */
  #hasOneTimestamp = false;

  /** Starts on the batch that `header` describes; `bytes` are what {@link decompressRecords} answered. */
  reset(bytes: Uint8Array, header: BatchHeader): void {
    if (header.codec !== CODEC.none) throw new Error("a compressed batch is walked through decompressRecords");
    this.#bytes = bytes;
    this.#at = header.recordsStart;
    this.#end = header.recordsEnd;
    this.#remaining = header.recordCount;
    this.#baseOffset = header.baseOffset;
    this.#lastOffsetDelta = header.lastOffsetDelta;
    this.#previousDelta = -1;
    this.#hasOneTimestamp = (header.attributes & 8) !== 0;
    this.#baseTimestampMs = this.#hasOneTimestamp ? header.maxTimestampMs : header.baseTimestampMs;
  }

  // For a walk by other means (engine/kernel): where it stands, and what the batch's header says.

  get at(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#remaining;
  }

  get previousDelta(): number {
    return this.#previousDelta;
  }

  get batchEnd(): number {
    return this.#end;
  }

  get baseOffset(): number {
    return this.#baseOffset;
  }

  get lastOffsetDelta(): number {
    return this.#lastOffsetDelta;
  }

  get baseTimestampMs(): number {
    return this.#baseTimestampMs;
  }

  get hasOneTimestamp(): boolean {
    return this.#hasOneTimestamp;
  }

  /** Goes to before the record at `at`, of which so many remain, and before which `previousDelta` was the offset's. */
  standAt(at: number, remaining: number, previousDelta: number): void {
    this.#at = at;
    this.#remaining = remaining;
    this.#previousDelta = previousDelta;
  }

  /** Goes to the next record; false after the last. */
  next(): boolean {
    if (this.#remaining === 0) {
      if (this.#at !== this.#end) throw new CorruptBatch(`${this.#end - this.#at} bytes after the last record`);
      return false;
    }
    this.#remaining--;
    const batchEnd = this.#end;
    const length = this.#varint(batchEnd);
    const end = this.#at + length;
    if (length < 1 || end > batchEnd) throw new CorruptBatch(`record of ${length} bytes`);
    this.#at++; // record attributes: unused
    const timestampDelta = this.#varlong(end);
    this.timestampMs = this.#hasOneTimestamp ? this.#baseTimestampMs : this.#baseTimestampMs + timestampDelta;
    const offsetDelta = this.#varint(end);
    if (offsetDelta <= this.#previousDelta || offsetDelta > this.#lastOffsetDelta) {
      throw new CorruptBatch(`offset delta ${offsetDelta} after ${this.#previousDelta}`);
    }
    this.#previousDelta = offsetDelta;
    this.offset = this.#baseOffset + offsetDelta;
    this.keyEnd = this.#field(end);
    this.keyStart = this.#fieldStart;
    this.valueEnd = this.#field(end);
    this.valueStart = this.#fieldStart;
    if (this.#at >= end) throw new CorruptBatch("record ends before its headers");
    this.#at = end; // headers are not looked at
    return true;
  }

  #fieldStart = -1;

  /** Steps over a nullable field and answers its end; its start is left in #fieldStart. Both are -1 for null. */
  #field(limit: number): number {
    const length = this.#varint(limit);
    if (length < 0) {
      if (length !== -1) throw new CorruptBatch(`field length ${length}`);
      this.#fieldStart = -1;
      return -1;
    }
    const start = this.#at;
    const end = start + length;
    if (end > limit) throw new CorruptBatch(`field of ${length} bytes`);
    this.#fieldStart = start;
    this.#at = end;
    return end;
  }

  #varint(limit: number): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= limit) break;
      const byte = bytes[at++];
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.#at = at;
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    throw new CorruptBatch(`malformed number at byte ${this.#at}`);
  }

  /** A number of up to ten bytes; beyond 2^53 it is only near, which no real time is. */
  #varlong(limit: number): number {
    const bytes = this.#bytes;
    const at = this.#at;
    // Differences of times within a batch are nearly always one to four bytes: 32-bit arithmetic holds them.
    let raw = 0;
    for (let index = 0; index < 4 && at + index < limit; index++) {
      const byte = bytes[at + index];
      raw |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) {
        this.#at = at + index + 1;
        return (raw >>> 1) ^ -(raw & 1);
      }
    }
    return this.#longVarlong(limit);
  }

  #longVarlong(limit: number): number {
    let raw = 0n;
    for (let index = 0; index < 10 && this.#at + index < limit; index++) {
      const byte = this.#bytes[this.#at + index];
      raw |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) {
        this.#at += index + 1;
        return Number(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)));
      }
    }
    throw new CorruptBatch(`malformed number at byte ${this.#at}`);
  }
}

/** Zig-zag of a difference of times; the result is below 2^54, so a number holds it well enough to split into 7 bits. */
function zigZag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varintBytes(zigZagged: number): number {
  if (zigZagged < 128) return 1;
  if (zigZagged < 16_384) return 2;
  let bytes = 1;
  for (let rest = zigZagged; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function writeVarint(bytes: Uint8Array, at: number, zigZagged: number): number {
  if (zigZagged < 16_384) { // nearly all: whole-number arithmetic
    if (zigZagged >= 128) {
      bytes[at++] = zigZagged | 0x80;
      zigZagged >>= 7;
    }
    bytes[at++] = zigZagged;
    return at;
  }
  let rest = zigZagged;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** Bytes that the numbers of a record may take beyond what {@link RecordBatchBuilder.begin} guesses, and its end. */
const PREFIX_BYTES_MAX = 16;
/** Where the time of a record may lie: differences of two such times are exact as zig-zag numbers. */
const TIMESTAMP_MS_MAX = 2 ** 51;

/** A batch in memory that nobody else has. */
export interface OwnBatch extends EncodedBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Packs records into a batch with base offset 0, uncompressed. It is filled until `add` answers false, then finished.
 *
 *     if (!builder.add(line, Date.now())) { send(builder.finish()); builder.add(line, Date.now()); }
 */
export class RecordBatchBuilder {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = BATCH_HEADER_BYTES;
  #records = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  /** Of the record that was begun. */
  #begunMs = 0;
  #begunDelta = 0;
  #valueAt = 0;

  /** `bytesMax` limits a finished batch, but for one of a single larger record. */
  constructor(private readonly bytesMax = 1024 * 1024) {
    this.#bytes = new Uint8Array(Math.max(BATCH_HEADER_BYTES, Math.min(bytesMax, 64 * 1024)));
  }

  /** Records added since the last `finish`. */
  get records(): number {
    return this.#records;
  }

  /** Length of the batch if it were finished now. */
  get sizeBytes(): number {
    return this.#at;
  }

  /**
   * Adds a copy of `value[valueStart, valueEnd)` and answers true, or false where the batch is full: finish it first.
   * A record larger than `bytesMax` is always taken into an empty builder. `timestampMs` is a whole number.
   */
  add(
    value: Uint8Array | null,
    timestampMs: number,
    key: Uint8Array | null = null,
    valueStart = 0,
    valueEnd = value === null ? 0 : value.length,
  ): boolean {
    const valueBytes = valueEnd - valueStart;
    const timestampDelta = this.#timestampDelta(timestampMs);
    const offsetDelta = zigZag(this.#records);
    const keyLength = zigZag(key === null ? -1 : key.length);
    const valueLength = zigZag(value === null ? -1 : valueBytes);
    const length = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(keyLength) +
      (key === null ? 0 : key.length) + varintBytes(valueLength) + valueBytes + 1;
    const end = this.#at + varintBytes(zigZag(length)) + length;
    if (end > this.bytesMax && this.#records > 0) return false;
    if (end > this.#bytes.length) this.#grow(end);

    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#at, zigZag(length));
    bytes[at++] = 0;
    at = writeVarint(bytes, at, timestampDelta);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeVarint(bytes, at, keyLength);
    if (key !== null) {
      bytes.set(key, at);
      at += key.length;
    }
    at = writeVarint(bytes, at, valueLength);
    if (value !== null) {
      bytes.set(valueBytes === value.length ? value : value.subarray(valueStart, valueEnd), at);
      at += valueBytes;
    }
    this.#took(at, timestampMs);
    return true;
  }

  /** Where records are written in place, between {@link begin} and {@link end}; others after any other call. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /**
   * Begins a record without a key, whose value is then written into {@link bytes} rather than copied, and answers where
   * there: it has room for so many bytes, and {@link end} follows. Does not look at `bytesMax`: ask `sizeBytes` before.
   */
  begin(timestampMs: number, roomBytes: number): number {
    this.#begunMs = timestampMs;
    this.#begunDelta = this.#timestampDelta(timestampMs);
    // Most values have a length of two bytes, and so has the record.
    this.#valueAt = this.#at + 2 + this.#headBytes() + 2;
    const end = this.#valueAt + PREFIX_BYTES_MAX + roomBytes;
    if (end > this.#bytes.length) this.#grow(end);
    return this.#valueAt;
  }

  /** The value that was begun ends there in {@link bytes}. */
  end(valueEnd: number): void {
    const bytes = this.#bytes;
    const valueBytes = valueEnd - this.#valueAt;
    const valueLength = zigZag(valueBytes);
    const headBytes = this.#headBytes() + varintBytes(valueLength);
    const length = zigZag(headBytes + valueBytes + 1);
    const valueAt = this.#at + varintBytes(length) + headBytes;
    if (valueAt !== this.#valueAt) bytes.copyWithin(valueAt, this.#valueAt, valueEnd);
    let at = writeVarint(bytes, this.#at, length);
    bytes[at++] = 0;
    at = writeVarint(bytes, at, this.#begunDelta);
    at = writeVarint(bytes, at, zigZag(this.#records));
    bytes[at++] = zigZag(-1); // no key
    writeVarint(bytes, at, valueLength);
    this.#took(valueAt + valueBytes, this.#begunMs);
  }

  /** Of the record that was begun: bytes between its length and that of its value. */
  #headBytes(): number {
    return 1 + varintBytes(this.#begunDelta) + varintBytes(zigZag(this.#records)) + 1;
  }

  #timestampDelta(timestampMs: number): number {
    if (!Number.isInteger(timestampMs) || Math.abs(timestampMs) > TIMESTAMP_MS_MAX) {
      throw new RangeError(`timestamp ${timestampMs}, expected whole milliseconds within ±2^51`);
    }
    return zigZag(this.#records === 0 ? 0 : timestampMs - this.#baseTimestampMs);
  }

  /** A record is written, but for its headers: there are none. */
  #took(at: number, timestampMs: number): void {
    this.#bytes[at++] = 0;
    this.#at = at;
    if (this.#records === 0) this.#baseTimestampMs = this.#maxTimestampMs = timestampMs;
    else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    this.#records++;
  }

  /**
   * Answers the batch, in bytes of its own, and starts a new one. Throws where nothing was added. With `next`, which is
   * then filled in their place, it is the bytes that have been written: nothing is copied.
   */
  finish(next: Uint8Array<ArrayBuffer> | null = null): OwnBatch {
    const records = this.#records;
    if (records === 0) throw new Error("a record batch holds at least one record");
    const bytes = next === null ? this.#bytes.slice(0, this.#at) : this.#bytes.subarray(0, this.#at);
    if (next !== null) this.#bytes = next;
    writeInt64(bytes, 0, 0);
    writeInt32(bytes, 8, bytes.length - LENGTH_PREFIX_BYTES);
    writeInt32(bytes, 12, -1); // partition leader epoch: none
    bytes[16] = 2;
    bytes[21] = bytes[22] = 0;
    writeInt32(bytes, 23, records - 1);
    writeInt64(bytes, 27, this.#baseTimestampMs);
    writeInt64(bytes, 35, this.#maxTimestampMs);
    bytes.fill(0xff, 43, 57); // producer id, epoch and sequence: -1, not idempotent
    writeInt32(bytes, 57, records);
    writeInt32(bytes, 17, crc32c(bytes.subarray(CHECKED_FROM)));
    this.#at = BATCH_HEADER_BYTES;
    this.#records = 0;
    // One huge record must not keep its memory for good.
    if (this.#bytes.length > 4 * this.bytesMax) {
      this.#bytes = new Uint8Array(Math.max(BATCH_HEADER_BYTES, this.bytesMax));
    }
    return { bytes, records };
  }

  #grow(bytesNeeded: number): void {
    const grown = new Uint8Array(Math.max(bytesNeeded, Math.min(2 * this.#bytes.length, this.bytesMax)));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
