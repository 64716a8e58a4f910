import { expect } from "expect";
import { type FlowPoint, lagTrend, rateOf, ratesOf, withPoint } from "./flow.ts";

const pointsOf = (stored: readonly number[], everyMs = 1000): readonly FlowPoint[] =>
  stored.reduce<readonly FlowPoint[]>(
    (points, value, i) => withPoint(points, { atMs: i * everyMs, stored: value, lagRecords: 0, lagSeconds: 0 }),
    [],
  );

Deno.test("the rate is of the last seconds, and unknown before a second was seen", () => {
  expect(rateOf([])).toBeNull();
  expect(rateOf(pointsOf([5]))).toBeNull();
  expect(rateOf(pointsOf([0, 400, 800]))).toBe(400);
  // A burst long ago is no rate of now.
  expect(rateOf(pointsOf([0, 1_000_000, ...Array.from({ length: 40 }, (_, i) => 1_000_000 + i * 10)]))).toBe(10);
  expect(ratesOf(pointsOf([0, 400, 1000]))).toEqual([400, 600]);
});

Deno.test("a topic that was made anew begins anew", () => {
  expect(rateOf(pointsOf([900_000, 950_000, 10, 30]))).toBe(20);
});

Deno.test("lag grows or shrinks by more than noise", () => {
  const lags = (...values: number[]) => lagTrend(values.map((lagRecords) => ({ lagRecords })));
  expect([lags(), lags(10, 90), lags(10, 500), lags(5000, 20), lags(1000, 1500)])
    .toEqual(["steady", "steady", "growing", "shrinking", "steady"]);
});
