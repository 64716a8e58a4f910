/**
 * When a partition flushes. Intervals begin at the same moment for all partitions, so that the store can take their flushes
 * together. While much is to be read they are longer: nobody waits for its newest records yet, and each flush takes time
 * from reading.
 */

/** Intervals in one of a partition that is catching up. */
const CATCH_UP_INTERVALS = 4;

export class FlushIntervals {
  readonly #now: () => number;
  readonly #intervalMs: number;
  #isCatchingUp = false;
  /** The interval in which the last flush began. */
  #last: number;

  /** @param now The system's clock, epoch milliseconds. */
  constructor(now: () => number, intervalMs: number) {
    this.#now = now;
    this.#intervalMs = intervalMs;
    this.#last = this.#current();
  }

  get isCatchingUp(): boolean {
    return this.#isCatchingUp;
  }

  set isCatchingUp(isCatchingUp: boolean) {
    if (isCatchingUp === this.#isCatchingUp) return;
    this.#isCatchingUp = isCatchingUp;
    // Counted in other intervals from here on: the change of scale is no interval that has ended.
    this.#last = this.#current();
  }

  /** Whether the interval has ended in which the last flush began. */
  get hasEnded(): boolean {
    return this.#current() !== this.#last;
  }

  /** A flush begins. */
  begin(): void {
    this.#last = this.#current();
  }

  #current(): number {
    return Math.floor(this.#now() / (this.#intervalMs * (this.#isCatchingUp ? CATCH_UP_INTERVALS : 1)));
  }
}
