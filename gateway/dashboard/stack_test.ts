import { expect } from "expect";
import { stacked } from "./stack.ts";

Deno.test("stacked lines are sums from below, and nothing where none of them has a value", () => {
  const line = (name: string, ...values: (number | null)[]) => ({
    name,
    points: values.map((value, i) => [i * 60_000, value] as const),
  });
  expect(stacked([line("ERROR", 1, null, null, 0), line("INFO", 10, 20, null, 5)])).toEqual([
    [1, null, null, 0],
    [11, 20, null, 5],
  ]);
  expect(stacked([])).toEqual([]);
});
