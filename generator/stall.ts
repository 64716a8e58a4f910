/** Tells once that writing waits, however many partitions wait for the same disk, and once that it goes on. */
import { isDiskFull, messageOf } from "../core/errors.ts";

export class Stall {
  readonly #waiting = new Set<string>();

  constructor(private readonly onNotice: (message: string) => void) {}

  /** `what` cannot be written, because of `error`. */
  begin(what: string, error: unknown): void {
    if (this.#waiting.size === 0) {
      const why = isDiskFull(error) ? "the disk is full" : messageOf(error);
      this.onNotice(`generator: ${what} waits: ${why}; it is tried again every second`);
    }
    this.#waiting.add(what);
  }

  /** `what` is written again, or need not be. */
  end(what: string): void {
    if (this.#waiting.delete(what) && this.#waiting.size === 0) this.onNotice("generator: goes on");
  }
}
