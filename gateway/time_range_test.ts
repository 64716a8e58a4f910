import { expect } from "expect";
import { Problem } from "./problem.ts";
import { parseTime } from "../core/times.ts";
import { EVERYTHING, parseStep, rangeOf } from "./time_range.ts";

const NOW = Date.UTC(2026, 2, 1, 12, 0, 30, 250);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (
  const [text, expected] of [
    ["2026-03-01T12:00:00Z", Date.UTC(2026, 2, 1, 12)],
    ["2026-03-01t12:00z", Date.UTC(2026, 2, 1, 12)],
    ["2026-03-01 12:00:00.5Z", Date.UTC(2026, 2, 1, 12) + 500],
    ["2026-03-01T12:00:00+05:30", Date.UTC(2026, 2, 1, 6, 30)],
    ["2026-03-01T12:00:00 05:30", Date.UTC(2026, 2, 1, 6, 30)],
    ["1995-07-01T00:00:01-04:00", Date.UTC(1995, 6, 1, 4, 0, 1)],
    ["2026-03-01", Date.UTC(2026, 2, 1)],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
    ["1772366400000", 1_772_366_400_000],
    ["now", NOW],
    ["now-15m", NOW - 15 * MINUTE],
    ["now-1h30m", NOW - 90 * MINUTE],
    ["now-7d", NOW - 7 * DAY],
    ["now-2w", NOW - 14 * DAY],
    ["now+30s", NOW + 30_000],
  ] as const
) {
  Deno.test(`${text} is a time`, () => expect(parseTime(text, NOW)).toBe(expected));
}

for (
  const text of [
    "",
    "yesterday",
    "2026-03-01T12:00:00",
    "2026-02-29",
    "2026-02-30T00:00:00Z",
    "2026-13-01",
    "2026-03-01T25:00:00Z",
    "2026-03-01T12:00:00+99:00",
    "2026",
    "1772366400",
    "NaN",
    "-1",
    "1e12",
    "now-",
    "now-15",
    "now-15y",
    "now 15m",
    "now- 15m",
    "now-15m junk",
    "now-999999999w",
    "now+999999999w",
    " now",
  ]
) {
  Deno.test(`"${text}" is no time`, () => expect(parseTime(text, NOW)).toBeNull());
}

function problemOf(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("it was taken");
}

Deno.test("without from and to, the range is the last hour to the end of the running minute", () => {
  expect(rangeOf({}, NOW)).toEqual({ fromMs: NOW - HOUR, toMs: Date.UTC(2026, 2, 1, 12, 1) });
  expect(rangeOf({ to: "now" }, NOW).toMs).toBe(Date.UTC(2026, 2, 1, 12, 1));
  expect(rangeOf({}, NOW, EVERYTHING)).toEqual(EVERYTHING);
});

Deno.test("a to that is given is taken exactly", () => {
  expect(rangeOf({ from: "2026-03-01", to: "now-1s" }, NOW).toMs).toBe(NOW - 1000);
});

Deno.test("an empty or backward range names from", () => {
  for (const from of ["2026-03-02", "2026-03-03"]) {
    const problem = problemOf(() => rangeOf({ from, to: "2026-03-02" }, NOW));
    expect(problem.status).toBe(400);
    expect(problem.extra.errors?.[0].parameter).toBe("from");
  }
});

Deno.test("what is no time names its parameter and shows right ones", () => {
  const problem = problemOf(() => rangeOf({ to: "tomorrow" }, NOW));
  expect(problem.extra.errors?.[0].parameter).toBe("to");
  expect(problem.detail).toContain("tomorrow");
  expect(problem.detail).toContain("now-15m");
});

for (
  const [text, minutes] of [
    ["1m", 1],
    ["5m", 5],
    ["1h", 60],
    ["1d", 1440],
    ["1w", 10_080],
    ["300s", 5],
    ["300", 5],
    ["0m", null],
    ["90s", null],
    ["1", null],
    ["m", null],
    ["1.5h", null],
    ["-1m", null],
    ["1y", null],
    ["", null],
  ] as const
) {
  Deno.test(`the step "${text}" is ${minutes === null ? "refused" : `${minutes} minutes`}`, () => {
    expect(parseStep(text)).toBe(minutes);
  });
}
