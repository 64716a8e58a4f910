/** Errors as they are read from a log: exactly those that another reading finds, from wherever it begins. */
import { expect } from "expect";
import fc from "fast-check";
import type { ErrorBatch } from "../../analyzer/errors/error_record.ts";
import { TopicReading, type TopicReadingParts } from "../../cli/analyzer/topic_reading.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../../core/log/embedded.ts";
import type { Topic } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { batchOf, testSettings } from "../../core/log/test_batches.ts";

const AT = "2026-03-02T12:00:00Z";

interface Expected {
  readonly partition: number;
  readonly offset: number;
  readonly message: string;
}

function readingOf(
  log: EmbeddedLog,
  topic: Topic,
  from: readonly number[],
  more: Partial<TopicReadingParts["spec"]> = {},
  parts: Partial<TopicReadingParts> = {},
): TopicReading {
  return new TopicReading({
    spec: {
      topicId: topic.id,
      partitions: from.map((offset, partition) => ({ reader: log.readerSpec(topic, partition), from: offset })),
      format: "json",
      timeZone: "UTC",
      mapping: {},
      futureMs: 600_000,
      recordBytesMax: 1_048_576,
      fetchBytes: 2_000,
      batchErrors: 10,
      batchMs: 50,
      ...more,
    },
    openReader,
    decideFormat: (detected) => Promise.resolve(detected),
    onGap: () => {},
    now: () => performance.now(),
    ...parts,
  });
}

/** Batches until every partition was read to these offsets. */
async function readTo(reading: TopicReading, ends: readonly number[]): Promise<ErrorBatch[]> {
  const batches: ErrorBatch[] = [];
  const reached = ends.map(() => 0);
  while (reached.some((offset, partition) => offset < ends[partition])) {
    const batch = await reading.next(20);
    if (batch === null) continue;
    batches.push(batch);
    for (const [partition, offset] of batch.positions) reached[partition] = offset;
  }
  return batches;
}

async function withLog(run: (log: EmbeddedLog) => Promise<void>): Promise<void> {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: { ...testSettings, fsync: "never" } });
  try {
    await run(log);
  } finally {
    await log.close();
    await Deno.remove(dataDirectory, { recursive: true });
  }
}

const record = fc.record({
  partition: fc.nat(2),
  level: fc.constantFrom("ERROR", "error", "Err", "FATAL", "critical", "WARN", "INFO", "ERRORS", "not json"),
  message: fc.string({ maxLength: 30 }),
});
/** Names of levels that stand for ERROR and FATAL. */
const ERRORS: Readonly<Record<string, string>> = {
  ERROR: "ERROR",
  error: "ERROR",
  Err: "ERROR",
  FATAL: "FATAL",
  critical: "FATAL",
};

Deno.test("errors, all and only, in the order of their partition, from any offset on", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 120 }),
      fc.array(fc.nat(40), { minLength: 3, maxLength: 3 }),
      async (records, starts) => {
        await withLog(async (log) => {
          const topic = await log.createTopic("t", { partitions: 3 });
          const ends = [0, 0, 0];
          const expected: (Expected & { readonly level: string })[] = [];
          for (const { partition, level, message } of records) {
            const text = level === "not json"
              ? `ERROR ${message}`
              : JSON.stringify({ timestamp: AT, level, service: "s", message });
            await log.append(topic, partition, batchOf(text));
            if (ERRORS[level] !== undefined) {
              expected.push({ partition, offset: ends[partition], level: ERRORS[level], message: message || text });
            }
            ends[partition]++;
          }
          const from = starts.map((start, partition) => Math.min(start, ends[partition]));
          const reading = readingOf(log, topic, from);
          const batches = await readTo(
            reading,
            ends.map((end, partition) => from[partition] === end ? 0 : end),
          );
          await reading.close();
          const found = batches.flatMap((batch) => batch.records);
          for (const partition of [0, 1, 2]) {
            const of = (list: readonly Expected[]) => list.filter((each) => each.partition === partition);
            expect(of(found).map(({ offset, message }) => ({ offset, message }))).toEqual(
              of(expected).filter(({ offset }) => offset >= from[partition]).map(({ offset, message }) => ({
                offset,
                message,
              })),
            );
          }
          expect(batches.reduce((sum, { read }) => sum + read, 0)).toBe(
            ends.reduce((sum, end, partition) => sum + end - from[partition], 0),
          );
        });
      },
    ),
    { numRuns: 25 },
  );
});

Deno.test("an error is given out at once with nine others, and alone after a while", async () => {
  await withLog(async (log) => {
    const topic = await log.createTopic("t", { partitions: 1 });
    const line = JSON.stringify({ timestamp: AT, level: "ERROR", message: "boom" });
    const reading = readingOf(log, topic, [0], { batchMs: 600_000 });
    await log.append(topic, 0, batchOf(...Array.from({ length: 9 }, () => line)));
    expect(await reading.next(300)).toBeNull();
    await log.append(topic, 0, batchOf(line));
    const batch = await reading.next(600_000);
    expect(batch?.records.length).toBe(10);
    expect(batch?.positions.get(0)).toBe(10);
    await reading.close();
    const patient = readingOf(log, topic, [9], { batchMs: 30 });
    expect((await patient.next(600_000))?.records.map(({ offset }) => offset)).toEqual([9]);
    await patient.close();
  });
});

Deno.test("a storm rests until it is asked for more, and nothing of it is left out", async () => {
  await withLog(async (log) => {
    const topic = await log.createTopic("t", { partitions: 1 });
    const lines = Array.from(
      { length: 5_000 },
      (_, i) => JSON.stringify({ timestamp: AT, level: "ERROR", message: `boom ${i}` }),
    );
    for (let at = 0; at < lines.length; at += 500) await log.append(topic, 0, batchOf(...lines.slice(at, at + 500)));
    const reading = readingOf(log, topic, [0], { fetchBytes: 1_000_000 });
    const batches = await readTo(reading, [5_000]);
    await reading.close();
    expect(Math.max(...batches.map(({ records }) => records.length))).toBeLessThanOrEqual(2_000);
    expect(batches.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual(lines.map((_, i) => i));
  });
});

Deno.test("the format is found from the first records that show one", async () => {
  await withLog(async (log) => {
    const topic = await log.createTopic("t", { partitions: 3 });
    const lines = Array.from({ length: 20 }, () => `level=error service=pay msg="boom" time=${AT}`);
    for (const partition of [0, 1, 2]) await log.append(topic, partition, batchOf(...lines));
    const decided: (string | null)[] = [];
    const reading = readingOf(log, topic, [0, 0, 0], { format: null }, {
      decideFormat: async (detected) => {
        decided.push(detected);
        await new Promise((resolve) => setTimeout(resolve, 100)); // the others come to it meanwhile
        return detected;
      },
    });
    const batches = await readTo(reading, [20, 20, 20]);
    const records = batches.flatMap(({ records }) => records);
    expect(records.length).toBe(60);
    expect(records[0]).toMatchObject({ service: "pay", level: "ERROR", message: "boom" });
    expect(decided).toEqual(["logfmt"]);
    await reading.close();
  });
});

Deno.test("offsets that the log no longer holds are told of, and reading goes on behind them", async () => {
  await withLog(async (log) => {
    const topic = await log.createTopic("t", { partitions: 1 });
    await log.ensureEnd(topic.id, 0, 100);
    await log.append(topic, 0, batchOf(JSON.stringify({ timestamp: AT, level: "ERROR", message: "boom" })));
    const gaps: number[][] = [];
    const reading = readingOf(log, topic, [3], {}, { onGap: (...gap) => gaps.push(gap) });
    const [{ start }] = await log.ends(topic);
    const batches = await readTo(reading, [101]);
    expect(batches.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual([100]);
    expect(gaps).toEqual(start > 3 ? [[0, 3, start]] : []);
    await reading.close();
  });
});

Deno.test("an event that is ahead of its record has the record's time", async () => {
  await withLog(async (log) => {
    const topic = await log.createTopic("t", { partitions: 1 });
    // Records of batchOf are of 1970.
    await log.append(topic, 0, batchOf(JSON.stringify({ timestamp: AT, level: "ERROR", message: "boom" })));
    const reading = readingOf(log, topic, [0]);
    const [batch] = await readTo(reading, [1]);
    expect(batch.records[0].ms).toBe(1_000);
    await reading.close();
  });
});
