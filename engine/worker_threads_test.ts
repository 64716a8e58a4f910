import { expect } from "expect";
import { threadsOf, WorkerThreads } from "./worker_threads.ts";

/** Stands in for real threads, which say nothing until they have settings: what was made of them, and which were ended. */
function withThreads(check: (made: readonly string[], ended: readonly string[]) => void): void {
  const real = globalThis.Worker;
  const made: string[] = [];
  const ended: string[] = [];
  class Thread {
    constructor(module: URL, private readonly options: { name: string; type: string }) {
      expect([module.pathname.split("/").at(-1), options.type]).toEqual(["worker.ts", "module"]);
      made.push(options.name);
    }
    terminate(): void {
      ended.push(this.options.name);
    }
  }
  Reflect.set(globalThis, "Worker", Thread);
  try {
    check(made, ended);
  } finally {
    Reflect.set(globalThis, "Worker", real);
  }
}

Deno.test("threads that were started ahead are handed out once each, and others are started where there are none left", () => {
  withThreads((made, ended) => {
    using threads = new WorkerThreads(2);
    expect(made).toEqual(["engine-0", "engine-1"]);
    const taken = [0, 1, 2].map((index) => threads.take(index));
    expect(new Set(taken).size).toBe(3);
    expect(made).toEqual(["engine-0", "engine-1", "engine-2"]);
    expect(ended).toEqual([]);
  });
});

Deno.test("threads that nobody took end, those that were taken go on", () => {
  withThreads((made, ended) => {
    {
      using threads = new WorkerThreads(3);
      threads.take(0);
    }
    expect(ended).toEqual(["engine-1", "engine-2"]);
    expect(made).toHaveLength(3);
  });
});

Deno.test("a configuration has as many threads as it says, or one a processor", () => {
  expect(threadsOf({ workers: 3 })).toBe(3);
  expect(threadsOf({ workers: 0 })).toBe(navigator.hardwareConcurrency);
});
