/**
 * Fetch responses, versions 13 to 17, read where they lie: record batches stay bytes, and no object is made for a record.
 * Format: https://kafka.apache.org/protocol.html#The_Messages_Fetch
 */
import { BatchHeader, CorruptBatch, readBatchHeader } from "./record_batch.ts";

export interface FetchResponse {
  readonly throttleMs: number;
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

export interface FetchedPartition {
  /** In hexadecimal, with hyphens. */
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Records below it may be read by those who wait for transactions to end. */
  readonly lastStableOffset: number;
  readonly logStart: number;
  /** Transactions that were aborted and have records in what was fetched, by their first offset. */
  readonly aborted: readonly AbortedTransaction[];
  /** Record batches; the last may be cut short. A view of the response. */
  readonly records: Uint8Array;
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** Reads Kafka's primitive types. Throws RangeError beyond the end. */
class Cursor {
  readonly #view: DataView;
  at = 0;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  int16(): number {
    this.at += 2;
    return this.#view.getInt16(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.#view.getInt32(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.#view.getBigInt64(this.at - 8);
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#view.getUint8(this.at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`malformed length at byte ${this.at}`);
  }

  uuid(): string {
    const hex = this.take(16).toHex();
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (length < 0 || end > this.bytes.length) throw new RangeError(`${length} bytes from byte ${this.at} on`);
    this.at = end;
    return this.bytes.subarray(end - length, end);
  }

  /** An array with as many elements as its compact length says; null counts as none. */
  *elements(): Generator<number> {
    const length = this.varint() - 1;
    for (let i = 0; i < length; i++) yield i;
  }

  /** Fields that newer brokers add. */
  skipTags(): void {
    for (let left = this.varint(); left > 0; left--) {
      this.varint();
      this.take(this.varint());
    }
  }
}

/** What follows a flexible response header's tagged fields, with which `bytes` begin. Throws RangeError. */
export function afterResponseHeader(bytes: Uint8Array): Uint8Array {
  const cursor = new Cursor(bytes);
  cursor.skipTags();
  return bytes.subarray(cursor.at);
}

/** `bytes` are the response from after its header on. Throws RangeError where they are none. */
export function readFetchResponse(bytes: Uint8Array): FetchResponse {
  const cursor = new Cursor(bytes);
  const throttleMs = cursor.int32();
  const errorCode = cursor.int16();
  cursor.int32(); // session
  const partitions: FetchedPartition[] = [];
  for (const _topic of cursor.elements()) {
    const topicId = cursor.uuid();
    for (const _partition of cursor.elements()) partitions.push(readPartition(cursor, topicId));
    cursor.skipTags();
  }
  return { throttleMs, errorCode, partitions };
}

function readPartition(cursor: Cursor, topicId: string): FetchedPartition {
  const partition = cursor.int32();
  const errorCode = cursor.int16();
  cursor.int64(); // high watermark
  const lastStableOffset = Number(cursor.int64());
  const logStart = Number(cursor.int64());
  const aborted: AbortedTransaction[] = [];
  for (const _transaction of cursor.elements()) {
    aborted.push({ producerId: cursor.int64(), firstOffset: Number(cursor.int64()) });
    cursor.skipTags();
  }
  cursor.int32(); // preferred replica
  const records = cursor.take(Math.max(0, cursor.varint() - 1));
  cursor.skipTags();
  return { topicId, partition, errorCode, lastStableOffset, logStart, aborted, records };
}

/** Whole batches that may be read, and where the next fetch goes on. */
export interface ReadableBatches {
  readonly bytes: Uint8Array;
  readonly next: number;
}

/** An aborting control record: version and type, both int16. */
const ABORT = 0;

/**
 * The whole batches of a fetch from `offset` on, without those of aborted transactions. A batch that begins before
 * `offset` stays: who reads it skips what it has. Where batches are left out, the others are moved together in place.
 *
 * A producer's transaction is aborted from its first offset, which the response tells, to its control batch of type
 * abort; only batches with the flag of transactions are concerned (KIP-98, as Kafka's own consumer does it).
 */
export function readableBatches(
  { records, aborted, lastStableOffset }: FetchedPartition,
  offset: number,
): ReadableBatches {
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const aborting = new Set<bigint>();
  const header = new BatchHeader();
  let kept = 0;
  let next = offset;
  for (let at = 0; at < records.length;) {
    const length = lengthAt(records, at, header, offset);
    if (length < 0) break; // cut short, or met again as the first
    const last = header.baseOffset + header.lastOffsetDelta;
    while (pending.length > 0 && pending[0].firstOffset <= last) aborting.add(pending.shift()?.producerId ?? -1n);
    const isAborted = header.isTransactional && !header.isControl && aborting.has(BigInt(header.producerId));
    if (header.isControl && header.isTransactional && controlType(records, header) === ABORT) {
      aborting.delete(BigInt(header.producerId));
    }
    // What lies wholly before the offset was fetched along with what does not.
    if (!isAborted && last >= offset) {
      if (kept !== at) records.copyWithin(kept, at, at + length);
      kept += length;
    }
    // Not the largest so far: the header of a batch may be wrong, which is found when it is parsed.
    next = Math.max(offset, Math.min(last + 1, Math.max(lastStableOffset, header.baseOffset + 1)));
    at += length;
  }
  return { bytes: records.subarray(0, kept), next };
}

/** Length of the batch at `at`, or -1. Throws CorruptBatch where the first is none: it always comes whole. */
function lengthAt(records: Uint8Array, at: number, header: BatchHeader, offset: number): number {
  let problem: unknown;
  try {
    const length = readBatchHeader(records, at, header);
    if (length >= 0 || at > 0) return length;
    problem = new CorruptBatch(`${records.length} bytes, which end before the batch does`);
  } catch (error) {
    problem = error;
  }
  if (at > 0) return -1;
  if (problem instanceof CorruptBatch) {
    problem.message = `what is at offset ${offset} is no record batch: ${problem.message}`;
    problem.offset = offset;
  }
  throw problem;
}

/** The type in the key of a control batch's record. Keys of such records are 4 bytes; a length of 4 is 8 as a zig-zag. */
function controlType(bytes: Uint8Array, { recordsStart, recordsEnd }: BatchHeader): number {
  // Length, attributes, timestamp delta, offset delta, then the key's length: varints but for the attributes.
  let at = recordsStart;
  const skipVarint = () => {
    while (at < recordsEnd && bytes[at] >= 0x80) at++;
    at++;
  };
  skipVarint();
  at++;
  skipVarint();
  skipVarint();
  if (bytes[at] !== 8 || at + 5 > recordsEnd) return -1;
  return bytes[at + 3] << 8 | bytes[at + 4];
}
