import { expect } from "expect";
import { HEAD_KEY, readErrors } from "./documents.ts";

Deno.test("a place in the log that cannot be read is told, and never taken for the beginning", () => {
  for (const text of ["{", "{}", '{"positions":{"0":"12"}}']) {
    expect(() => readErrors(new Map([[HEAD_KEY, text]]))).toThrow("how far the log was read is unknown");
  }
  expect(readErrors(new Map()).head).toBeNull();
});

Deno.test("a fingerprint that cannot be read is left aside, and the others stay", () => {
  expect(readErrors(new Map([["fingerprint/a", "{"], ["incident/b", "[]"]]))).toEqual({
    head: null,
    fingerprints: [],
    incidents: [],
  });
});
