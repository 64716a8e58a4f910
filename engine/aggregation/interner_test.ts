import { expect } from "expect";
import fc from "fast-check";
import { EMPTY_ID, Interner } from "./interner.ts";

const encoder = new TextEncoder();

Deno.test("two ids are equal exactly where the strings are", () => {
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 400 }), (values) => {
    const interner = new Interner();
    const known = new Map<string, number>([["", EMPTY_ID]]);
    for (const value of values) {
      const padded = encoder.encode(`xx${value}yy`);
      const id = interner.intern(padded, 2, padded.length - 2);
      const before = known.get(value.toWellFormed());
      if (before === undefined) expect([...known.values()]).not.toContain(id);
      else expect(id).toBe(before);
      known.set(value.toWellFormed(), id);
      expect(interner.text(id)).toBe(value.toWellFormed());
    }
  }));
});

Deno.test("values whose hashes collide stay apart", () => {
  // 200 000 values make collisions of a 32-bit hash all but certain (expected: 4.7).
  const interner = new Interner();
  const ids = new Set<number>();
  for (let i = 0; i < 200_000; i++) {
    const bytes = encoder.encode(`/path/${i}/x`);
    ids.add(interner.intern(bytes, 0, bytes.length));
  }
  expect(ids.size).toBe(200_000);
  const again = encoder.encode("/path/77777/x");
  expect(interner.text(interner.intern(again, 0, again.length))).toBe("/path/77777/x");
});
