/** Appends what the worker made to one topic, in order, through full disks and resets. */
import { MillraceError } from "../core/errors.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import type { BatchMessage, Taken, TopicPlace } from "./protocol.ts";
import type { Stall } from "./stall.ts";

/** Wait before an append that failed is tried again. */
const RETRY_MS = 1_000;
/** Whoever deleted the topic to make it anew gets so long to do so. */
const RESET_MS = 300;

export interface TopicFeedOptions {
  readonly log: PartitionedLog;
  readonly name: string;
  /** If the topic has to be made. */
  readonly partitions: number;
  /** Aborted where the generator stops: nothing new is tried then. */
  readonly stopped: AbortSignal;
  readonly onNotice: (message: string) => void;
  /** Hears of failed writes; one for all topics, which share a disk. */
  readonly stall: Stall;
  /** A batch is durable (its records count), or was dropped with the topic that it was made for. */
  readonly onDone: (batch: WaitingBatch, isAppended: boolean) => void;
  /** The topic was made anew. */
  readonly onPlaced: (place: TopicPlace) => void;
}

/** What a worker has made. */
export type WaitingBatch = Pick<BatchMessage, "epoch" | "partition" | "records" | "bytes">;

/**
 * One topic. Each partition has one append under way: were there two, and the first failed, the second would take its
 * offsets, and record i would no longer be at offset i.
 */
export class TopicFeed {
  readonly #options: TopicFeedOptions;
  #topic: Topic | null = null;
  #epoch = 0;
  #queues: WaitingBatch[][] = [];
  #running: Promise<void>[] = [];
  #renewing: Promise<void> | null = null;

  constructor(options: TopicFeedOptions) {
    this.#options = options;
  }

  /** Finds or makes the topic, and answers where its partitions end, and what of the run they hold if they are asked. */
  async open(takenOf?: (topic: Topic) => Promise<readonly Taken[] | undefined>): Promise<TopicPlace> {
    const { log, name, partitions } = this.#options;
    const before = this.#topic;
    const topic = await log.createTopic(name, {
      partitions: before?.partitions ?? partitions,
      format: before?.format,
    });
    const taken = await takenOf?.(topic);
    const ends = await log.ends(topic);
    this.#topic = topic;
    this.#epoch++;
    this.#queues = ends.map(() => []);
    const nextIndexes = new Array<number>(ends.length).fill(0);
    for (const { partition, end } of ends) nextIndexes[partition] = end;
    return { epoch: this.#epoch, nextIndexes, taken };
  }

  /** Takes a batch; those of one partition are appended in the order of the calls. */
  push(batch: WaitingBatch): void {
    const { partition } = batch;
    if (batch.epoch !== this.#epoch) {
      this.#options.onDone(batch, false);
      return;
    }
    const queue = this.#queues[partition];
    queue.push(batch);
    if (queue.length === 1) {
      const run = this.#appendAll(partition, queue).finally(() => {
        this.#running = this.#running.filter((other) => other !== run);
      });
      this.#running.push(run);
    }
  }

  /** Resolves when nothing is under way any more, after {@link TopicFeedOptions.stopped}. */
  async settled(): Promise<void> {
    await Promise.all([...this.#running, this.#renewing]);
  }

  async #appendAll(partition: number, queue: WaitingBatch[]): Promise<void> {
    while (queue.length > 0 && !this.#options.stopped.aborted) {
      const batch = queue[0];
      const isAppended = await this.#appendUntilDone(partition, batch);
      if (!this.#options.stopped.aborted) this.#options.stall.end(this.#nameOf(partition));
      queue.shift();
      this.#options.onDone(batch, isAppended);
    }
  }

  /** True where the batch is durable, false where it is void: its topic is gone, or the generator stops. */
  async #appendUntilDone(partition: number, batch: WaitingBatch): Promise<boolean> {
    const { log, stopped } = this.#options;
    for (;;) {
      const topic = this.#topic;
      if (topic === null || stopped.aborted || batch.epoch !== this.#epoch) return false;
      try {
        await log.append(topic, partition, batch);
        return true;
      } catch (error) {
        // Told late of a topic that has been replaced since: nothing is wrong with the new one.
        if (stopped.aborted || batch.epoch !== this.#epoch) return false;
        if (error instanceof MillraceError && error.code === "UNKNOWN_TOPIC") {
          await (this.#renewing ??= this.#renew());
        } else {
          this.#options.stall.begin(this.#nameOf(partition), error);
          await wait(RETRY_MS, stopped);
        }
      }
    }
  }

  #nameOf(partition: number): string {
    return `${this.#options.name}/${partition}`;
  }

  /** The topic is gone: goes on with the one that is made in its place, by whomever. */
  async #renew(): Promise<void> {
    const { log, name, stopped, stall, onNotice, onPlaced } = this.#options;
    await wait(RESET_MS, stopped);
    while (!stopped.aborted) {
      try {
        const isMadeAnew = await log.findTopic(name) !== undefined;
        const place = await this.open();
        stall.end(name);
        onPlaced(place);
        onNotice(`generator: ${name} was ${isMadeAnew ? "made anew" : "deleted and is made again"}; it goes on there`);
        break;
      } catch (error) {
        stall.begin(name, error);
        await wait(RETRY_MS, stopped);
      }
    }
    this.#renewing = null;
  }
}

/** Resolves after `ms`, or at once where `stopped` is aborted. */
function wait(ms: number, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopped.addEventListener("abort", end);
  });
}
