import { expect } from "expect";
import { join } from "node:path";
import { MillraceError } from "../errors.ts";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded.ts";
import { EmbeddedReader } from "./embedded_reader.ts";
import { setBaseOffset } from "./record_batch.ts";
import { batchOf, readAll, testSettings, texts } from "./test_batches.ts";

/** A closed log with the batches ["a","b"], ["c"], ["d","e"] in one segment, and where that is. */
async function writtenLog(): Promise<{ dataDirectory: string; segment: string; batchEnds: number[] }> {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings });
  const topic = await log.createTopic("t", { partitions: 1 });
  const batchEnds: number[] = [];
  for (const values of [["a", "b"], ["c"], ["d", "e"]]) {
    await log.append(topic, 0, batchOf(...values));
    batchEnds.push((await log.ends(topic))[0].sizeBytes);
  }
  await log.close();
  const segment = join(dataDirectory, "log", "topics", topic.id, "0", "00000000000000000000.log");
  return { dataDirectory, segment, batchEnds };
}

interface Reopened {
  readonly notices: string[];
  readonly values: string[];
  readonly end: number;
  /** Offset given to the next append. */
  readonly next: number;
}

/** Opens the log, reads all, appends one more record, and reads that too. */
async function reopen(dataDirectory: string): Promise<Reopened> {
  const notices: string[] = [];
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings, onNotice: (text) => notices.push(text) });
  try {
    const { values, end } = await readTopic(log);
    const [topic] = await log.listTopics();
    const next = await log.append(topic, 0, batchOf("next"));
    expect((await readTopic(log)).values).toEqual([...values, "next"]);
    return { notices, values, end, next };
  } finally {
    await log.close();
  }
}

async function readTopic(log: EmbeddedLog): Promise<{ values: string[]; end: number }> {
  const [topic] = await log.listTopics();
  const spec = log.readerSpec(topic, 0);
  const reader = new EmbeddedReader(spec.directory, spec.partition, spec.ends);
  const values = texts(await readAll(reader));
  reader.close();
  return { values, end: (await log.ends(topic))[0].end };
}

async function errorOf(attempt: Promise<unknown>): Promise<MillraceError> {
  const error = await attempt.then(() => null, (thrown) => thrown);
  expect(error).toBeInstanceOf(MillraceError);
  return error;
}

Deno.test("a last batch cut short at any byte is taken off, and the log goes on at its offset", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  for (let sizeBytes = batchEnds[1] + 1; sizeBytes < batchEnds[2]; sizeBytes++) {
    await Deno.writeFile(segment, whole.subarray(0, sizeBytes));
    const { notices, ...rest } = await reopen(dataDirectory);
    expect(rest).toEqual({ values: ["a", "b", "c"], end: 3, next: 3 });
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(`cut ${sizeBytes - batchEnds[1]} bytes`);
  }
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("a file that ends on a batch is whole: nothing is cut and nothing is said", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  const kept = [[], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]];
  for (const [index, sizeBytes] of [0, ...batchEnds].entries()) {
    await Deno.writeFile(segment, whole.subarray(0, sizeBytes));
    const offset = kept[index].length;
    expect(await reopen(dataDirectory)).toEqual({ notices: [], values: kept[index], end: offset, next: offset });
  }
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("a tail of zeros, as some file systems leave after a power loss, is cut", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  for (const zeros of [1, 60, 61, 5000, 3_000_000]) {
    const padded = new Uint8Array(batchEnds[2] + zeros);
    padded.set(whole);
    await Deno.writeFile(segment, padded);
    expect(await reopen(dataDirectory)).toMatchObject({ values: ["a", "b", "c", "d", "e"], end: 5, next: 5 });
  }
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("a bit changed in the last batch is found, and the batch cut", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  for (let at = batchEnds[1]; at < batchEnds[2]; at++) {
    // The leader epoch (bytes 12 to 15) is not under the checksum and means nothing here.
    if (at >= batchEnds[1] + 12 && at < batchEnds[1] + 16) continue;
    const damaged = whole.slice();
    damaged[at] ^= 1 << (at % 8);
    await Deno.writeFile(segment, damaged);
    expect(await reopen(dataDirectory)).toMatchObject({ values: ["a", "b", "c"], end: 3, next: 3 });
  }
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("damage that sound batches follow stops the start, names the place, and nothing is cut", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  for (let at = batchEnds[0]; at < batchEnds[1]; at++) {
    if (at >= batchEnds[0] + 12 && at < batchEnds[0] + 16) continue;
    const damaged = whole.slice();
    damaged[at] ^= 0x80;
    await Deno.writeFile(segment, damaged);
    const error = await errorOf(openEmbeddedLog({ dataDirectory, settings: testSettings }));
    expect(error.code).toBe("CORRUPT_DATA");
    expect(error.message).toContain(`${segment}: damaged at byte ${batchEnds[0]} `);
    expect(error.message).toContain(`follow from byte ${batchEnds[1]}`);
    expect(error.remedy).toContain(`truncate -s ${batchEnds[0]} ${segment}`);
    expect(await Deno.readFile(segment)).toEqual(damaged);
  }
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("a batch forged in the value of a torn record does not keep the log from starting", async () => {
  const { dataDirectory, segment, batchEnds } = await writtenLog();
  const whole = await Deno.readFile(segment);
  const forged = batchOf("forged").bytes;
  setBaseOffset(forged, 6);
  const quoting = batchOf("x".repeat(1000), forged, "rest").bytes;
  setBaseOffset(quoting, 5);
  const torn = new Uint8Array(batchEnds[2] + quoting.length - 1);
  torn.set(whole);
  torn.set(quoting.subarray(0, -1), batchEnds[2]);
  await Deno.writeFile(segment, torn);
  expect(await reopen(dataDirectory)).toMatchObject({ values: ["a", "b", "c", "d", "e"], next: 5 });
  await Deno.remove(dataDirectory, { recursive: true });
});
