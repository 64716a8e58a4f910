import { expect } from "expect";
import { crc32c, crc32cPortable } from "./crc32c.ts";

/** RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
const KNOWN: readonly (readonly [string, Uint8Array, number])[] = [
  ["the digits 1 to 9", new TextEncoder().encode("123456789"), 0xe3069283],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["0 to 31", Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ["31 down to 0", Uint8Array.from({ length: 32 }, (_, index) => 31 - index), 0x113fdb5c],
  ["nothing", new Uint8Array(0), 0],
];

for (const [name, bytes, expected] of KNOWN) {
  Deno.test(`CRC32C of ${name} is the published one`, () => {
    expect(crc32c(bytes)).toBe(expected);
    expect(crc32cPortable(bytes)).toBe(expected);
  });
}

Deno.test("the portable checksum equals the one in use at every length and alignment", () => {
  const bytes = crypto.getRandomValues(new Uint8Array(300));
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const part = bytes.subarray(start, end);
      expect(crc32cPortable(part)).toBe(crc32c(part));
    }
  }
});
