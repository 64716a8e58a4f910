/**
 * Partitions of a worker that have much to read take turns: what a partition needs for that (megabytes of the log, the values of
 * its cells, minutes in memory) is then there a few times, not hundreds of times.
 */

/** What a partition asks for before it reads on, and gives back when it has read enough. */
export interface Turn {
  /** Resolves when it may read on; at once where it may already. */
  take(): Promise<void>;
  /** Lets the next one read; without effect where it has no turn, also when it waits for one. */
  give(): void;
  readonly isTaken: boolean;
  /** Whether others wait for theirs. */
  readonly isWanted: boolean;
}

export class CatchUpTurns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param places Partitions that read at the same time. */
  constructor(places: number) {
    this.#free = places;
  }

  /** The turn of one partition, which does not have it yet. */
  turn(): Turn {
    // Arrows: `this` is the queue.
    let state: "none" | "waiting" | "taken" = "none";
    let answer: PromiseWithResolvers<void> | null = null;
    const called = () => {
      state = "taken";
      answer?.resolve();
    };
    const isWanted = () => this.#waiting.length > 0;
    const isTaken = () => state === "taken";
    return {
      take: () => {
        if (state === "taken") return Promise.resolve();
        if (answer !== null && state === "waiting") return answer.promise;
        answer = Promise.withResolvers();
        state = "waiting";
        if (this.#free > 0) {
          this.#free--;
          called();
        } else this.#waiting.push(called);
        return answer.promise;
      },
      give: () => {
        if (state === "none") return;
        if (state === "waiting") this.#waiting.splice(this.#waiting.indexOf(called), 1);
        else this.#next();
        state = "none";
        answer?.resolve();
      },
      get isTaken() {
        return isTaken();
      },
      get isWanted() {
        return isWanted();
      },
    };
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
