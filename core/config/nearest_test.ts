import { expect } from "expect";
import { didYouMean, nearest } from "./nearest.ts";

const NAMES = ["produce", "doctor", "dev", "config"];

Deno.test("a slip of the hand finds the name that was meant", () => {
  expect(nearest("prodcue", NAMES)).toBe("produce");
  expect(nearest("Docter", NAMES)).toBe("doctor");
  expect(nearest("de", NAMES)).toBe("dev");
  expect(nearest("confg", NAMES)).toBe("config");
});

Deno.test("a name that is not near is not guessed at", () => {
  expect(nearest("kubernetes", NAMES)).toBeNull();
  expect(didYouMean("kubernetes", NAMES)).toBe("");
});
