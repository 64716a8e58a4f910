/** When a program that ended is started again: at once at first, then after pauses that double. Pure. */

const FIRST_MS = 500;
const LONGEST_MS = 60_000;
/** A program that has run for so long is well: the pauses begin anew. */
const WELL_MS = 60_000;
/** So many ends within {@link LOOP_MS} are a crash loop, which is told once. */
const LOOP_ENDS = 5;
const LOOP_MS = 300_000;

export interface Restart {
  /** Pause before it is started again. */
  readonly delayMs: number;
  /** True where this end makes it a crash loop; told once until it has been well. */
  readonly isNewLoop: boolean;
}

export class Restarts {
  #delayMs = FIRST_MS;
  #ends: number[] = [];
  #isLoop = false;

  /** Whether it is in a crash loop. */
  get isLoop(): boolean {
    return this.#isLoop;
  }

  /** It was started at `startedMs` and ended at `endedMs`. */
  ended(startedMs: number, endedMs: number): Restart {
    if (endedMs - startedMs >= WELL_MS) {
      this.#delayMs = FIRST_MS;
      this.#ends = [];
      this.#isLoop = false;
    }
    this.#ends = [...this.#ends.filter((ms) => endedMs - ms < LOOP_MS), endedMs];
    const isNewLoop = !this.#isLoop && this.#ends.length >= LOOP_ENDS;
    this.#isLoop ||= isNewLoop;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(LONGEST_MS, delayMs * 2);
    return { delayMs, isNewLoop };
  }
}
