import { expect } from "expect";
import { Restarts } from "./restarts.ts";

Deno.test("pauses double up to a minute, and a crash loop is told once", () => {
  const restarts = new Restarts();
  let nowMs = 0;
  const told: boolean[] = [];
  const delays = Array.from({ length: 9 }, () => {
    const { delayMs, isNewLoop } = restarts.ended(nowMs, nowMs + 10);
    told.push(isNewLoop);
    nowMs += 10 + delayMs;
    return delayMs;
  });
  expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  expect(told).toEqual([false, false, false, false, true, false, false, false, false]);
  expect(restarts.isLoop).toBe(true);
});

Deno.test("who has run for a minute is well: pauses begin anew, and the next loop is told again", () => {
  const restarts = new Restarts();
  for (let i = 0; i < 6; i++) restarts.ended(i * 1000, i * 1000 + 1);
  expect(restarts.ended(100_000, 160_000)).toEqual({ delayMs: 500, isNewLoop: false });
  expect(restarts.isLoop).toBe(false);
  const loops = Array.from({ length: 4 }, (_, i) => restarts.ended(170_000 + i * 1000, 170_001 + i * 1000).isNewLoop);
  expect(loops).toEqual([false, false, false, true]);
});

Deno.test("ends that are far apart are no loop", () => {
  const restarts = new Restarts();
  for (let i = 0; i < 20; i++) expect(restarts.ended(i * 100_000, i * 100_000 + 50).isNewLoop).toBe(false);
});
