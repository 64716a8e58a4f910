import { expect } from "expect";
import fc from "fast-check";
import { anscombe, fromAnscombe, median, robustDeviation, weighted, wilsonLow } from "./statistics.ts";

Deno.test("Anscombe's transform gives Poisson counts of any mean a variance of about 1", () => {
  for (const mean of [4, 20, 300]) {
    // The variance of 2√(X + 3/8), from the distribution itself.
    let probability = Math.exp(-mean);
    let [sum, squares] = [0, 0];
    for (let count = 0; count < mean * 3 + 60; count++) {
      sum += probability * anscombe(count);
      squares += probability * anscombe(count) ** 2;
      probability *= mean / (count + 1);
    }
    expect(Math.abs(squares - sum * sum - 1)).toBeLessThan(0.06);
  }
});

Deno.test("the transform is undone", () => {
  fc.assert(fc.property(fc.nat(1_000_000), (count) => expect(fromAnscombe(anscombe(count))).toBeCloseTo(count, 6)));
});

Deno.test("from 0 to 3 is no three deviations, from 0 to 30 is", () => {
  expect(anscombe(3) - anscombe(0)).toBeLessThan(3);
  expect(anscombe(30) - anscombe(0)).toBeGreaterThan(6);
});

Deno.test("the median and its deviation do not mind that nearly half of the values are wild", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  const values = [10, 11, 9, 10, 12, 8, 1e9, 1e9, -1e9];
  expect(median(values)).toBe(10);
  expect(robustDeviation(values, 10)).toBeLessThan(4);
});

Deno.test("Wilson's lower end is that of the textbook", () => {
  // Wilson 1927 as in Newcombe 1998, table I: 81 of 263 at 95 %: 0.2553 to 0.3662; 15 of 148: 0.0624 to 0.1605.
  expect(wilsonLow(81, 263, 1.959964)).toBeCloseTo(0.2553, 4);
  expect(wilsonLow(15, 148, 1.959964)).toBeCloseTo(0.0624, 4);
  expect(wilsonLow(0, 20, 1.96)).toBe(0);
  expect(wilsonLow(1, 2, 3)).toBeLessThan(0.06);
});

Deno.test("a weighted mean follows a level, and an incident moves it little", () => {
  const steady = weighted(Array.from({ length: 300 }, () => 100), 30, 3, 1);
  expect(steady.mean).toBeCloseTo(100, 6);
  const withIncident = weighted([...Array.from({ length: 300 }, () => 100), 1e6, 1e6], 30, 3, 1);
  expect(withIncident.mean).toBeLessThan(101);
  const moved = weighted(
    [...Array.from({ length: 300 }, () => 100), ...Array.from({ length: 300 }, () => 104)],
    30,
    3,
    1,
  );
  expect(moved.mean).toBeGreaterThan(103.5);
});
