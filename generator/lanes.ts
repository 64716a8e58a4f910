/** The partitions of one topic that a worker makes records for: whose turn it is, and what waits for the log. */
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import type { BatchMessage, DoneMessage, TopicPlace } from "./protocol.ts";
import { RECORD_ROOM_BYTES, type ScenarioWriter } from "./scenarios/scenario.ts";

/** A batch is sent at this size, unless the log takes larger ones. */
const BATCH_BYTES = 512 * 1024;
/** Bytes of one partition that may wait for the log: one batch that is being written, and more for when it is done. */
export const PARTITION_PENDING_BYTES_MAX = 4 * BATCH_BYTES;

/** Large batches whose memory is kept to be filled again. */
const SPARE_MAX = 4;

/** Which partitions are a worker's: those whose number leaves `index` when divided by `of`. */
export interface WorkerShare {
  readonly index: number;
  readonly of: number;
}

export interface Lane {
  readonly partition: number;
  nextIndex: number;
  pendingBytes: number;
  /** Time of the record before; NaN where it is not known. */
  previousMs: number;
}

export class Lanes {
  readonly #topic: number;
  readonly #writer: ScenarioWriter;
  readonly #share: WorkerShare;
  readonly #batchBytes: number;
  readonly #pendingBytesMax: number;
  readonly #builder: RecordBatchBuilder;
  /** Of batches that the log has taken, to be filled again: fresh memory costs as much as a copy. */
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #epoch = 0;
  #partitions = 0;
  #lanes: readonly Lane[] = [];
  /** The lane that is served next. */
  #turn = 0;

  /** `topic` is its number in messages. */
  constructor(topic: number, writer: ScenarioWriter, share: WorkerShare, batchBytes = BATCH_BYTES) {
    this.#batchBytes = batchBytes;
    this.#pendingBytesMax = Math.max(PARTITION_PENDING_BYTES_MAX, 2 * batchBytes);
    this.#builder = new RecordBatchBuilder(batchBytes);
    this.#topic = topic;
    this.#writer = writer;
    this.#share = share;
  }

  /** Goes on in another topic, where nothing waits yet. */
  place({ epoch, nextIndexes }: TopicPlace): void {
    const { index, of } = this.#share;
    this.#epoch = epoch;
    this.#partitions = nextIndexes.length;
    this.#lanes = nextIndexes
      .map((nextIndex, partition): Lane => ({ partition, nextIndex, pendingBytes: 0, previousMs: NaN }))
      .filter(({ partition }) => partition % of === index);
    this.#turn = 0;
  }

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  /** Partitions of the whole topic. */
  get partitions(): number {
    return this.#partitions;
  }

  /** Bytes sent that wait for the log. */
  get pendingBytes(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.pendingBytes, 0);
  }

  /** A batch waits no longer; those of an earlier topic were forgotten with it. */
  done({ epoch, partition, bytes, buffer }: DoneMessage): void {
    const lane = this.#lanes.find((each) => each.partition === partition);
    if (epoch === this.#epoch && lane !== undefined) lane.pendingBytes -= bytes;
    const isSpare = buffer?.byteLength === this.#batchBytes && this.#spare.length < SPARE_MAX;
    if (isSpare) this.#spare.push(new Uint8Array(buffer));
  }

  /** Lanes with room, the one whose turn it is first. */
  open(): Lane[] {
    const lanes = [...this.#lanes.slice(this.#turn), ...this.#lanes.slice(0, this.#turn)];
    return lanes.filter((lane) => this.hasRoom(lane));
  }

  hasRoom({ pendingBytes }: Lane): boolean {
    return pendingBytes < this.#pendingBytesMax;
  }

  /** The turn goes to whoever comes after the lane. */
  passTurn(lane: Lane): void {
    this.#turn = (this.#lanes.indexOf(lane) + 1) % this.#lanes.length;
  }

  /** Adds the lane's next record to the batch; answers true where the batch is full then. One lane at a time. */
  write(lane: Lane, timestampMs: number): boolean {
    const builder = this.#builder;
    const start = builder.begin(timestampMs, RECORD_ROOM_BYTES);
    const { partition, nextIndex, previousMs } = lane;
    builder.end(this.#writer.write(partition, nextIndex, timestampMs, builder.bytes, start, previousMs));
    lane.nextIndex++;
    lane.previousMs = timestampMs;
    // Compared with the size so far: a record that does not fit would have to be made twice.
    return builder.sizeBytes >= this.#batchBytes - 2 * RECORD_ROOM_BYTES;
  }

  /** Sends the batch, if there is something in it. */
  send(lane: Lane, send: (batch: BatchMessage) => void): void {
    if (this.#builder.records === 0) return;
    // A small batch is copied: what waits for the log must not keep the memory of large ones.
    const isLarge = this.#builder.sizeBytes > this.#batchBytes / 2;
    const next = isLarge ? this.#spare.pop() ?? new Uint8Array(this.#batchBytes) : null;
    const { records, bytes } = this.#builder.finish(next);
    lane.pendingBytes += bytes.length;
    const { partition } = lane;
    send({ kind: "batch", topic: this.#topic, epoch: this.#epoch, partition, records, bytes });
  }
}
