import { expect } from "expect";
import { threadsOf } from "./duckdb_threads.ts";

Deno.test("a statement has the threads that were asked for, else one for every four cores and at least one", () => {
  expect(threadsOf({ threads: 3 })).toBe(3);
  const cores = navigator.hardwareConcurrency;
  const threads = threadsOf({ threads: 0 });
  expect(threads >= 1 && (threads === 1 ? cores < 8 : threads * 4 <= cores && cores < threads * 4 + 4)).toBe(true);
});
