/**
 * Work in the background that leaves most of a core to others: after each step it rests for some times as long. Its timer keeps
 * no process alive, so nobody may wait for a rest: a process that has nothing else to do would end before.
 */
export class BackgroundPace {
  readonly #restRatio: number;
  #isStopped = false;
  /** Ends a rest. */
  #goOn = () => {};

  /** @param restRatio How long it rests after a step, in times of the step. */
  constructor(restRatio: number) {
    this.#restRatio = restRatio;
  }

  /** Whether no step is to begin any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Runs a step, rests, and answers what the step did. */
  async step<T>(task: () => Promise<T>): Promise<T> {
    const startMs = performance.now();
    const result = await task();
    if (!this.#isStopped) await this.#rest((performance.now() - startMs) * this.#restRatio);
    return result;
  }

  /** Ends the rest under way; steps after it do not rest. */
  stop(): void {
    this.#isStopped = true;
    this.#goOn();
  }

  async #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#goOn = resolve;
    const timer = setTimeout(resolve, ms);
    Deno.unrefTimer(timer);
    await promise;
    clearTimeout(timer);
  }
}
