import { expect } from "expect";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { LineSplitter, LineTooLong } from "./lines.ts";

/** Feeds `bytes` in chunks that end at `cuts`, and answers the lines as latin-1 text. */
async function linesOf(bytes: Uint8Array, cuts: readonly number[], lineBytesMax = 1_000_000): Promise<string[]> {
  const lines: string[] = [];
  const splitter = new LineSplitter(lineBytesMax, (line) => {
    lines.push(Buffer.from(line).toString("latin1"));
  });
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    // The buffer of a chunk is reused by its reader: a splitter that kept views of it would see this.
    const chunk = bytes.slice(start, cut);
    await splitter.push(chunk);
    chunk.fill(0);
    start = cut;
  }
  await splitter.push(bytes.slice(start));
  await splitter.end();
  return lines;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("lines end with LF or CRLF, empty ones are passed over, the last needs no end", async () => {
  expect(await linesOf(ascii("a\nb\r\n\n\r\nc"), [])).toEqual(["a", "b", "c"]);
  expect(await linesOf(ascii(""), [])).toEqual([]);
  expect(await linesOf(ascii("\n\n"), [])).toEqual([]);
});

Deno.test("only the line end is taken away: NULs, spaces and other carriage returns stay", async () => {
  expect(await linesOf(ascii("\0a\rb\r\r\n \n"), [])).toEqual(["\0a\rb\r", " "]);
});

Deno.test("the same lines come out wherever the chunks are cut", async () => {
  const byte = fc.constantFrom(10, 10, 13, 0, 0x61, 0xff);
  await fc.assert(fc.asyncProperty(
    fc.array(byte, { maxLength: 200 }),
    fc.array(fc.nat(200), { maxLength: 8 }),
    async (values, cuts) => {
      const bytes = Uint8Array.from(values);
      const expected = Buffer.from(bytes).toString("latin1").split("\n")
        .map((line) => line.endsWith("\r") ? line.slice(0, -1) : line).filter((line) => line !== "");
      expect(await linesOf(bytes, cuts.filter((cut) => cut <= bytes.length))).toEqual(expected);
    },
  ));
});

Deno.test("a line of exactly the limit is taken, a longer one is named by its number", async () => {
  expect(await linesOf(ascii("12345\r\n12345"), [3], 5)).toEqual(["12345", "12345"]);
  for (const text of ["ok\n\n123456", "ok\n\n123456\nmore", "ok\n\n123456789012"]) {
    for (const cuts of [[], [5], [5, 7, 9]]) {
      const error = await linesOf(ascii(text), cuts, 5).catch((error) => error);
      expect(error).toBeInstanceOf(LineTooLong);
      expect(error.lineNumber).toBe(3);
    }
  }
});

Deno.test("a taker that is busy is waited for", async () => {
  const order: string[] = [];
  const splitter = new LineSplitter(100, async (line) => {
    order.push(`begin ${Buffer.from(line)}`);
    await Promise.resolve();
    order.push(`end ${Buffer.from(line)}`);
  });
  await splitter.push(ascii("a\nb\n"));
  expect(order).toEqual(["begin a", "end a", "begin b", "end b"]);
});
