import { expect } from "expect";
import fc from "fast-check";
import { EventFields } from "../../core/minutes/fields.ts";
import { Kernel } from "../kernel/kernel.ts";
import { NOT_CACHED, TupleCache } from "./tuple_cache.ts";

const encoder = new TextEncoder();
const SLOTS = [0, 3];

function fieldsOf(values: readonly (string | null)[]): EventFields {
  const fields = new EventFields();
  fields.clear(encoder.encode(`..${values.map((value) => value ?? "").join("")}`));
  let at = 2;
  values.forEach((value, i) => {
    if (value === null) return;
    fields.starts[SLOTS[i]] = at;
    at += encoder.encode(value).length;
    fields.ends[SLOTS[i]] = at;
  });
  return fields;
}

Deno.test("what is found is always what was put for these very values and cells", () => {
  // Values that agree in length, first, middle and last byte: all that the hash looks at.
  const value = fc.oneof(fc.constantFrom("axbxc", "aybxc", "axbyc", "aybyc", "", "é"), fc.string({ maxLength: 90 }));
  const tuple = fc.tuple(fc.option(value), fc.option(value));
  fc.assert(fc.property(fc.array(fc.tuple(tuple, fc.integer({ min: 1, max: 2 })), { maxLength: 300 }), (asked) => {
    const cache = new TupleCache(SLOTS, new Kernel());
    const cells = new Map<string, number>();
    for (const [values, serial] of asked) {
      const fields = fieldsOf(values);
      const key = JSON.stringify([values, serial]);
      const found = cache.find(fields, serial);
      const known = cells.get(key);
      if (found !== NOT_CACHED) {
        expect(found).toBe(known);
        expect(cache.isError).toBe(found % 2 === 1);
        continue;
      }
      const cell = known ?? cells.size;
      cells.set(key, cell);
      cache.put(serial, cell, cell % 2 === 1);
      expect(cache.isError).toBe(cell % 2 === 1);
    }
  }));
});

Deno.test("a combination that was just put is found again", () => {
  const cache = new TupleCache(SLOTS, new Kernel());
  const fields = fieldsOf(["cart", "/orders"]);
  expect(cache.find(fields, 1)).toBe(NOT_CACHED);
  cache.put(1, 7, true);
  expect(cache.find(fieldsOf(["cart", "/orders"]), 1)).toBe(7);
});
