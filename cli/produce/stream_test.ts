import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import type { Input } from "./input.ts";
import { type RecordSink, Undelivered } from "./sink.ts";
import { streamLines, type StreamOptions, type StreamResult } from "./stream.ts";

/** Keeps what is flushed, a few records at a time; the given flush fails. */
class MemorySink implements RecordSink {
  readonly partitions = 1;
  readonly flushed: string[][] = [];
  #added: string[] = [];

  constructor(private readonly roomRecords = 1000, private readonly failure?: { flush: number; error: Error }) {}

  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#added.length === this.roomRecords) return false;
    this.#added.push(new TextDecoder().decode(bytes.subarray(start, end)));
    return true;
  }

  flush(): Promise<void> {
    if (this.failure?.flush === this.flushed.length + 1) return Promise.reject(this.failure.error);
    this.flushed.push(this.#added);
    this.#added = [];
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* chunksOf(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.slice(at, at + size));
}

function inputOf(chunks: AsyncIterable<Uint8Array>): Input {
  return { name: "test.log", sizeBytes: null, readBytes: () => 0, chunks, close: () => {} };
}

const never = new Promise<void>(() => {});

async function stream(text: string, sink: MemorySink, options: Partial<StreamOptions> = {}): Promise<StreamResult> {
  return await streamLines(inputOf(chunksOf(text)), sink, {
    skipLines: 0,
    lineBytesMax: 100,
    stopped: never,
    ...options,
  });
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

Deno.test("every line arrives once and in order, through a sink of any room", async () => {
  for (const room of [1, 3, 1000]) {
    const sink = new MemorySink(room);
    const result = await stream(textOf(numbered(1, 50)), sink);
    expect(sink.flushed.flat()).toEqual(numbered(1, 50));
    expect(result).toMatchObject({ records: 50, durableRecords: 50, durableLine: 50, isStopped: false });
    expect(result.recordBytes).toBe(numbered(1, 50).join("").length);
  }
});

Deno.test("an empty input is no error, and a sink that got nothing is not flushed", async () => {
  const sink = new MemorySink();
  expect(await stream("", sink)).toMatchObject({ records: 0, emptyLines: 0 });
  expect(await stream("\n\r\n", sink)).toMatchObject({ records: 0, emptyLines: 2 });
  expect(sink.flushed).toEqual([]);
});

Deno.test("a limit sends that many records and no more", async () => {
  for (const limit of [0, 1, 7]) {
    const sink = new MemorySink(3);
    expect((await stream(textOf(numbered(1, 50)), sink, { limit })).records).toBe(limit);
    expect(sink.flushed.flat()).toEqual(numbered(1, limit));
  }
});

Deno.test("skipped lines are counted with the empty ones, as errors count them", async () => {
  const sink = new MemorySink();
  await stream("a\n\nb\nc\n", sink, { skipLines: 2 });
  expect(sink.flushed.flat()).toEqual(["b", "c"]);
});

Deno.test("a line that is too long is named, and the lines before it are in", async () => {
  const sink = new MemorySink(2);
  const failing = stream(textOf([...numbered(1, 4), "x".repeat(101), "line 6"]), sink);
  await expect(failing).rejects.toThrow(
    /^test.log: line 5 is longer than 100 B; 4 records, up to line 4, are in$/,
  );
  await failing.catch((error) => expect(error.remedy).toMatch(/--skip 4$/));
  expect(sink.flushed.flat()).toEqual(numbered(1, 4));
});

Deno.test("a refused flush says what is in; an ambiguous one says also what may be", async () => {
  const reason = new MillraceError("UNREACHABLE", "no answer", "look there");
  const certain = new MemorySink(10, { flush: 2, error: new Undelivered(reason, false) });
  await expect(stream(textOf(numbered(1, 50)), certain)).rejects.toThrow(
    /^test.log: no answer; 10 records, up to line 10, are in$/,
  );
  const ambiguous = new MemorySink(10, { flush: 3, error: new Undelivered(reason, true) });
  const failing = stream(textOf(numbered(1, 50)), ambiguous);
  await expect(failing).rejects.toThrow(/20 records, up to line 20, are in; lines 21 to 30 may be in or not$/);
  await failing.catch((error) => {
    expect(error.code).toBe("UNREACHABLE");
    expect(error.remedy).toMatch(/--skip 20, which may double lines, or --skip 30, which may lose some$/);
  });
  const first = new MemorySink(10, { flush: 1, error: new Undelivered(reason, false) });
  await expect(stream(textOf(numbered(1, 50)), first)).rejects.toThrow(/no answer; nothing was produced$/);
});

Deno.test("when told to stop, what was read is sent and the rest is not waited for", async () => {
  const sink = new MemorySink();
  const stop = Promise.withResolvers<void>();
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("line 1\nline 2\nhalf a li");
    await never;
  }
  const onProgress: StreamOptions["onProgress"] = ({ durableRecords }) => {
    if (durableRecords === 2) stop.resolve();
  };
  const result = await streamLines(inputOf(endless()), sink, {
    skipLines: 0,
    lineBytesMax: 100,
    stopped: stop.promise,
    onProgress,
  });
  // The two lines were sent while the pipe was quiet; the third never ended.
  expect(sink.flushed.flat()).toEqual(["line 1", "line 2"]);
  expect(result).toMatchObject({ isStopped: true, records: 2, durableLine: 2 });
});

Deno.test("a paced stream takes at least its time and loses nothing", async () => {
  const sink = new MemorySink();
  const startMs = performance.now();
  await stream(textOf(numbered(1, 40)), sink, { rate: 200 });
  // 40 records at 200 a second: the last slice of 50 ms need not be waited out.
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(140);
  expect(sink.flushed.flat()).toEqual(numbered(1, 40));
});
