import { expect } from "expect";
import fc from "fast-check";
import { type ErrorsView, readErrors, SORTS, writeErrors } from "./errors_state.ts";

Deno.test("a view of errors comes back from its address as it was", () => {
  const text = fc.string({ minLength: 1, unit: "binary" }).map((text) => text.toWellFormed());
  const view: fc.Arbitrary<ErrorsView> = fc.record({
    topic: fc.option(text),
    opened: fc.option(fc.record({ kind: fc.constantFrom("incident" as const, "fingerprint" as const), id: text })),
    service: fc.option(fc.oneof(text, fc.constant(""))),
    q: fc.oneof(text, fc.constant("")),
    sort: fc.constantFrom(...SORTS),
    hasResolved: fc.boolean(),
  });
  fc.assert(fc.property(view, (given) => expect(readErrors(writeErrors(given))).toEqual(given)));
});

Deno.test("what cannot be read of an address counts as not given", () => {
  expect(readErrors("?topic=&incident=&sort=by-moon&resolved=maybe")).toEqual({
    topic: null,
    opened: null,
    service: null,
    q: "",
    sort: "recent",
    hasResolved: false,
  });
});
