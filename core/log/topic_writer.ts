/** Turns a stream of records into batches over the partitions of a topic, for the generator, produce and ingest. */
import type { EncodedBatch, PartitionedLog, Topic } from "./partitioned_log.ts";
import { RecordBatchBuilder } from "./record_batch.ts";

export interface TopicWriterOptions {
  /** A batch is sent at this size (default 1 MiB) ... */
  readonly batchBytes?: number;
  /** ... or at this many records (default: no limit). */
  readonly batchRecords?: number;
  /** Bytes sent but not durable above which `write` answers a promise (default 16 MiB). */
  readonly pendingBytesMax?: number;
  /** Where records without a key begin (default: at random, so that short-lived writers spread). */
  readonly firstPartition?: number;
}

const GATHERED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Writes records to a topic. A record with a key goes to the partition that Kafka's default partitioner would choose;
 * others fill one partition's batch, then the next one's. Not safe to share: an error is told to whoever asks first.
 *
 *     const writer = new TopicWriter(log, topic);
 *     for (const line of lines) await writer.write(line, Date.now());   // awaits nothing while the log keeps up
 *     await writer.flush();                                             // all are durable now
 */
export class TopicWriter {
  readonly #log: Pick<PartitionedLog, "append">;
  readonly #topic: Topic;
  readonly #batchBytes: number;
  readonly #batchRecords: number;
  readonly #pendingBytesMax: number;
  readonly #builders: (RecordBatchBuilder | undefined)[];
  /** Partition of records without a key, until its batch is full. */
  #current: number;
  readonly #inFlight = new Set<Promise<void>>();
  #pendingBytes = 0;
  #error: { readonly cause: unknown } | null = null;

  constructor(log: Pick<PartitionedLog, "append">, topic: Topic, options: TopicWriterOptions = {}) {
    this.#log = log;
    this.#topic = topic;
    // Keys fill a batch of every partition at once: what they gather together stays bounded.
    this.#batchBytes = Math.min(options.batchBytes ?? 1024 * 1024, Math.ceil(GATHERED_BYTES_MAX / topic.partitions));
    this.#batchRecords = options.batchRecords ?? Infinity;
    this.#pendingBytesMax = options.pendingBytesMax ?? 16 * 1024 * 1024;
    this.#builders = new Array(topic.partitions);
    this.#current = options.firstPartition ?? Math.floor(Math.random() * topic.partitions);
  }

  /** Bytes sent but not yet durable. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /**
   * Takes a copy of `value`. Answers a promise where too much is pending: await it before the next write.
   * Throws (or rejects with) what an earlier append failed with, once; the records of failed batches are not kept.
   */
  write(value: Uint8Array, timestampMs: number, key: Uint8Array | null = null): void | Promise<void> {
    this.#throwError();
    const partition = key === null ? this.#current : partitionOfKey(key, this.#topic.partitions);
    const builder = this.#builders[partition] ??= new RecordBatchBuilder(this.#batchBytes);
    if (!builder.add(value, timestampMs, key)) {
      this.#send(partition, builder);
      return this.write(value, timestampMs, key);
    }
    if (builder.records >= this.#batchRecords || builder.sizeBytes >= this.#batchBytes) this.#send(partition, builder);
    if (this.#pendingBytes > this.#pendingBytesMax) return this.#drain();
  }

  /** Sends what is gathered, and resolves when everything written so far is durable. Rejects with the first failure, once. */
  async flush(): Promise<void> {
    this.#builders.forEach((builder, partition) => {
      if (builder !== undefined && builder.records > 0) this.#send(partition, builder);
    });
    await Promise.all(this.#inFlight);
    this.#throwError();
  }

  async #drain(): Promise<void> {
    while (this.#pendingBytes > this.#pendingBytesMax) await Promise.race(this.#inFlight);
    this.#throwError();
  }

  #throwError(): void {
    const error = this.#error;
    this.#error = null;
    if (error !== null) throw error.cause;
  }

  #send(partition: number, builder: RecordBatchBuilder): void {
    const batch = builder.finish();
    if (partition === this.#current) this.#current = (partition + 1) % this.#topic.partitions;
    const sent = this.#append(partition, batch).finally(() => this.#inFlight.delete(sent));
    this.#inFlight.add(sent);
  }

  async #append(partition: number, batch: EncodedBatch): Promise<void> {
    this.#pendingBytes += batch.bytes.length;
    try {
      await this.#log.append(this.#topic, partition, batch);
    } catch (cause) {
      this.#error ??= { cause };
    } finally {
      this.#pendingBytes -= batch.bytes.length;
    }
  }
}

/** The partition that Kafka's default partitioner gives a key: murmur2 without its sign, modulo the partitions. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

const MURMUR_SEED = 0x9747b28c;
const MURMUR_MULTIPLIER = 0x5bd1e995;

/** MurmurHash2 (Appleby) with the seed of Kafka's clients, as a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = MURMUR_SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    const mixed = Math.imul(word, MURMUR_MULTIPLIER);
    hash = Math.imul(hash, MURMUR_MULTIPLIER) ^ Math.imul(mixed ^ (mixed >>> 24), MURMUR_MULTIPLIER);
  }
  if (at < length) {
    for (let index = length - 1; index >= at; index--) hash ^= bytes[index] << (8 * (index - at));
    hash = Math.imul(hash, MURMUR_MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MURMUR_MULTIPLIER);
  return hash ^ (hash >>> 15);
}
