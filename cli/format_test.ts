import { expect } from "expect";
import { formatBytes, formatCount, formatDuration, formatPlural } from "./format.ts";

Deno.test("counts of five digits or more are grouped by three", () => {
  expect([0, 999, 5000, 12_500, 1_234_567.6].map(formatCount)).toEqual(["0", "999", "5000", "12 500", "1 234 568"]);
  expect([formatPlural(1, "record"), formatPlural(0, "record")]).toEqual(["1 record", "0 records"]);
});

Deno.test("sizes have one decimal and never four digits before it", () => {
  expect([0, 999, 1000, 999_949, 999_950, 1_162_930, 5e12].map(formatBytes))
    .toEqual(["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 MB", "5.0 TB"]);
});

Deno.test("durations use two units at most", () => {
  expect([35, 400, 59_900, 60_000, 75_000, 3_599_600, 7_260_000].map(formatDuration))
    .toEqual(["35 ms", "0.4 s", "59.9 s", "1 min 0 s", "1 min 15 s", "1 h 0 min", "2 h 1 min"]);
});
