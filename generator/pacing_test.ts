import { expect } from "expect";
import fc from "fast-check";
import { partitionsFor, TokenBucket } from "./pacing.ts";

Deno.test("over any ticks without pauses, what was taken is the rate times the time, to the record", () => {
  const ticks = fc.array(fc.double({ min: 0.01, max: 400, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(fc.property(fc.integer({ min: 4, max: 1_000_000 }), ticks, (rate, steps) => {
    const bucket = new TokenBucket(1, 1000);
    let nowMs = 1000;
    let taken = 0;
    for (const step of steps) {
      nowMs += step;
      const count = bucket.available(nowMs, rate);
      bucket.take(count);
      taken += count;
    }
    expect(Math.abs(taken - rate * (nowMs - 1000) / 1000)).toBeLessThanOrEqual(1);
  }));
});

Deno.test("a rate below one a second gives a record now and then", () => {
  const bucket = new TokenBucket(1, 0);
  let taken = 0;
  for (let ms = 50; ms <= 40_000; ms += 50) {
    const count = bucket.available(ms, 0.25);
    bucket.take(count);
    taken += count;
  }
  expect(taken).toBe(10);
});

Deno.test("after a long pause only the burst is caught up with", () => {
  const bucket = new TokenBucket(1, 0);
  expect(bucket.available(3_600_000, 100)).toBe(100);
});

Deno.test("what was not taken stays due", () => {
  const bucket = new TokenBucket(1, 0);
  bucket.take(bucket.available(50, 1000) - 20);
  expect(bucket.available(50, 1000)).toBe(20);
  expect(bucket.available(100, 1000)).toBe(70);
});

Deno.test("few records go to one partition, many to all", () => {
  expect([0, 1, 100, 101, 350, 5000].map((count) => partitionsFor(count, 4, 100))).toEqual([1, 1, 1, 2, 4, 4]);
});
