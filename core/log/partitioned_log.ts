/** The port of the partitioned log: topics of partitions of Kafka record batches (format v2), read as bytes. */

import type { KafkaAccess } from "./kafka_access.ts";
import type { FetchTarget } from "./kafka_fetcher.ts";

/** A topic as the log knows it. A topic that is deleted and made again has a new id. */
export interface Topic {
  readonly id: string;
  readonly name: string;
  readonly partitions: number;
  /** Parser name given when the topic was made (`produce --format`); absent: detect from the first records. */
  readonly format?: string;
}

/** Offsets of one partition: records in [start, end) can be read. */
export interface PartitionEnds {
  readonly partition: number;
  readonly start: number;
  /** One past the last durable record: what readers may see. */
  readonly end: number;
  /** One past the last record: beyond `end` where a transaction is open, behind which nothing is read. */
  readonly written: number;
  /** 0 where the log does not tell. */
  readonly sizeBytes: number;
}

export interface CreateTopicOptions {
  readonly partitions: number;
  readonly format?: string;
}

/** Whole record batches, the first of which holds the offset asked for (unless the log has moved past it). */
export interface FetchedBatches {
  /**
   * Zero or more whole batches, back to back. They stay as they are while the same reader's next fetch is under way
   * (readers fill two buffers in turn), until the one after it is called.
   */
  readonly bytes: Uint8Array;
  /**
   * Where the next fetch goes on: the offset asked for where there are no bytes, else the one after the last batch, also
   * where that batch was left out because its transaction was aborted.
   */
  readonly next: number;
  /** The partition's end when this was read, as far as records may be read: open transactions lie beyond it. */
  readonly end: number;
  /** The first offset that the partition still holds. */
  readonly start: number;
}

/** Reads one partition from inside a worker. */
export interface PartitionReader {
  /**
   * Reads whole batches from `offset` on, about `maxBytes` of them (always at least one, if there is one).
   * Resolves with empty bytes after `waitMs` where nothing is new. One fetch at a time.
   * Throws {@link OffsetOutOfRange} where `offset` is before the start or after the end, and {@link TopicGone}.
   */
  fetch(offset: number, maxBytes: number, waitMs: number): Promise<FetchedBatches>;
  /** Gives memory back for a while, with what the last fetch answered. Not while a fetch is under way. */
  rest?(): void;
  close(): void;
}

/** The offset asked for is not in the partition: never reset silently (the caller records a gap). */
export class OffsetOutOfRange extends Error {
  override readonly name = "OffsetOutOfRange";
  constructor(readonly offset: number, readonly start: number, readonly end: number) {
    super(`offset ${offset} is outside of [${start}, ${end}]`);
  }
}

/** The topic that a reader was opened for is gone, or made anew under another id. */
export class TopicGone extends Error {
  override readonly name = "TopicGone";
}

/** A batch of encoded records to append: the bytes of one record batch whose base offset the log fills in. */
export interface EncodedBatch {
  readonly bytes: Uint8Array;
  readonly records: number;
}

/** Readers that share a topic, as far as a log knows of them. */
export interface ConsumerGroup {
  readonly name: string;
  /** In the log's own words. */
  readonly state: string;
  readonly members: number;
  readonly partitions: readonly {
    readonly partition: number;
    /** The next that it reads, as it committed it last; null where it never did. */
    readonly offset: number | null;
    /** Who reads it at the moment. */
    readonly member: string | null;
  }[];
}

/** The log as producers, the gateway and the supervisor see it. */
export interface PartitionedLog {
  listTopics(): Promise<readonly Topic[]>;
  findTopic(name: string): Promise<Topic | undefined>;
  /** Makes the topic, or answers the existing one (whose partition count stands). */
  createTopic(name: string, options: CreateTopicOptions): Promise<Topic>;
  deleteTopic(name: string): Promise<void>;
  /** Appends and resolves, once durable, to the offset of the batch's first record. */
  append(topic: Topic, partition: number, batch: EncodedBatch): Promise<number>;
  ends(topic: Topic): Promise<readonly PartitionEnds[]>;
  /** Time of the record at `offset`, epoch milliseconds, as its batch header has it (for lag in seconds); null at the end. */
  timestampAt(topic: Topic, partition: number, offset: number): Promise<number | null>;
  /** Who else reads the topic, where the log knows of such readers. */
  consumerGroups?(topic: Topic): Promise<readonly ConsumerGroup[]>;
  /** What a worker needs to open a {@link PartitionReader}: structured-cloneable, see log/registry.ts. */
  readerSpec(topic: Topic, partition: number): ReaderSpec;
  close(): Promise<void>;
}

/** A serialisable recipe for a reader, so that workers open their own (no record crosses threads). */
export type ReaderSpec =
  | EmbeddedReaderSpec
  | { readonly kind: "kafka"; readonly access: KafkaAccess; readonly target: FetchTarget };

export interface EmbeddedReaderSpec {
  readonly kind: "embedded";
  readonly directory: string;
  readonly partition: number;
  /** Shared with the writer: BigInt64 cells [start, end] of each partition of the topic, indexed 2 × partition. */
  readonly ends: SharedArrayBuffer;
}
