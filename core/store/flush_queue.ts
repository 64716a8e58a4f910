/**
 * Group commit: flushes that come while a transaction is under way wait, and go together in the next one. A store's cost
 * per transaction (statements to plan, an fsync) is then shared by all partitions that flush at the same moment.
 */
import type { FlushOutcome, PartitionFlush } from "./ports.ts";

/** Flushes in one transaction. */
const BATCH_MAX = 64;

/** Those that begin their interval together come as soon as their partitions' fetches return. */
const GATHER_MS = 25;

interface Waiting {
  readonly flush: PartitionFlush;
  readonly resolve: (outcome: FlushOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export class FlushQueue {
  readonly #apply: (flushes: readonly PartitionFlush[]) => Promise<readonly FlushOutcome[]>;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** One after a failure, then twice as many with each success: a flush that cannot be applied stops none but its own. */
  #batchMax = BATCH_MAX;

  /** `apply` answers an outcome for each flush, or throws: then nobody's outcome is known. */
  constructor(apply: (flushes: readonly PartitionFlush[]) => Promise<readonly FlushOutcome[]>) {
    this.#apply = apply;
  }

  add(flush: PartitionFlush): Promise<FlushOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ flush, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        const outcomes = await this.#apply(batch.map(({ flush }) => flush));
        batch.forEach(({ resolve }, i) => resolve(outcomes[i]));
        this.#batchMax = Math.min(this.#batchMax * 2, BATCH_MAX);
      } catch (error) {
        for (const { reject } of batch) reject(error);
        this.#batchMax = 1;
      }
    }
    this.#isRunning = false;
  }

  /** One flush a partition: two of the same (a zombie's and its successor's) must see each other's outcome. */
  #takeBatch(): Waiting[] {
    const partitions = new Set<string>();
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const partition = `${waiting.flush.topicId}/${waiting.flush.partition}`;
      if (batch.length < this.#batchMax && !partitions.has(partition)) batch.push(waiting);
      else later.push(waiting);
      partitions.add(partition);
    }
    this.#waiting = later;
    return batch;
  }
}
