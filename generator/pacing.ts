/** Pacing: how many records are due, by a token bucket, and how they spread over partitions. No clock of its own. */

/**
 * Tokens that come at a rate and wait, up to a limit, where they are not taken: after a pause the rate is caught
 * up with for `burstSeconds` at most. Fractions are kept, so the long-run rate is exact.
 */
export class TokenBucket {
  #tokens = 0;
  #lastMs: number;

  /** `nowMs` is of any clock that never goes back. */
  constructor(private readonly burstSeconds: number, nowMs: number) {
    this.#lastMs = nowMs;
  }

  /** Whole tokens that may be taken now, where they came at that rate since the last call. */
  available(nowMs: number, ratePerSecond: number): number {
    const elapsedMs = Math.max(0, nowMs - this.#lastMs);
    this.#lastMs += elapsedMs;
    const limit = Math.max(1, ratePerSecond * this.burstSeconds);
    this.#tokens = Math.min(limit, this.#tokens + ratePerSecond * elapsedMs / 1000);
    // A sum of fractions may end a hair below the whole number that it stands for.
    return Math.floor(this.#tokens + 1e-9);
  }

  take(count: number): void {
    this.#tokens -= count;
  }
}

/**
 * Over how many partitions `count` records spread at once: each batch costs a write and an fsync, so few records go to
 * few partitions (in turn, tick by tick), many to all.
 */
export function partitionsFor(count: number, partitions: number, recordsPerBatchMin: number): number {
  return Math.min(partitions, Math.max(1, Math.ceil(count / recordsPerBatchMin)));
}
