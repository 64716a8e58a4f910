import { expect } from "expect";
import { stopDecision } from "./signals.ts";

Deno.test("a Ctrl-C that deno task and npx pass on again stops in order; the next one ends at once", () => {
  const decide = stopDecision();
  expect([0, 1, 30, 900].map(decide)).toEqual(["stop", "ignore", "ignore", "ignore"]);
  expect(decide(1500)).toBe("end");
});
