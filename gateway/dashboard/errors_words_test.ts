import { expect } from "expect";
import { agoOf, rateOf, trendOf } from "./errors_words.ts";

Deno.test("a rate is told against the usual one", () => {
  const said = ([now, usual]: readonly [number, number | null]) => {
    const { now: rate, change, direction } = rateOf(now, usual);
    return `${rate}, ${change}, ${direction}`;
  };
  expect(([[12, 3], [3, 3], [0.2, 0.4], [0, 2], [0, 0], [5, 0], [1.5, null], [1000, 0.5]] as const).map(said)).toEqual([
    "12 /min, 4× usual, up",
    "3 /min, as usual, same",
    "0.2 /min, 0.5× usual, down",
    "0 /min, quiet now, same",
    "0 /min, as usual, same",
    "5 /min, none usually, up",
    "1.5 /min, no history yet, unknown",
    "1,000 /min, 2,000× usual, up",
  ]);
});

Deno.test("ages are told in the unit that people would use, also ahead", () => {
  const now = 1_000_000_000;
  expect([0, 2_999, 59_999, 60_000, 3_599_999, 7_200_000, 172_800_000, -600_000].map((age) => agoOf(now - age, now)))
    .toEqual(["just now", "just now", "59 s ago", "1 min ago", "59 min ago", "2 h ago", "2 days ago", "in 10 min"]);
});

Deno.test("a spark line is said in words", () => {
  expect(trendOf(Array(24).fill(0))).toBe("none in the last two hours");
  expect(trendOf([...Array(21).fill(1), 40, 3, 2])).toBe(
    "66 in the last two hours, most (40) about 10 minutes ago, 2 in the last five minutes",
  );
});
