import { expect } from "expect";
import fc from "fast-check";
import {
  ClfTime,
  compileTemplate,
  IsoTime,
  writeBytes,
  writeDigits,
  writeFixed,
  writeHex,
  writeInteger,
} from "./template.ts";

function written(write: (out: Uint8Array, at: number) => number): string {
  const out = new Uint8Array(256).fill(0x2e);
  return new TextDecoder().decode(out.subarray(3, write(out, 3)));
}

const timeMs = fc.integer({ min: 0, max: 253_402_300_799_999 });

Deno.test("whole numbers are written as String writes them", () => {
  fc.assert(fc.property(fc.oneof(fc.maxSafeNat(), fc.nat(100_000), fc.constantFrom(0, 9, 10, 99, 100)), (value) => {
    expect(written((out, at) => writeInteger(value, out, at))).toBe(String(value));
    expect(written((out, at) => writeDigits(value, 17, out, at))).toBe(String(value).padStart(17, "0"));
  }));
});

Deno.test("numbers with digits after the point are written as toFixed writes them", () => {
  fc.assert(fc.property(fc.nat(100_000_000), (units) => {
    expect(written((out, at) => writeFixed(units, 3, out, at))).toBe((units / 1000).toFixed(3));
  }));
});

Deno.test("words are written as eight hexadecimal digits", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (word) => {
    expect(written((out, at) => writeHex(word, out, at))).toBe(word.toString(16).padStart(8, "0"));
  }));
});

Deno.test("times are written as toISOString writes them, whatever was written before", () => {
  const time = new IsoTime();
  fc.assert(fc.property(fc.array(timeMs, { minLength: 1 }), fc.nat(2000), (times, stepMs) => {
    for (const ms of times.flatMap((ms) => [ms, Math.min(ms + stepMs, 253_402_300_799_999), ms])) {
      expect(written((out, at) => time.write(ms, out, at))).toBe(new Date(ms).toISOString());
    }
  }));
});

Deno.test("access log times are those of the known example, and of UTC", () => {
  const time = new ClfTime();
  const known = Date.UTC(2000, 9, 10, 20, 55, 36);
  expect(written((out, at) => time.write(known + 999, out, at))).toBe("10/Oct/2000:20:55:36 +0000");
  fc.assert(fc.property(timeMs, (ms) => {
    const [, day, month, year, clock] = /^\w+, (\d\d) (\w+) (\d+) (.+) GMT$/.exec(new Date(ms).toUTCString()) ?? [];
    expect(written((out, at) => time.write(ms, out, at))).toBe(`${day}/${month}/${year}:${clock} +0000`);
  }));
});

Deno.test("a template is its text with the holes filled in, short and long pieces alike", () => {
  const long = "x".repeat(100);
  const template = compileTemplate<{ n: number; word: string }>(`<n>${long}<word><n>é end`, {
    n: ({ n }, out, at) => writeInteger(n, out, at),
    word: ({ word }, out, at) => writeBytes(new TextEncoder().encode(word), out, at),
  });
  expect(written((out, at) => template({ n: 42, word: "so" }, out, at))).toBe(`42${long}so42é end`);
});

Deno.test("any text is written as it is, between holes and at the end, in two arrays in turn", () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom("\x7f", "\0", "é", "日", "\u{10ffff}"), fc.string()) })
    .map((any) => any.replaceAll(/[<\ud800-\udfff]/gu, "~"));
  const holes = { n: (n: number, out: Uint8Array, at: number) => writeInteger(n, out, at) };
  fc.assert(fc.property(text, text, fc.nat(), (a, b, n) => {
    const template = compileTemplate(`${a}<n>${b}`, holes);
    for (let k = 0; k < 2; k++) {
      const out = new Uint8Array(8_000);
      const end = template(n, out, template(n, out, 3));
      expect(new TextDecoder("utf-8", { ignoreBOM: true }).decode(out.subarray(3, end))).toBe(`${a}${n}${b}`.repeat(2));
    }
  }));
});

Deno.test("a hole that is not known is refused when the template is compiled", () => {
  expect(() => compileTemplate("<constructor>", {})).toThrow("<constructor>");
});
