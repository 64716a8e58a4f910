import { expect } from "expect";
import { gzipSync } from "node:zlib";
import { MillraceError } from "../../core/errors.ts";
import { openInput } from "./input.ts";

async function withFile(content: Uint8Array, run: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, content);
    await run(path);
  } finally {
    await Deno.remove(path);
  }
}

async function contentOf(path: string): Promise<string> {
  const input = await openInput(path);
  try {
    let text = "";
    for await (const chunk of input.chunks) text += new TextDecoder("latin1").decode(chunk);
    expect(input.readBytes()).toBe(input.sizeBytes);
    return text;
  } finally {
    input.close();
  }
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof MillraceError) return error.code;
    throw error;
  }
  return "none";
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join("");

Deno.test("a plain file is read as it is, whatever its length", async () => {
  for (const text of ["", "\x1f", "a", lines]) {
    await withFile(encode(text), async (path) => expect(await contentOf(path)).toBe(text));
  }
});

Deno.test("gzip is told by its first bytes, not its name, and may have several members", async () => {
  await withFile(gzipSync(encode(lines)), async (path) => expect(await contentOf(path)).toBe(lines));
  const members = new Uint8Array([...gzipSync(encode("one\n")), ...gzipSync(encode("two\n"))]);
  await withFile(members, async (path) => expect(await contentOf(path)).toBe("one\ntwo\n"));
});

Deno.test("a damaged or cut gzip file is an error, not an end", async () => {
  const whole = gzipSync(encode(lines));
  await withFile(whole.subarray(0, whole.length - 20), async (path) => {
    expect(await codeOf(contentOf(path))).toBe("CORRUPT_DATA");
  });
  await withFile(new Uint8Array([0x1f, 0x8b, 1, 2, 3, 4]), async (path) => {
    expect(await codeOf(contentOf(path))).toBe("CORRUPT_DATA");
  });
});

Deno.test("a missing file and a directory are refused before anything is done", async () => {
  const directory = await Deno.makeTempDir();
  await expect(openInput(`${directory}/none.log`)).rejects.toThrow(/none.log: no such file$/);
  await expect(openInput(directory)).rejects.toThrow(/is a directory$/);
  expect(await codeOf(openInput(directory))).toBe("FILE_UNAVAILABLE");
  await Deno.remove(directory);
});
