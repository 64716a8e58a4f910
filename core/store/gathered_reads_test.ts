import { expect } from "expect";
import { GatheredReads } from "./gathered_reads.ts";

Deno.test("each gets the answer to its own question, and those that come meanwhile are answered together", async () => {
  const reads: number[][] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const gathered = new GatheredReads<number, string>(async (queries) => {
    reads.push([...queries]);
    const gate = Promise.withResolvers<void>();
    gates.push(gate);
    await gate.promise;
    return queries.map((query) => `answer ${query}`);
  });
  const first = [gathered.ask(1), gathered.ask(2)];
  await Promise.resolve();
  await Promise.resolve();
  expect(reads).toEqual([[1, 2]]);
  const later = Array.from({ length: 600 }, (_, i) => gathered.ask(3 + i));
  gates[0].resolve();
  expect(await Promise.all(first)).toEqual(["answer 1", "answer 2"]);
  for (let at = 1; at < 3; at++) {
    while (gates[at] === undefined) await Promise.resolve();
    gates[at].resolve();
  }
  expect(await Promise.all(later)).toEqual(later.map((_, i) => `answer ${3 + i}`));
  expect(reads.map(({ length }) => length)).toEqual([2, 500, 100]);
});

Deno.test("a failure is everybody's who was asked for together, and nobody's after them", async () => {
  let isDown = true;
  const gathered = new GatheredReads<number, number>((queries) =>
    isDown ? Promise.reject(new Error("down")) : Promise.resolve(queries)
  );
  const failed = await Promise.allSettled([gathered.ask(1), gathered.ask(2)]);
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  isDown = false;
  expect(await gathered.ask(3)).toBe(3);
});
