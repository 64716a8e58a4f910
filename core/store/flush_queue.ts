/**
 * Group commit: flushes that come while a transaction is under way wait, and go together in the next one. A store's cost
 * per transaction (statements to plan, an fsync) is then shared by all partitions that flush at the same moment.
 */
import { isDiskFull } from "../errors.ts";
import type { FlushOutcome, PartitionFlush } from "./ports.ts";

/** Flushes in one transaction, and their records' bytes unless it is one alone: a transaction lies in memory. */
const BATCH_MAX = 64;
const BATCH_BYTES = 16 * 1_048_576;

/**
 * At the end of an interval partitions flush at the same moment, and a worker's come one after the other: until so long none
 * came, at most so long.
 */
const GATHER_MS = 25;
const GATHER_MS_MAX = 150;

interface Waiting {
  readonly flush: PartitionFlush;
  readonly resolve: (outcome: FlushOutcome) => void;
  readonly reject: (error: unknown) => void;
}

function bytesOf({ events, quarantine }: PartitionFlush): number {
  return [...events, ...quarantine].reduce((sum, { group }) => sum + group.bytes.length, 0);
}

export class FlushQueue {
  readonly #apply: (flushes: readonly PartitionFlush[]) => Promise<readonly FlushOutcome[]>;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** One after a failure, then twice as many with each success: what cannot be applied is not tried in a batch each time. */
  #batchMax = BATCH_MAX;

  /** `apply` answers an outcome for each flush, or throws: then nobody's outcome is known, and each is tried alone. */
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
    await this.#gather();
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#settle(batch);
        this.#batchMax = Math.min(this.#batchMax * 2, BATCH_MAX);
      } catch (error) {
        await this.#settleEach(batch, error);
        this.#batchMax = 1;
      }
    }
    this.#isRunning = false;
  }

  async #gather(): Promise<void> {
    await Promise.resolve(); // those of one task go together in any case
    const isWorthIt = () => this.#waiting.some(({ flush }) => flush.isAtInterval === true);
    for (let waitedMs = 0, had = 0; waitedMs < GATHER_MS_MAX && isWorthIt(); waitedMs += GATHER_MS) {
      if (this.#waiting.length === had) return;
      had = this.#waiting.length;
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    }
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    const outcomes = await this.#apply(batch.map(({ flush }) => flush));
    batch.forEach(({ resolve }, i) => resolve(outcomes[i]));
  }

  /**
   * After a failure that one of them may have caused, each goes alone. A commit that failed may have been applied all the
   * same: then the flush conflicts with itself, and its caller hears of the failure, which is to say: unknown.
   */
  async #settleEach(batch: readonly Waiting[], failure: unknown): Promise<void> {
    let cause = failure;
    for (const { flush, resolve, reject } of batch) {
      // A full disk is nobody's own: more attempts would only be more work for it.
      if (batch.length === 1 || isDiskFull(cause)) {
        reject(cause);
        continue;
      }
      try {
        const [outcome] = await this.#apply([flush]);
        if (outcome.kind === "applied") resolve(outcome);
        else reject(failure);
      } catch (error) {
        reject(error);
        if (isDiskFull(error)) cause = error;
      }
    }
  }

  /** One flush a partition: two of the same (a zombie's and its successor's) must see each other's outcome. */
  #takeBatch(): Waiting[] {
    const partitions = new Set<string>();
    const batch: Waiting[] = [];
    const later: Waiting[] = [];
    let batchBytes = 0;
    for (const waiting of this.#waiting) {
      const partition = `${waiting.flush.topicId}/${waiting.flush.partition}`;
      const sizeBytes = bytesOf(waiting.flush);
      const hasRoom = batch.length === 0 || batch.length < this.#batchMax && batchBytes + sizeBytes <= BATCH_BYTES;
      if (hasRoom && !partitions.has(partition)) {
        batch.push(waiting);
        batchBytes += sizeBytes;
      } else later.push(waiting);
      partitions.add(partition);
    }
    this.#waiting = later;
    return batch;
  }
}
