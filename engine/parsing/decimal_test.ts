import { expect } from "expect";
import fc from "fast-check";
import { readDecimal, readDuration } from "./decimal.ts";

const encoder = new TextEncoder();

function decimal(text: string, shift: number): number {
  const bytes = encoder.encode(`1${text}1`);
  return readDecimal(bytes, 1, bytes.length - 1, shift);
}

function duration(text: string, unitExponent = 0): number {
  const bytes = encoder.encode(text);
  return readDuration(bytes, 0, bytes.length, 3, unitExponent);
}

/** Independent of the code: all digits in a BigInt, then one division, rounded half away from zero. */
function exact(text: string, shift: number): number {
  const [, sign, whole, fraction = "", exponent = "0"] = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const power = Number(exponent) + shift - fraction.length;
  const digits = BigInt(whole + fraction);
  const divisor = 10n ** BigInt(Math.max(0, -power));
  const scaled = (2n * digits * 10n ** BigInt(Math.max(0, power)) + divisor) / (2n * divisor);
  if (scaled > BigInt(Number.MAX_SAFE_INTEGER)) return NaN;
  return scaled === 0n ? 0 : Number(sign === "-" ? -scaled : scaled);
}

Deno.test("halves are rounded away from zero by their digits", () => {
  expect(decimal("12.3455", 3)).toBe(12346);
  expect(decimal("-12.3455", 3)).toBe(-12346);
  expect(decimal("1.0005", 3)).toBe(1001);
  expect(decimal("0.0004999999999999999999999", 3)).toBe(0);
  expect(decimal("0.5", 0)).toBe(1);
  expect(decimal("2.675", 2)).toBe(268);
});

Deno.test("any decimal is read as exact arithmetic reads it", () => {
  const digits = fc.stringMatching(/^\d{1,20}$/);
  const texts = fc.tuple(
    fc.constantFrom("", "-", "+"),
    digits,
    fc.option(digits),
    fc.option(fc.tuple(fc.constantFrom("e", "E"), fc.integer({ min: -30, max: 30 }))),
  ).map(([sign, whole, fraction, power]) =>
    sign + whole + (fraction === null ? "" : `.${fraction}`) + (power === null ? "" : power.join(""))
  );
  fc.assert(
    fc.property(texts, fc.integer({ min: -6, max: 7 }), (text, shift) => {
      expect([text, decimal(text, shift)]).toEqual([text, exact(text, shift)]);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("zero has no sign, and what is too small is zero", () => {
  for (const text of ["0", "-0", "-0.0", "0e9999999999", "-0.0001", "1e-400", "-1e-400"]) {
    expect(Object.is(decimal(text, 3), 0)).toBe(true);
  }
});

Deno.test("a number beyond 2^53 units, and text that is no number, is none", () => {
  for (const text of ["9007199254741", "1e400", "1e16", "-1e99999999999999", "9007199254740.9915"]) {
    expect([text, decimal(text, 3)]).toEqual([text, NaN]);
  }
  expect(decimal("9007199254740.991", 3)).toBe(Number.MAX_SAFE_INTEGER);
  for (
    const text of ["", "-", ".", "+.", "1.2.3", "1e", "1e+", "abc", "1 ", " 1", "0x10", "1,5", "Infinity", "NaN", "--1"]
  ) {
    expect([text, decimal(text, 3)]).toEqual([text, NaN]);
  }
});

Deno.test("strings may leave out digits before or after the point", () => {
  expect(decimal(".5", 3)).toBe(500);
  expect(decimal("5.", 3)).toBe(5000);
  expect(decimal("007", 0)).toBe(7);
});

Deno.test("a duration says its unit, or its key does", () => {
  expect(duration("12.3ms")).toBe(12_300);
  expect(duration("1.2s")).toBe(1_200_000);
  expect(duration("1.2 s", -6)).toBe(1_200_000);
  expect(duration("850µs")).toBe(850);
  expect(duration("850μs")).toBe(850);
  expect(duration("850us")).toBe(850);
  expect(duration("1500ns")).toBe(2);
  expect(duration("12.5")).toBe(12_500);
  expect(duration("0.25", 3)).toBe(250_000);
  expect(duration("1234567", -6)).toBe(1235);
  for (const text of ["", "ms", "5 parsecs", "1m30s", "12.3xs", "s", "1e3ks"]) {
    expect([text, duration(text)]).toEqual([text, NaN]);
  }
});
