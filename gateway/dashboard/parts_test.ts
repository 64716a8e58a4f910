import { expect } from "expect";
import { lengthOf, stepWords } from "./parts.ts";

Deno.test("a length of time is told in the unit that people would use", () => {
  const said = [0, 59.96, 119, 120, 7199, 7200, 172_799, 172_800, 63_000_000, 363_975_522].map(lengthOf);
  expect(said).toEqual([
    "0 s",
    "60 s",
    "119 s",
    "2 min",
    "120 min",
    "2 h",
    "48 h",
    "2 days",
    "729.2 days",
    "11.5 years",
  ]);
});

Deno.test("what a point is of is told in the unit that people would use", () => {
  expect(["1m", "5m", "60m", "180m", "1440m", "10080m"].map(stepWords)).toEqual([
    ...["per minute", "per 5 minutes", "per hour", "per 3 hours", "per day", "per 7 days"],
  ]);
});
