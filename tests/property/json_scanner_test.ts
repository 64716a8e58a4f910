/**
 * The JSON parser against JSON.parse: whatever the bytes, it takes exactly the records that JSON.parse takes (objects
 * of at most 512 levels), and finds the same fields. One parser reads all cases, so that what it learnt from one
 * record meets the next. Repeat a failure with the seed that it prints: MILLRACE_SEED=n deno test -A <this file>.
 */
import { expect } from "expect";
import fc from "fast-check";
import { EventFields } from "../../core/minutes/fields.ts";
import { json } from "../../engine/parsing/json.ts";
import { USUAL_NAMES } from "../../engine/parsing/json_names.ts";
import { actualReading, expectedReading } from "./json_oracle.ts";
import { mutate, MUTATION_SEEDS } from "./json_mutations.ts";

const encoder = new TextEncoder();
const parser = json.compile({ timeZone: "UTC", mapping: {} });
const out = new EventFields();

/** Records lie amid others: what stands around them must not matter. */
const SURROUNDINGS = ["", '"', '"}', "}", '{"level":"', ',"a":1}', "0", " ", "\\", "\xff"].map((text) =>
  encoder.encode(text)
);

function read(record: Uint8Array, around = 0): ReturnType<typeof actualReading> {
  const before = SURROUNDINGS[around % SURROUNDINGS.length];
  const after = SURROUNDINGS[(around * 7 + 3) % SURROUNDINGS.length];
  const bytes = new Uint8Array(before.length + record.length + after.length);
  bytes.set(before);
  bytes.set(record, before.length);
  bytes.set(after, before.length + record.length);
  return actualReading(parser.parse(bytes, before.length, before.length + record.length, 0, out), out);
}

function expectSame(record: Uint8Array, around = 0): void {
  expect(read(record, around)).toEqual(expectedReading(record, USUAL_NAMES));
}

const names = Object.values(USUAL_NAMES).flat();
const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...names) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("attributes", "resource", "http", "log", "kubernetes", "labels", "event", "error"),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "", "toString", "\ufefflevel", "ключ", "a.b") },
);
const texts = fc.oneof(
  fc.constantFrom(
    ..."INFO info warning ERROR 30 GET /api/users/7?x=1 200 12.3ms 1.2s -5 1e3 .5 eur 2026-03-01T10:00:00Z".split(" "),
    "1700000000.123",
    "",
    " ",
    'a b\n"c" \\ \u2028 \ud83d\ude00 \ud800 \u0000',
    "Ünïcödé 日本語",
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ maxLength: 40 }),
);
const numbers = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9]\d{0,3})(\.\d{1,5})?([eE][-+]?\d{1,2})?$/),
  fc.stringMatching(/^-?(0|[1-9]\d{0,21})(\.\d{1,22})?$/),
  fc.constantFrom(
    "0",
    "-0",
    "200",
    "30",
    "9",
    "1700000000",
    "1700000000123456789",
    "12.3455",
    "1e400",
    "0.0000001",
    "5e-7",
    "4.50",
  ),
);

/** A string's literal, with any character escaped or not. */
const literals = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(text, fc.constantFrom(0, 0, 0, 1, 2)).map(([some, escapes]) => {
    if (escapes === 0) return JSON.stringify(some);
    const hex = (unit: string) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `"${
      some.split("").map((unit) =>
        unit < " " || '"\\'.includes(unit) || escapes === 2 ? hex(unit) : unit === "/" ? "\\/" : unit
      )
        .join("")
    }"`;
  });
const spaces = fc.constantFrom("", "", "", " ", "\n", " \t\r\n");

const { record } = fc.letrec<{ record: string; value: string; array: string }>((tie) => {
  const member = fc.tuple(spaces, literals(keys), spaces, tie("value"), spaces)
    .map(([before, key, between, value, after]) => `${before}${key}${between}:${between}${value}${after}`);
  const attribute = fc.tuple(
    literals(fc.constantFrom(...names)),
    fc.constantFrom("stringValue", "intValue", "doubleValue", "boolValue", "x"),
    tie("value"),
  )
    .map(([key, kind, value]) => `{"key":${key},"value":{"${kind}":${value}}}`);
  return {
    record: fc.tuple(fc.array(member, { maxLength: 8 }), spaces).map(([members, space]) =>
      `{${members.join(",") || space}}`
    ),
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      { weight: 6, arbitrary: literals(texts) },
      { weight: 4, arbitrary: numbers },
      { weight: 1, arbitrary: fc.constantFrom("true", "false", "null", "{}", "[]", "[ ]", "{ }") },
      { weight: 2, arbitrary: tie("record") },
      { weight: 1, arbitrary: tie("array") },
    ),
    array: fc.oneof(
      fc.array(tie("value"), { maxLength: 3 }).map((values) => `[${values.join(", ")}]`),
      fc.array(attribute, { maxLength: 4 }).map((values) => `[${values.join(",")}]`),
    ),
  };
});

Deno.test("generated JSON objects are taken and have the fields that JSON.parse finds", () => {
  fc.assert(
    fc.property(record, spaces, fc.nat(99), (text, space, around) => {
      expectSame(encoder.encode(space + text + space), around);
    }),
    { numRuns: 6000 },
  );
});

Deno.test("the same layout with other values is read from what was learnt", () => {
  const value = fc.oneof(
    literals(texts),
    numbers,
    fc.constantFrom("null", "true", "{}", "[1]", '{"level":"WARN","name":"x"}'),
  );
  const layout = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(
      layout,
      fc.array(fc.array(value, { minLength: 6, maxLength: 6 }), { minLength: 2, maxLength: 6 }),
      (keys, rows) => {
        for (const row of rows) {
          expectSame(encoder.encode(`{${keys.map((key, i) => `"${key}":${row[i]}`).join(",")}}`));
        }
      },
    ),
    { numRuns: 1500 },
  );
});

Deno.test("other values of any kind, and no values, are refused as JSON.parse refuses them", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.json(), spaces, fc.string({ unit: "binary" }), literals(texts)),
      (text) => expectSame(encoder.encode(text)),
    ),
    { numRuns: 2000 },
  );
});

Deno.test("bytes at random are refused as JSON.parse refuses them", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => expectSame(bytes)), { numRuns: 1000 });
});

Deno.test("25 000 mutations of real records are read as JSON.parse reads them", () => {
  const seed = Number(Deno.env.get("MILLRACE_SEED") ?? Date.now() % 1_000_000);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  let taken = 0;
  for (let i = 0; i < 25_000; i++) {
    const record = mutate(MUTATION_SEEDS[random(MUTATION_SEEDS.length)], random);
    const expected = expectedReading(record, USUAL_NAMES);
    const actual = read(record, i);
    if (typeof expected !== "string") taken++;
    if (JSON.stringify(sorted(actual)) !== JSON.stringify(sorted(expected))) {
      console.error(`seed ${seed}, case ${i}: ${new TextDecoder().decode(record)} = [${record}]`);
      expect(actual).toEqual(expected);
    }
  }
  // A fuzzer whose records are all broken, or all whole, would show nothing.
  expect(taken).toBeGreaterThan(5000);
  expect(taken).toBeLessThan(22_000);
});

function sorted(reading: ReturnType<typeof actualReading>): unknown {
  return typeof reading === "string" ? reading : Object.entries(reading).sort(([a], [b]) => a < b ? -1 : 1);
}
