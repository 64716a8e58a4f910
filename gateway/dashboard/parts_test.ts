import { expect } from "expect";
import { lengthOf } from "./parts.ts";

Deno.test("a length of time is told in the unit that people would use", () => {
  const said = [0, 59.96, 119, 120, 7199, 7200, 172_799, 172_800, 363_975_522].map(lengthOf);
  expect(said).toEqual(["0 s", "60 s", "119 s", "2 min", "120 min", "2 h", "48 h", "2 days", "4.2K days"]);
});
