import { expect } from "expect";
import fc from "fast-check";
import { Problem } from "./problem.ts";
import { parseWhere } from "./where.ts";

const FIELDS = ["level", "endpoint"] as const;

Deno.test("conditions are equality, inequality and prefix, with alternatives", () => {
  expect(parseWhere(["level=ERROR|FATAL", "level!=INFO", "endpoint^=/api|/v2"], FIELDS)).toEqual([
    { field: "level", op: "in", values: ["ERROR", "FATAL"] },
    { field: "level", op: "not_in", values: ["INFO"] },
    { field: "endpoint", op: "prefix", values: ["/api", "/v2"] },
  ]);
});

Deno.test("an empty value means that the field is absent", () => {
  expect(parseWhere(["level="], FIELDS)).toEqual([{ field: "level", op: "in", values: [""] }]);
});

Deno.test("any values come back as they were, with | and backslash escaped", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 4 }), (values) => {
    const text = values.map((value) => value.replaceAll("\\", "\\\\").replaceAll("|", "\\|")).join("|");
    expect(parseWhere([`endpoint=${text}`], FIELDS)[0].values).toEqual(values);
  }));
});

for (const text of ["", "level", "level>3", "=ERROR", "LEVEL=x", "level ERROR", "; DROP TABLE events=1"]) {
  Deno.test(`"${text}" is no condition`, () => {
    expect(() => parseWhere([text], FIELDS)).toThrow(Problem);
  });
}

Deno.test("an unknown field is answered with the fields that there are", () => {
  expect(() => parseWhere(["status=200"], FIELDS)).toThrow(/status.*level, endpoint/);
});
