import { expect } from "expect";
import { FlushIntervals } from "./flush_intervals.ts";

Deno.test("intervals end at the same moments, whenever they were begun", () => {
  let now = 1_000_900;
  const early = new FlushIntervals(() => now, 1000);
  now = 1_001_100;
  const late = new FlushIntervals(() => now, 1000);
  expect([early.hasEnded, late.hasEnded]).toEqual([true, false]);
  early.begin();
  now = 1_001_999;
  expect([early.hasEnded, late.hasEnded]).toEqual([false, false]);
  now = 1_002_000;
  expect([early.hasEnded, late.hasEnded]).toEqual([true, true]);
});

Deno.test("whoever catches up has longer intervals, and none that ends as it begins to, or has caught up", () => {
  let now = 1_003_900;
  const intervals = new FlushIntervals(() => now, 1000);
  now = 1_004_100;
  intervals.isCatchingUp = true;
  expect(intervals.hasEnded).toBe(false);
  now = 1_007_999;
  intervals.isCatchingUp = true;
  expect(intervals.hasEnded).toBe(false);
  now = 1_008_000;
  expect(intervals.hasEnded).toBe(true);
  intervals.begin();
  now = 1_010_500;
  intervals.isCatchingUp = false;
  expect(intervals.hasEnded).toBe(false);
  now = 1_011_000;
  expect(intervals.hasEnded).toBe(true);
});
