import { expect } from "expect";
import fc from "fast-check";
import { Buffer, isUtf8 } from "node:buffer";
import { rawText } from "./raw_text.ts";

const bytesOf = (...values: (number | string)[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => typeof value === "number" ? [value] : [...Buffer.from(value)]));

Deno.test("text in UTF-8 is shown as it is, with its byte order mark and its NULs", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    expect(rawText(Buffer.from(text, "utf8"))).toBe(Buffer.from(text, "utf8").toString("utf8"));
  }));
  expect(rawText(bytesOf("\ufeffa\0b"))).toBe("\ufeffa\0b");
});

for (
  const { what, bytes, text } of [
    { what: "a lone byte", bytes: bytesOf("GET /", 0xff, " ok"), text: "GET /\\xff ok" },
    { what: "a sequence cut short by the end", bytes: bytesOf("é", 0xe2, 0x82), text: "é\\xe2\\x82" },
    { what: "a sequence cut short by a letter", bytes: bytesOf(0xe2, 0x82, "a"), text: "\\xe2\\x82a" },
    { what: "an overlong slash", bytes: bytesOf(0xc0, 0xaf), text: "\\xc0\\xaf" },
    { what: "a surrogate", bytes: bytesOf(0xed, 0xa0, 0x80), text: "\\xed\\xa0\\x80" },
    { what: "more than U+10FFFF", bytes: bytesOf(0xf4, 0x90, 0x80, 0x80), text: "\\xf4\\x90\\x80\\x80" },
    { what: "an emoji between broken bytes", bytes: bytesOf(0x80, "🚲", 0xfe), text: "\\x80🚲\\xfe" },
  ]
) {
  Deno.test(`what is not UTF-8 is shown byte by byte: ${what}`, () => expect(rawText(bytes)).toBe(text));
}

Deno.test("the bytes can be told from the text, whatever they are", () => {
  // Without backslashes among the bytes, \xNN can only have been written for a byte.
  const bytes = fc.uint8Array({ maxLength: 40 }).map((all) => all.filter((byte) => byte !== 0x5c));
  fc.assert(fc.property(bytes, (record) => {
    const parts = rawText(record).split(/\\x([0-9a-f]{2})/);
    const back = parts.map((part, i) => i % 2 === 1 ? Buffer.from(part, "hex") : Buffer.from(part, "utf8"));
    expect(new Uint8Array(Buffer.concat(back))).toEqual(new Uint8Array(record));
    if (isUtf8(record)) expect(parts).toHaveLength(1);
  }));
});
