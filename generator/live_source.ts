/** Makes the records of one topic as time goes on: which partition, which indexes, which times. Pure but for its own state. */
import type { RateCurve } from "./curve.ts";
import type { Lane, Lanes } from "./lanes.ts";
import { partitionsFor, TokenBucket } from "./pacing.ts";
import type { BatchMessage, DoneMessage, TopicPlace } from "./protocol.ts";

/** Fewer records than this don't make a batch of their own in every partition. */
const RECORDS_PER_BATCH_MIN = 100;
/** A pause of up to so long is caught up with. */
const BURST_SECONDS = 1;

export interface LiveSourceOptions {
  readonly lanes: Lanes;
  /** Of the whole topic. */
  readonly curve: RateCurve;
  readonly place: TopicPlace;
  /** Records of the worker's partitions after which it ends; Infinity: none. */
  readonly limit: number;
  /** Time on the clock of {@link LiveSource.run}. */
  readonly nowMs: number;
}

/** When a run happens: records get times from `fromEpochMs` up to `toEpochMs`. */
export interface Tick {
  /** Of a clock that never goes back. */
  readonly nowMs: number;
  readonly fromEpochMs: number;
  readonly toEpochMs: number;
}

export class LiveSource {
  readonly #lanes: Lanes;
  readonly #curve: RateCurve;
  readonly #bucket: TokenBucket;
  #left: number;

  constructor({ lanes, curve, place, limit, nowMs }: LiveSourceOptions) {
    this.#lanes = lanes;
    this.#curve = curve;
    this.#bucket = new TokenBucket(BURST_SECONDS, nowMs);
    this.#left = limit;
    this.place(place);
  }

  place(place: TopicPlace): void {
    this.#lanes.place(place);
  }

  get pendingBytes(): number {
    return this.#lanes.pendingBytes;
  }

  /** True where all records have been sent. */
  get isFinished(): boolean {
    return this.#left <= 0;
  }

  done(message: DoneMessage): void {
    this.#lanes.done(message);
  }

  /** Sends the records that are due, as far as there is room; what there is no room for stays due. */
  run({ nowMs, fromEpochMs, toEpochMs }: Tick, send: (batch: BatchMessage) => void): void {
    const share = this.#lanes.all.length / this.#lanes.partitions;
    const due = Math.min(this.#left, this.#bucket.available(nowMs, share * this.#curve.rateAt(toEpochMs)));
    const open = this.#lanes.open();
    if (due === 0 || open.length === 0) return;
    const lanes = open.slice(0, partitionsFor(due, open.length, RECORDS_PER_BATCH_MIN));
    let left = due;
    lanes.forEach((lane, index) => {
      const count = Math.ceil(left / (lanes.length - index));
      left -= count;
      const made = this.#fill(lane, count, { fromEpochMs, toEpochMs, send });
      this.#bucket.take(made);
      this.#left -= made;
    });
    this.#lanes.passTurn(lanes[lanes.length - 1]);
  }

  /** Sends up to `count` records of one partition and answers how many. */
  #fill(
    lane: Lane,
    count: number,
    { fromEpochMs, toEpochMs, send }: Omit<Tick, "nowMs"> & { readonly send: (batch: BatchMessage) => void },
  ): number {
    const spanMs = toEpochMs - fromEpochMs;
    let made = 0;
    while (made < count && this.#lanes.hasRoom(lane)) {
      let isFull = false;
      while (made < count && !isFull) {
        isFull = this.#lanes.write(lane, fromEpochMs + Math.floor(spanMs * ++made / count));
      }
      this.#lanes.send(lane, send);
    }
    return made;
  }
}
