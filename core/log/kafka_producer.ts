/**
 * Produces record batches as they are, idempotently: the broker gets the bytes that were encoded once, with the producer's
 * id and sequence written into their header, and no object is made for a record.
 *
 * Produce Request (Version: 9) => transactional_id acks timeout_ms [topic_data] TAG_BUFFER
 *   topic_data => name [partition_data] TAG_BUFFER; partition_data => index records TAG_BUFFER
 */
import { Buffer } from "node:buffer";
import { initProducerIdV4, produceV9, ProtocolError, Writer } from "@platformatic/kafka";
import { crc32c } from "./crc32c.ts";
import type { KafkaAccess } from "./kafka_access.ts";
import { ask, type KafkaCluster, responseOf } from "./kafka_cluster.ts";
import type { EncodedBatch, Topic } from "./partitioned_log.ts";
import { BATCH_HEADER_BYTES } from "./record_batch.ts";
import { CODEC, compress } from "./record_codecs.ts";

const ALL_REPLICAS = -1;
/** Together about 15 seconds, in which a broker may have been started again. */
const RETRIES = 11;
const RETRY_MS = 50;
const RETRY_MAX_MS = 2_000;
/** A transaction's, of which there are none. */
const TRANSACTION_TIMEOUT_MS = 60_000;
const SEQUENCES = 2 ** 31;

/** The batch is written already: an answer to it was lost. */
const DUPLICATE_SEQUENCE_NUMBER = 46;
/** It is written, and was not on all replicas in time. */
const WRITTEN_ALL_THE_SAME = new Set([
  7, // REQUEST_TIMED_OUT
  20, // NOT_ENOUGH_REPLICAS_AFTER_APPEND
]);
/** The broker has forgotten the producer, or what it sent last, as it does with one that is silent for days. */
const FORGOTTEN = new Set([
  45, // OUT_OF_ORDER_SEQUENCE_NUMBER
  47, // INVALID_PRODUCER_EPOCH
  59, // UNKNOWN_PRODUCER_ID
]);

interface Identity {
  readonly id: bigint;
  readonly epoch: number;
}

/**
 * One partition: its batches go one after the other, so that they stay in their order whatever is sent again. It is a
 * producer of its own towards the broker: what goes wrong here changes no other partition's sequence.
 */
interface Line {
  last: Promise<unknown>;
  identity: Identity | null;
  sequence: number;
  leader: number | null;
}

export class KafkaProducer {
  readonly #access: KafkaAccess;
  readonly #cluster: KafkaCluster;
  readonly #lines = new Map<string, Line>();

  constructor(access: KafkaAccess, cluster: KafkaCluster) {
    this.#access = access;
    this.#cluster = cluster;
  }

  /**
   * Appends a batch and resolves to its offset when all replicas have it. Throws TopicGone where the topic is not the one
   * with that id, and what the cluster's connections throw; after such an error it may have been written.
   */
  append(topic: Topic, partition: number, batch: EncodedBatch): Promise<number> {
    const key = `${topic.id}/${partition}`;
    let line = this.#lines.get(key);
    if (line === undefined) {
      this.#lines.set(key, line = { last: Promise.resolve(), identity: null, sequence: 0, leader: null });
    }
    const own = line;
    const appended = own.last.then(() => this.#append(own, topic, partition, batch));
    own.last = appended.catch(() => {});
    return appended;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ last }) => last));
  }

  async #append(line: Line, topic: Topic, partition: number, batch: EncodedBatch): Promise<number> {
    /** Set where an attempt may have been written without an answer. */
    let isUncertain = false;
    let bytes: Uint8Array | null = null;
    for (let attempt = 0;; attempt++) {
      try {
        line.leader ??= await this.#cluster.leaderOf(topic.name, topic.id, partition);
        if (line.identity === null) {
          line.identity = await this.#newIdentity(line.leader);
          line.sequence = 0;
          bytes = null;
        }
        bytes ??= stamped(batch, line.identity, line.sequence, CODEC[this.#access.compression]);
        const { errorCode, baseOffset } = await this.#produce(line.leader, topic.name, partition, bytes);
        if (errorCode === 0 || errorCode === DUPLICATE_SEQUENCE_NUMBER) {
          line.sequence = (line.sequence + batch.records) % SEQUENCES;
          return Number(baseOffset);
        }
        isUncertain ||= WRITTEN_ALL_THE_SAME.has(errorCode);
        const isForgotten = FORGOTTEN.has(errorCode) && !isUncertain && attempt < RETRIES;
        if (!isForgotten) throw new ProtocolError(errorCode);
        line.identity = null;
      } catch (error) {
        line.leader = null;
        isUncertain ||= !(error instanceof ProtocolError);
        if (attempt >= RETRIES || !mayPass(error)) {
          // What comes next must not take the sequence of what may have been written.
          if (isUncertain) line.identity = null;
          throw error;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** attempt)));
    }
  }

  async #newIdentity(node: number): Promise<Identity> {
    const connection = await this.#cluster.connection(node);
    const { producerId, producerEpoch } = await ask<initProducerIdV4.InitProducerIdResponse>((done) =>
      initProducerIdV4.api(connection, null, TRANSACTION_TIMEOUT_MS, -1n, -1, done)
    );
    return { id: producerId, epoch: producerEpoch };
  }

  async #produce(
    node: number,
    topic: string,
    partition: number,
    bytes: Uint8Array,
  ): Promise<{ readonly errorCode: number; readonly baseOffset: bigint }> {
    const connection = await this.#cluster.connection(node);
    const records = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const request = (): Writer =>
      Writer.create()
        .appendString(null)
        .appendInt16(ALL_REPLICAS)
        .appendInt32(this.#access.requestTimeoutMs)
        .appendArray([topic], (topicWriter, name) => {
          topicWriter.appendString(name).appendArray([partition], (partitionWriter, index) => {
            partitionWriter.appendInt32(index).appendUnsignedVarInt(records.length + 1).append(records);
          });
        })
        .appendTaggedFields();
    const { api: { key, version }, parseResponse } = produceV9;
    const response = await ask<produceV9.ProduceResponse>((done) =>
      connection.send(key, version, request, parseResponse, true, true, done)
    ).catch(responseOf<produceV9.ProduceResponse>);
    const answer = response.responses[0]?.partitionResponses[0];
    if (answer === undefined) throw new Error(`${topic}/${partition}: the broker did not tell an offset`);
    return answer;
  }
}

/** Whether another try may end otherwise: connections break, leaders move. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const canRetry: unknown = Reflect.get(error, "canRetry");
  return error.name !== "TopicGone" && canRetry !== false;
}

/** A copy of the batch as the broker is to get it: with the producer, the sequence of its first record, and compressed. */
function stamped(batch: EncodedBatch, { id, epoch }: Identity, sequence: number, codec: number): Uint8Array {
  const header = batch.bytes.subarray(0, BATCH_HEADER_BYTES);
  const plain = batch.bytes.subarray(BATCH_HEADER_BYTES);
  const attributes = header[22];
  const isPlain = (attributes & CODEC_BITS) === 0;
  const packed = isPlain && codec !== CODEC.none ? compress(codec, plain) : plain;
  const isPacked = packed.length < plain.length;
  const body = isPacked ? packed : plain;
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  bytes.set(header);
  bytes.set(body, BATCH_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  bytes[22] = isPacked ? attributes | codec : attributes;
  view.setBigInt64(43, id);
  view.setInt16(51, epoch);
  view.setInt32(53, sequence);
  view.setUint32(17, crc32c(bytes.subarray(21)));
  return bytes;
}

/** Of the attributes: which codec the records are in. */
const CODEC_BITS = 7;
