import { expect } from "expect";
import fc from "fast-check";
import { asciiEnd, isValidUtf8 } from "./utf8.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
function decodes(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

Deno.test("every sequence of up to two bytes, and every third byte of a lead, is judged as the platform's decoder does", () => {
  const bytes = new Uint8Array(3);
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const third of [0x7f, 0x80, 0xbf, 0xc0]) {
        bytes.set([first, second, third]);
        if (isValidUtf8(bytes, 0, 3) !== decodes(bytes)) throw new Error(`differs at ${first} ${second} ${third}`);
      }
    }
  }
});

Deno.test("the edges of the code space are exact", () => {
  const valid = [
    "\u0000",
    "\u007f",
    "\u0080",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
  ];
  for (const text of valid) {
    expect(isValidUtf8(new TextEncoder().encode(text), 0, new TextEncoder().encode(text).length)).toBe(true);
  }
  for (
    const bytes of [[0xc0, 0x80], [0xe0, 0x9f, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xed, 0xa0, 0x80], [
      0xf4,
      0x90,
      0x80,
      0x80,
    ]]
  ) {
    expect(isValidUtf8(Uint8Array.from(bytes), 0, bytes.length)).toBe(false);
  }
});

Deno.test("text, broken text and noise at any place of a buffer are judged as the platform's decoder does", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
    fc.string({ unit: "grapheme-ascii", maxLength: 60 }).map((text) => new TextEncoder().encode(text)),
    fc.uint8Array({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), fc.nat(20), fc.nat(20), (pieces, before, cut) => {
      const all = Uint8Array.from(pieces.flatMap((part) => [...part]));
      const buffer = new Uint8Array(all.length + 40).fill(0xff);
      buffer.set(all, before);
      const bytes = buffer.subarray(3);
      if (before < 3) return;
      const start = before - 3;
      const end = start + Math.max(0, all.length - cut);
      expect(isValidUtf8(bytes, start, end)).toBe(decodes(bytes.subarray(start, end)));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("the end of the ASCII part is found at every position", () => {
  for (let length = 0; length < 50; length++) {
    for (let at = 0; at <= length; at++) {
      const bytes = new Uint8Array(length).fill(0x61);
      if (at < length) bytes[at] = 0x80;
      expect(asciiEnd(bytes, 0, length)).toBe(at);
    }
  }
});
