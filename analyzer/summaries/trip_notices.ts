/** Tells an operator once that something is out of order, and once that it is over. Pure: the time is given. */

export class TripNotices<Matter extends string> {
  readonly #tell: (text: string) => void;
  readonly #quietMs: number;
  /** When each matter that was told came up last. */
  readonly #lastMs = new Map<Matter, number>();

  /** @param quietMs What comes and goes is over only after so long without it. */
  constructor(quietMs: number, tell: (text: string) => void) {
    this.#quietMs = quietMs;
    this.#tell = tell;
  }

  tripped(matter: Matter, nowMs: number, text: string): void {
    if (!this.#lastMs.has(matter)) this.#tell(text);
    this.#lastMs.set(matter, nowMs);
  }

  /** @param atOnce It is known to be over: it does not come and go. */
  works(matter: Matter, nowMs: number, text: string, atOnce = false): void {
    const last = this.#lastMs.get(matter);
    if (last === undefined || (!atOnce && nowMs - last < this.#quietMs)) return;
    this.#lastMs.delete(matter);
    this.#tell(text);
  }
}
