import { expect } from "expect";
import fc from "fast-check";
import { serviceLevel } from "./summary.ts";

Deno.test("a target that is met exactly is met, whatever the number of events", () => {
  for (let thousands = 1; thousands <= 5000; thousands++) {
    const events = thousands * 1000;
    expect(serviceLevel(99.9, events, thousands)).toMatchObject({
      availability: 99.9,
      isMet: true,
      errorBudgetLeft: 0,
    });
    expect(serviceLevel(99.9, events, thousands + 1)).toMatchObject({ isMet: false });
  }
});

Deno.test("availability is cut off after four decimals, never rounded up, and agrees with exact arithmetic", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 5_000_000_000 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 1, max: 999_999 }),
    (events, share, targetMillionths) => {
      const errors = Math.floor(events * share);
      const level = serviceLevel(targetMillionths / 10_000, events, errors);
      const exact = BigInt(events - errors) * 1_000_000n;
      expect(level.availability).toBe(Number(exact / BigInt(events)) / 10_000);
      expect(level.isMet).toBe(exact >= BigInt(targetMillionths) * BigInt(events));
    },
  ));
});

Deno.test("the budget is whole without errors, half where half is used, and overdrawn below zero", () => {
  expect(serviceLevel(99, 1000, 0).errorBudgetLeft).toBe(1);
  expect(serviceLevel(99, 1000, 5).errorBudgetLeft).toBe(0.5);
  expect(serviceLevel(99, 1000, 20).errorBudgetLeft).toBe(-1);
});

Deno.test("without events nothing is claimed", () => {
  expect(serviceLevel(99.9, 0, 0)).toEqual({ target: 99.9, availability: null, isMet: null, errorBudgetLeft: null });
});
