import { expect } from "expect";
import { minuteRanges, planRollups } from "./rollup_plan.ts";

/** Hours from `first` on, all settled. */
const hours = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ bucket: first + i, version: `v${first + i}` }));
const DAY = 24;
const ranged = (first: number, end: number, stepMinutes: number) => ({ from: first * 60, to: end * 60, stepMinutes });
const covered = (plan: ReturnType<typeof planRollups>) =>
  [...plan.rollups.flatMap(({ hours }) => hours.map(({ bucket }) => bucket)), ...plan.buckets].sort((a, b) => a - b);

Deno.test("whole days are rollups of days, the rest of hours, and the edges are minutes", () => {
  const states = hours(5 * DAY - 2, 2 * DAY + 5);
  const plan = planRollups(states, 9 * DAY, {
    ...ranged(5 * DAY - 2, 7 * DAY + 3, 1440),
    from: (5 * DAY - 2) * 60 + 1,
  });
  expect(plan.rollups.map(({ level, bucket }) => [level, bucket])).toEqual([
    ["hours", 5 * DAY - 1],
    ["days", 5 * DAY],
    ["days", 6 * DAY],
    ["hours", 7 * DAY],
    ["hours", 7 * DAY + 1],
    ["hours", 7 * DAY + 2],
  ]);
  expect(plan.buckets).toEqual([5 * DAY - 2]);
  expect(covered(plan)).toEqual(states.map(({ bucket }) => bucket));
});

Deno.test("a step takes no rollup that is wider, or that a step begins in", () => {
  const states = hours(0, 2 * DAY);
  const levels = (stepMinutes: number) =>
    new Set(planRollups(states, 99, ranged(0, 2 * DAY, stepMinutes)).rollups.map(({ level }) => level));
  expect(levels(59)).toEqual(new Set());
  expect(levels(90)).toEqual(new Set());
  expect(levels(60)).toEqual(new Set(["hours"]));
  expect(levels(36 * 60)).toEqual(new Set(["hours"]));
  expect(levels(1440)).toEqual(new Set(["days"]));
});

Deno.test("what is being written is read as minutes: the newest hour, and hours that may be changing", () => {
  const states = hours(0, DAY).map((hour) => hour.bucket === 3 ? { ...hour, version: null } : hour);
  const plan = planRollups(states, DAY - 1, ranged(0, DAY, 1440));
  expect(plan.buckets).toEqual([3, DAY - 1]);
  expect(plan.rollups.length).toBe(DAY - 2);
});

Deno.test("a day's version changes with each of its hours, and with an hour that joins it", () => {
  const versionOf = (states: ReturnType<typeof hours>) =>
    planRollups(states, 99, ranged(0, DAY, 1440)).rollups.map(({ version }) => version).join();
  const before = versionOf(hours(0, DAY));
  expect(versionOf(hours(0, DAY))).toBe(before);
  expect(versionOf(hours(1, DAY - 1))).not.toBe(before);
  for (let late = 0; late < DAY; late++) {
    const states = hours(0, DAY).map((hour) => hour.bucket === late ? { ...hour, version: "late" } : hour);
    expect(versionOf(states)).not.toBe(before);
  }
});

Deno.test("days before 1970 begin at midnight, too", () => {
  const plan = planRollups(hours(-DAY, DAY), 5, ranged(-DAY, 0, 1440));
  expect(plan.rollups.map(({ level, bucket }) => [level, bucket])).toEqual([["days", -DAY]]);
});

Deno.test("hours that follow each other are one range of minutes", () => {
  expect(minuteRanges([3, 1, 2, 7])).toEqual([{ from: 60, to: 240 }, { from: 420, to: 480 }]);
  expect(minuteRanges([])).toEqual([]);
});
