import { expect } from "expect";
import fc from "fast-check";
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { chosenValues, excluding, fieldOf, including, withCondition, withValues } from "./conditions.ts";
import { parseWhere } from "../where.ts";

Deno.test("a condition means to the API the very value that was clicked", () => {
  fc.assert(fc.property(fc.constantFrom(...TEXT_FIELDS), fc.string({ unit: "binary" }), (field, value) => {
    expect(parseWhere([including(field, value), excluding(field, value)], TEXT_FIELDS)).toEqual([
      { field, op: "in", values: [value] },
      { field, op: "not_in", values: [value] },
    ]);
    expect(fieldOf(including(field, value))).toBe(field);
    expect(fieldOf(excluding(field, value))).toBe(field);
  }));
});

Deno.test("a value is included or excluded, once and not both", () => {
  const once = withCondition(["host=a"], "service", "cart", true);
  expect(once).toEqual(["host=a", "service=cart"]);
  expect(withCondition(once, "service", "cart", true)).toEqual(once);
  expect(withCondition(once, "service", "cart", false)).toEqual(["host=a", "service!=cart"]);
});

Deno.test("values that are chosen together are those that the API takes, and are read back", () => {
  const texts = fc.uniqueArray(fc.string({ unit: "binary", minLength: 1 }), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(texts, (values) => {
    const where = withValues(["service=cart", "level=INFO", "level!=DEBUG"], "level", values);
    expect(parseWhere(where, TEXT_FIELDS)).toEqual([
      { field: "service", op: "in", values: ["cart"] },
      { field: "level", op: "not_in", values: ["DEBUG"] },
      { field: "level", op: "in", values },
    ]);
    expect(chosenValues(where, "level")).toEqual(values);
  }));
  expect(withValues(["level=INFO"], "level", [])).toEqual([]);
  expect(chosenValues(["service=level=x"], "level")).toBeNull();
});
