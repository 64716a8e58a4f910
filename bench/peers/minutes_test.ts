import { expect } from "expect";
import { compareMinutes, readMinutes, totalsOf } from "./minutes.ts";

async function minutesOf(lines: readonly unknown[]) {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, lines.map((line) => JSON.stringify(line) + "\n").join(""));
  return await readMinutes(path).finally(() => Deno.remove(path));
}

const WHOLE = [[7, ["a", "INFO"], 3, 1, 1, 9, 4], [7, ["b", "INFO"], 1, 0, 2.5, 2.5, 2.5]];

Deno.test("minutes that were written in parts, in any order, are the same as whole ones", async () => {
  const ours = await minutesOf(WHOLE);
  const parts = [[7, ["b", "INFO"], 1, 0, 2.5, 2.5, 2.5], [7, ["a", "INFO"], 1, 1, 9, 9, 9], [
    7,
    ["a", "INFO"],
    2,
    0,
    1,
    2,
    1.5,
  ]];
  compareMinutes(ours, await minutesOf(parts), "parts");
  expect(totalsOf(ours)).toEqual({ count: 4, errors: 1 });
});

Deno.test("any difference is an error that names the contender and the minute", async () => {
  const ours = await minutesOf(WHOLE);
  const others: [RegExp, unknown[]][] = [
    [/peer has 1 minutes, not 2/, [WHOLE[0]]],
    [/peer has no minute \[7,"a","INFO"\]/, [[8, ["a", "INFO"], 3, 1, 1, 9, 4], WHOLE[1]]],
    [/"count":4/, [[7, ["a", "INFO"], 4, 1, 1, 9, 4], WHOLE[1]]],
    [/"errors":2/, [[7, ["a", "INFO"], 3, 2, 1, 9, 4], WHOLE[1]]],
    [/"min":1.001/, [[7, ["a", "INFO"], 3, 1, 1.001, 9, 4], WHOLE[1]]],
    [/"max":9.5/, [[7, ["a", "INFO"], 3, 1, 1, 9.5, 4], WHOLE[1]]],
    [/"sum":15/, [[7, ["a", "INFO"], 3, 1, 1, 9, 5], WHOLE[1]]],
  ];
  for (const [message, lines] of others) {
    const theirs = await minutesOf(lines);
    expect(() => compareMinutes(ours, theirs, "peer")).toThrow(message);
  }
});
