import { expect } from "expect";
import fc from "fast-check";
import { MillraceError } from "../../core/errors.ts";
import { LineSplitter } from "./lines.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** The lines of chunks, each with its number. */
function linesOf(chunks: readonly Uint8Array[], lineBytesMax = 1000): { lines: string[]; numbers: number[] } {
  const splitter = new LineSplitter(lineBytesMax);
  const lines: string[] = [];
  const numbers: number[] = [];
  const take = (): void => {
    lines.push(latin(splitter.bytes.subarray(splitter.start, splitter.end)));
    numbers.push(splitter.lineNumber);
  };
  for (const chunk of chunks) {
    splitter.push(chunk);
    while (splitter.next()) take();
  }
  if (splitter.finish()) take();
  return { lines, numbers };
}

Deno.test("lines end at line feeds, the last one with or without", () => {
  expect(linesOf([encode("a\nbc\n")]).lines).toEqual(["a", "bc"]);
  expect(linesOf([encode("a\nbc")]).lines).toEqual(["a", "bc"]);
  expect(linesOf([]).lines).toEqual([]);
});

Deno.test("CRLF ends a line as LF does, also where a chunk ends between the two", () => {
  expect(linesOf([encode("a\r\nb\r"), encode("\nc\r")]).lines).toEqual(["a", "b", "c"]);
  expect(linesOf([encode("a\rb\n")]).lines).toEqual(["a\rb"]);
});

Deno.test("empty lines are stepped over and still numbered", () => {
  expect(linesOf([encode("\n\r\na\n\n"), encode("\nb")])).toEqual({ lines: ["a", "b"], numbers: [3, 6] });
});

Deno.test("NULs and bytes that are not UTF-8 are kept as they are", () => {
  expect(linesOf([new Uint8Array([0, 255, 10, 128])]).lines).toEqual(["\x00\xff", "\x80"]);
});

Deno.test("a byte order mark before the first line is not part of it", () => {
  expect(linesOf([new Uint8Array([0xef]), new Uint8Array([0xbb, 0xbf, 97, 10]), encode("b\n")]).lines)
    .toEqual(["a", "b"]);
});

Deno.test("a line that is too long is refused with its number, however it arrives", () => {
  const long = "x".repeat(11);
  for (const chunks of [["a\n", `${long}\n`], ["a\nxxxxx", "xxxxxx\n"], [`a\n${long}`], ["a\n", long, long]]) {
    expect(() => linesOf(chunks.map(encode), 10)).toThrow(/^line 2 is longer than 10 B$/);
  }
  expect(() => linesOf([encode(long)], 10)).toThrow(MillraceError);
  expect(linesOf([encode("a\nxxxxx"), encode("xxxxx\r\n")], 10).lines).toEqual(["a", "xxxxxxxxxx"]);
});

Deno.test("any bytes in any chunks give the lines of the whole", () => {
  const bytes = fc.array(fc.constantFrom(10, 13, 97, 0, 255), { maxLength: 60 });
  fc.assert(fc.property(bytes, fc.array(fc.nat(60), { maxLength: 6 }), (content, cuts) => {
    const whole = new Uint8Array(content);
    const ends = [...cuts.filter((cut) => cut <= whole.length), whole.length].sort((a, b) => a - b);
    const chunks = ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
    const expected = latin(whole).split("\n").map((line) => line.replace(/\r$/, "")).filter((line) => line !== "");
    expect(linesOf(chunks).lines).toEqual(expected);
  }));
});
