/** Makes record batches at a rate, with a bound on what is under way: the worker without its thread and its clock. */
import { RecordBatchBuilder } from "../core/log/record_batch.ts";
import { ShareSplit, TokenBucket } from "./pacing.ts";
import type { BatchMessage, BeginMessage, StartMessage, TopicPlan } from "./protocol.ts";
import { findScenario } from "./scenarios/registry.ts";
import type { Scenario, WriteRecord } from "./scenarios/scenario.ts";

/** Bytes of batches that wait to be appended above which no more are made. */
const UNDER_WAY_BYTES_MAX = 16 * 1024 * 1024;
/** A stall of up to so long is caught up with. */
const BURST_SECONDS = 2;
/** Records made in one go, so that messages are heard in between. */
const TICK_RECORDS_MAX = 20_000;
/** A tick's records go to one partition, and to one more for each so many: small batches cost as much as large ones. */
const PARTITION_RECORDS = 100;

interface TopicState {
  readonly scenario: Scenario;
  readonly write: WriteRecord;
  /** Index of the next record, a partition. */
  next: number[];
  epoch: number;
  isPaused: boolean;
  /** Partition that the next tick starts with. */
  turn: number;
}

export class BatchMaker {
  readonly #topics: readonly TopicState[];
  readonly #split: ShareSplit;
  readonly #bucket: TokenBucket;
  readonly #send: (batch: BatchMessage) => void;
  readonly #builder = new RecordBatchBuilder();
  readonly #record: Uint8Array;
  #underWayBytes = 0;
  #lastTickMs: number;

  /** Topics are paused until {@link begin}. `nowMs` is monotonic, `timeMs` the time of day in epoch milliseconds. */
  constructor(
    { topics, rate, seed }: StartMessage,
    send: (batch: BatchMessage) => void,
    { nowMs, timeMs }: { nowMs: number; timeMs: number },
  ) {
    this.#topics = topics.map((plan) => topicState(plan, seed));
    this.#split = new ShareSplit(this.#topics.map(({ scenario }) => scenario.share));
    this.#bucket = new TokenBucket(rate, BURST_SECONDS, nowMs);
    this.#send = send;
    this.#record = new Uint8Array(Math.max(...this.#topics.map(({ scenario }) => scenario.recordBytesMax)));
    this.#lastTickMs = timeMs;
  }

  begin({ topic, epoch, next }: BeginMessage): void {
    Object.assign(this.#topics[topic], { epoch, next: [...next], isPaused: false });
  }

  pause(topic: number): void {
    this.#topics[topic].isPaused = true;
  }

  /** So many bytes of batches are no longer under way. */
  settle(bytes: number): void {
    this.#underWayBytes -= bytes;
  }

  /** Makes what is due. Answers whether more is due at once. */
  tick(nowMs: number, timeMs: number): boolean {
    if (this.#underWayBytes >= UNDER_WAY_BYTES_MAX) return false;
    const due = this.#bucket.take(nowMs, TICK_RECORDS_MAX);
    // The clock of the day may be set back; record times then stand still for a tick.
    const period = { fromMs: Math.min(this.#lastTickMs, timeMs), toMs: timeMs };
    this.#lastTickMs = timeMs;
    this.#split.split(due).forEach((records, topic) => {
      if (records > 0 && !this.#topics[topic].isPaused) this.#makeTopic(topic, records, period);
    });
    return due === TICK_RECORDS_MAX;
  }

  #makeTopic(topic: number, records: number, period: Period): void {
    const state = this.#topics[topic];
    const partitions = state.next.length;
    const used = Math.min(partitions, Math.ceil(records / PARTITION_RECORDS));
    for (let i = 0; i < used; i++) {
      const share = Math.floor(records * (i + 1) / used) - Math.floor(records * i / used);
      this.#makePartition(topic, (state.turn + i) % partitions, share, period);
    }
    state.turn = (state.turn + used) % partitions;
  }

  /** Times are spread evenly over the period. */
  #makePartition(topic: number, partition: number, records: number, { fromMs, toMs }: Period): void {
    const state = this.#topics[topic];
    for (let k = 1; k <= records; k++) {
      const timestampMs = Math.floor(fromMs + (toMs - fromMs) * k / records);
      const end = state.write(partition, state.next[partition]++, timestampMs, this.#record, 0);
      if (!this.#builder.add(this.#record, timestampMs, null, 0, end)) {
        this.#finish(topic, partition);
        this.#builder.add(this.#record, timestampMs, null, 0, end);
      }
    }
    this.#finish(topic, partition);
  }

  #finish(topic: number, partition: number): void {
    const { bytes, records } = this.#builder.finish();
    this.#underWayBytes += bytes.length;
    this.#send({
      topic,
      partition,
      epoch: this.#topics[topic].epoch,
      // Transferable: an ArrayBuffer of its own, which the builder's type doesn't say.
      bytes: bytes as Uint8Array<ArrayBuffer>,
      records,
    });
  }
}

/** A span of time that the records of a tick fill. */
interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

function topicState({ scenario: name, partitions }: TopicPlan, seed: number): TopicState {
  const scenario = findScenario(name);
  return {
    scenario,
    write: scenario.create(seed),
    next: new Array(partitions).fill(0),
    epoch: 0,
    isPaused: true,
    turn: 0,
  };
}
