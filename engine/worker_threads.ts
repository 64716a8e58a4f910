/** Threads that load what they run while the rest of the program still opens its log and its store. */

/** A new thread of the engine, which waits for its settings. */
export function startThread(index: number): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: `engine-${index}` });
}

/** The number of threads that a configuration asks for. */
export function threadsOf({ workers }: { readonly workers: number }): number {
  return workers === 0 ? navigator.hardwareConcurrency : workers;
}

/** Threads started ahead of the engine that uses them; those that none took end with `dispose`. */
export class WorkerThreads implements Disposable {
  readonly #waiting: Worker[];

  constructor(count: number) {
    this.#waiting = Array.from({ length: count }, (_, index) => startThread(index));
  }

  /** One of them, or a new one. */
  take(index: number): Worker {
    return this.#waiting.shift() ?? startThread(index);
  }

  [Symbol.dispose](): void {
    for (const worker of this.#waiting.splice(0)) worker.terminate();
  }
}
