import { expect } from "expect";
import { FLAT, RateCurve, REALISTIC, type Shape, shapeFactor } from "./curve.ts";
import { PartitionSchedule, shareOfPartition } from "./schedule.ts";

const DAY_MS = 86_400_000;
/** A Monday. */
const MONDAY_MS = Date.UTC(2026, 2, 2);

function curve(parts: Partial<ConstructorParameters<typeof RateCurve>[0]> = {}): RateCurve {
  const usual = { rate: 100, shape: FLAT, seed: 1, startMs: MONDAY_MS, rampMs: 0, burst: null, trafficAt: () => 1 };
  return new RateCurve({ ...usual, ...parts });
}

function timesOf(rateCurve: RateCurve, toMs: number, partition = 0, partitions = 1, limit = Infinity): number[] {
  const schedule = new PartitionSchedule({ curve: rateCurve, fromMs: MONDAY_MS, toMs, partition, partitions, limit });
  const times: number[] = [];
  for (let timeMs = schedule.nextMs(Infinity); timeMs < Infinity; timeMs = schedule.nextMs(Infinity)) {
    times.push(timeMs);
    schedule.take();
  }
  return times;
}

Deno.test("a shape's mean over a week is the rate, nights and weekends have less", () => {
  const shape: Shape = { daily: 0.6, weekly: 0.5, noise: 0, peakHour: 14 };
  let sum = 0;
  for (let hour = 0; hour < 168; hour++) sum += shapeFactor(shape, MONDAY_MS + hour * 3_600_000);
  expect(sum / 168).toBeCloseTo(1, 9);
  const at = (day: number, hour: number) => shapeFactor(shape, MONDAY_MS + day * DAY_MS + hour * 3_600_000);
  expect(at(0, 14) / at(0, 2)).toBeCloseTo(4, 9);
  expect(at(5, 14) / at(4, 14)).toBeCloseTo(0.5, 9);
  expect(at(6, 9) / at(0, 9)).toBeCloseTo(0.5, 9);
});

Deno.test("noise is the same for a seed and a minute, another for others, and does not move the mean", () => {
  const noisy = { shape: { ...FLAT, noise: 0.1 } };
  const rates = Array.from({ length: 5000 }, (_, minute) => curve(noisy).rateAt(MONDAY_MS + minute * 60_000));
  const backwards = curve(noisy);
  expect(rates.toReversed()).toEqual(rates.map((_, k) => backwards.rateAt(MONDAY_MS + (4999 - k) * 60_000)));
  expect(new Set(rates).size).toBeGreaterThan(4990);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  expect(Math.abs(mean - 100)).toBeLessThan(0.6);
  const deviation = Math.sqrt(rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length);
  expect(Math.abs(deviation - 10)).toBeLessThan(0.6);
  expect(curve({ ...noisy, seed: 2 }).rateAt(MONDAY_MS)).not.toBe(rates[0]);
});

Deno.test("a burst multiplies the rate for its part of the period, a ramp grows it from nothing", () => {
  const bursting = curve({ burst: { factor: 10, forMs: 5_000, everyMs: 60_000 } });
  expect([0, 4_999, 5_000, 59_999, 60_000, 65_000].map((ms) => bursting.rateAt(MONDAY_MS + ms)))
    .toEqual([1000, 1000, 100, 100, 1000, 100]);
  expect(bursting.countOf(MONDAY_MS, MONDAY_MS + 60_000)).toBeCloseTo(5_000 + 5_500, 6);
  const rising = curve({ rampMs: 100_000 });
  expect(rising.countOf(MONDAY_MS, MONDAY_MS + 100_000)).toBeCloseTo(5_000, 6);
  expect(rising.countOf(MONDAY_MS + 100_000, MONDAY_MS + 110_000)).toBeCloseTo(1_000, 6);
});

Deno.test("a schedule has the curve's records, in order, evenly spread", () => {
  const times = timesOf(curve(), MONDAY_MS + 10_000);
  expect(times.length).toBe(1_000);
  expect(times.every((timeMs, i) => timeMs >= MONDAY_MS && Math.abs(timeMs - MONDAY_MS - (i + 1) * 10) <= 1)).toBe(
    true,
  );
  const daily = timesOf(curve({ rate: 2, shape: REALISTIC }), MONDAY_MS + DAY_MS);
  const noon = daily.filter((timeMs) => timeMs >= MONDAY_MS + 13 * 3_600_000 && timeMs < MONDAY_MS + 15 * 3_600_000);
  const night = daily.filter((timeMs) => timeMs >= MONDAY_MS + 3_600_000 && timeMs < MONDAY_MS + 3 * 3_600_000);
  expect(noon.length / night.length).toBeGreaterThan(3.5);
  expect(daily).toEqual(daily.toSorted((a, b) => a - b));
});

Deno.test("partitions share a schedule: together they have all records, spread as if there were one", () => {
  const parts = [0, 1, 2].map((partition) => timesOf(curve({ rate: 7 }), MONDAY_MS + 60_000, partition, 3));
  expect(parts.flat().length).toBe(420);
  const together = parts.flat().sort((a, b) => a - b);
  const alone = timesOf(curve({ rate: 7 }), MONDAY_MS + 60_000);
  expect(together.every((timeMs, i) => Math.abs(timeMs - alone[i]) <= 1)).toBe(true);
});

Deno.test("a limit is shared by the partitions without one too many or too few", () => {
  for (const [total, partitions] of [[10, 3], [0, 4], [1, 7], [1_000_001, 6]]) {
    const shares = Array.from({ length: partitions }, (_, partition) => shareOfPartition(total, partition, partitions));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(total);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
  }
  expect(timesOf(curve(), MONDAY_MS + 60_000, 0, 1, 17).length).toBe(17);
});

Deno.test("a record that is not due yet is not told, and comes later", () => {
  const schedule = new PartitionSchedule({
    curve: curve({ rate: 1 }),
    fromMs: MONDAY_MS,
    toMs: MONDAY_MS + 10_000,
    partition: 0,
    partitions: 1,
  });
  expect(schedule.nextMs(MONDAY_MS + 500)).toBeNaN();
  const timeMs = schedule.nextMs(MONDAY_MS + 1_000);
  expect(timeMs).toBe(MONDAY_MS + 999);
});
