/**
 * Questions that come while others are being answered wait, and are answered together: where hundreds of partitions begin at the
 * same moment, a statement for all of them costs little more than one for each.
 */

/** Questions that are answered together at most. */
const MOST = 500;

interface Waiting<Q, A> {
  readonly query: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

export class GatheredReads<Q, A> {
  readonly #read: (queries: readonly Q[]) => Promise<readonly A[]>;
  #waiting: Waiting<Q, A>[] = [];
  #isRunning = false;

  /** `read` answers each question, in order, as of a moment after it was called. */
  constructor(read: (queries: readonly Q[]) => Promise<readonly A[]>) {
    this.#read = read;
  }

  ask(query: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ query, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve(); // those that come at once
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0, MOST);
      try {
        const answers = await this.#read(asked.map(({ query }) => query));
        asked.forEach(({ resolve }, i) => resolve(answers[i]));
      } catch (error) {
        for (const { reject } of asked) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
