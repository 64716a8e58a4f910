/** Makes the record batches of one topic: which partition, which indexes, which times. Pure but for its own state. */
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import { partitionsFor, TokenBucket } from "./pacing.ts";
import type { BatchMessage, TopicPlace } from "./protocol.ts";
import { RECORD_ROOM_BYTES, type Scenario, type ScenarioWriter } from "./scenarios/scenario.ts";

/** A batch is sent at this size. */
const BATCH_BYTES = 512 * 1024;
/** Bytes of one partition that may wait for the log: one batch that is being written, and more for when it is done. */
export const PARTITION_PENDING_BYTES_MAX = 4 * BATCH_BYTES;
/** Fewer records than this don't make a batch of their own in every partition. */
const RECORDS_PER_BATCH_MIN = 100;
/** A pause of up to so long is caught up with. */
const BURST_SECONDS = 1;

interface Lane {
  readonly partition: number;
  nextIndex: number;
  pendingBytes: number;
}

export interface TopicSourceOptions {
  readonly scenario: Scenario;
  /** Number of the topic in messages. */
  readonly topic: number;
  readonly seed: number;
  /** Records a second of this topic. */
  readonly rate: number;
  readonly place: TopicPlace;
  /** Time on the clock of {@link TopicSource.run}. */
  readonly nowMs: number;
}

/** When a run happens: records get times from `fromEpochMs` up to `toEpochMs`. */
export interface Tick {
  /** Of a clock that never goes back. */
  readonly nowMs: number;
  readonly fromEpochMs: number;
  readonly toEpochMs: number;
}

export class TopicSource {
  readonly #topic: number;
  readonly #writer: ScenarioWriter;
  readonly #bucket: TokenBucket;
  readonly #builder = new RecordBatchBuilder(BATCH_BYTES);
  readonly #scratch = new Uint8Array(RECORD_ROOM_BYTES);
  #epoch = 0;
  #lanes: Lane[] = [];
  /** The lane that is served next. */
  #turn = 0;

  constructor({ scenario, topic, seed, rate, place, nowMs }: TopicSourceOptions) {
    this.#topic = topic;
    this.#writer = scenario.create(seed);
    this.#bucket = new TokenBucket(rate, BURST_SECONDS, nowMs);
    this.place(place);
  }

  /** Goes on in another topic, where nothing waits yet. */
  place({ epoch, nextIndexes }: TopicPlace): void {
    this.#epoch = epoch;
    this.#lanes = nextIndexes.map((nextIndex, partition) => ({ partition, nextIndex, pendingBytes: 0 }));
    this.#turn = 0;
  }

  /** Bytes sent that wait for the log. */
  get pendingBytes(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.pendingBytes, 0);
  }

  /** Some bytes wait no longer; those of an earlier topic were forgotten with it. */
  done(epoch: number, partition: number, bytes: number): void {
    if (epoch === this.#epoch) this.#lanes[partition].pendingBytes -= bytes;
  }

  /** Sends the records that are due, as far as there is room; what there is no room for stays due. */
  run({ nowMs, fromEpochMs, toEpochMs }: Tick, send: (batch: BatchMessage) => void): void {
    const due = this.#bucket.available(nowMs);
    const open = this.#openLanes();
    if (due === 0 || open.length === 0) return;
    const lanes = open.slice(0, partitionsFor(due, open.length, RECORDS_PER_BATCH_MIN));
    let left = due;
    lanes.forEach((lane, index) => {
      const share = Math.ceil(left / (lanes.length - index));
      left -= share;
      this.#bucket.take(this.#fill(lane, share, { fromEpochMs, toEpochMs, send }));
    });
    this.#turn = (lanes[lanes.length - 1].partition + 1) % this.#lanes.length;
  }

  /** Lanes with room, the one whose turn it is first. */
  #openLanes(): Lane[] {
    const lanes = [...this.#lanes.slice(this.#turn), ...this.#lanes.slice(0, this.#turn)];
    return lanes.filter(({ pendingBytes }) => pendingBytes < PARTITION_PENDING_BYTES_MAX);
  }

  /** Sends up to `count` records of one partition and answers how many. */
  #fill(
    lane: Lane,
    count: number,
    { fromEpochMs, toEpochMs, send }: Omit<Tick, "nowMs"> & { readonly send: (batch: BatchMessage) => void },
  ): number {
    const spanMs = toEpochMs - fromEpochMs;
    const scratch = this.#scratch;
    let made = 0;
    while (made < count && lane.pendingBytes < PARTITION_PENDING_BYTES_MAX) {
      // Compared with the size so far: a record that does not fit would have to be made twice.
      while (made < count && this.#builder.sizeBytes < BATCH_BYTES - 2 * RECORD_ROOM_BYTES) {
        const timestampMs = fromEpochMs + Math.floor(spanMs * ++made / count);
        const end = this.#writer.write(lane.partition, lane.nextIndex++, timestampMs, scratch, 0);
        this.#builder.add(scratch, timestampMs, null, 0, end);
      }
      this.#send(lane, send);
    }
    return made;
  }

  #send(lane: Lane, send: (batch: BatchMessage) => void): void {
    const { records, bytes } = this.#builder.finish();
    lane.pendingBytes += bytes.length;
    const { partition } = lane;
    // Only a whole ArrayBuffer can be transferred: what `finish` answers, though its type says less.
    const { buffer } = bytes;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length;
    const own = isWhole ? new Uint8Array(buffer) : new Uint8Array(bytes);
    send({ kind: "batch", topic: this.#topic, epoch: this.#epoch, partition, records, bytes: own });
  }
}
