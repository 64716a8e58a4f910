import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import type { EncodedBatch, PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { BatchHeader, decompressRecords, readBatchHeader, RecordWalker } from "../../core/log/record_batch.ts";
import { LogSink } from "./log_sink.ts";
import { Undelivered } from "./sink.ts";

const topic: Topic = { id: "1", name: "shop", partitions: 3 };

function recordsOf({ bytes }: EncodedBatch): string[] {
  const header = new BatchHeader();
  readBatchHeader(bytes, 0, header);
  const records = decompressRecords(bytes, header);
  const walker = new RecordWalker();
  walker.reset(records, header);
  const texts: string[] = [];
  while (walker.next()) texts.push(new TextDecoder().decode(records.subarray(walker.valueStart, walker.valueEnd)));
  return texts;
}

/** A log that only takes appends, into `partitions`; the given append fails. */
function memoryLog(partitions: string[][], failAt = Infinity): PartitionedLog {
  let appends = 0;
  const unused = (): never => {
    throw new Error("not used by a sink");
  };
  return {
    listTopics: unused,
    findTopic: unused,
    createTopic: unused,
    deleteTopic: unused,
    ends: unused,
    timestampAt: unused,
    readerSpec: unused,
    close: unused,
    append: (_topic, partition, batch) => {
      if (++appends === failAt) return Promise.reject(new MillraceError("DISK_FULL", "no space", "make room"));
      partitions[partition].push(...recordsOf(batch));
      return Promise.resolve(0);
    },
  };
}

function addAll(sink: LogSink, records: readonly string[]): number {
  let added = 0;
  for (const record of records) {
    const bytes = new TextEncoder().encode(`<${record}>`);
    if (!sink.add(bytes, 1, bytes.length - 1)) break;
    added++;
  }
  return added;
}

const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${"x".repeat(i % 100)}`);

Deno.test("every record is in exactly one partition after a flush, and a small file reaches them all", async () => {
  const partitions: string[][] = [[], [], []];
  const sink = new LogSink(memoryLog(partitions), topic);
  expect(addAll(sink, lines)).toBe(lines.length);
  await sink.flush();
  expect(partitions.flat().sort()).toEqual([...lines].sort());
  for (const records of partitions) expect(records.length).toBeGreaterThan(2000);
});

Deno.test("much that waits asks for a flush, and then there is room again", async () => {
  const partitions: string[][] = [[], [], []];
  const sink = new LogSink(memoryLog(partitions), topic);
  const megabyte = "x".repeat(1_000_000);
  const added = addAll(sink, Array.from({ length: 100 }, () => megabyte));
  expect(added).toBeLessThan(20);
  await sink.flush();
  expect(addAll(sink, ["one more"])).toBe(1);
  await sink.flush();
  expect(partitions.flat()).toHaveLength(added + 1);
});

Deno.test("a failed append is told with its reason, and that other records may be in", async () => {
  const sink = new LogSink(memoryLog([[], [], []], 2), topic);
  addAll(sink, lines);
  const failure = await sink.flush().then(() => null, (error: unknown) => error);
  expect(failure).toBeInstanceOf(Undelivered);
  expect(failure).toMatchObject({ mayBeIn: true, reason: { code: "DISK_FULL" } });
});
