import { expect } from "expect";
import fc from "fast-check";
import { openEmbeddedLog } from "./embedded.ts";
import { EmbeddedReader } from "./embedded_reader.ts";
import { BatchHeader, readBatchHeader } from "./record_batch.ts";
import { batchAt, batchOf, recordsOf, testSettings, texts } from "./test_batches.ts";

Deno.test("any order of fetches and of questions for a time answers from the batch that holds the offset, over all segments", async () => {
  const fetches = fc.array(
    fc.record({ place: fc.nat(), maxBytes: fc.integer({ min: 1, max: 3000 }), isForTime: fc.boolean() }),
    { maxLength: 30 },
  );
  const batchSizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(batchSizes, fetches, async (sizes, asked) => {
      const dataDirectory = await Deno.makeTempDir();
      const settings = { ...testSettings, fsync: "never", segmentBytes: 700 } as const;
      const log = await openEmbeddedLog({ dataDirectory, settings });
      const topic = await log.createTopic("t", { partitions: 1 });
      // The oracle: which batch each offset is in.
      const firstOffsets: number[] = [];
      let end = 0;
      for (const size of sizes) {
        for (let index = 0; index < size; index++) firstOffsets.push(end);
        await log.append(topic, 0, batchAt(7 * end, ...Array.from({ length: size }, (_, index) => `${end + index}`)));
        end += size;
      }
      const spec = log.readerSpec(topic, 0);
      const reader = new EmbeddedReader(spec.directory, 0, spec.ends);
      for (const { place, maxBytes, isForTime } of asked) {
        const offset = place % end;
        if (isForTime) {
          expect(reader.timestampAt(offset)).toBe(7 * firstOffsets[offset]);
          continue;
        }
        const { bytes } = await reader.fetch(offset, maxBytes, 0);
        const records = recordsOf(bytes);
        expect(records[0].offset).toBe(firstOffsets[offset]);
        expect(texts(records)).toEqual(records.map((record) => `${record.offset}`));
        const firstBytes = readBatchHeader(bytes, 0, new BatchHeader());
        expect(bytes.length).toBeLessThanOrEqual(Math.max(maxBytes, firstBytes));
      }
      reader.close();
      await log.close();
      await Deno.remove(dataDirectory, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

Deno.test("a reader that has caught up reads on across a roll of the segment", async () => {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: { ...testSettings, segmentBytes: 200 } });
  const topic = await log.createTopic("t", { partitions: 1 });
  const spec = log.readerSpec(topic, 0);
  const reader = new EmbeddedReader(spec.directory, 0, spec.ends);
  for (let index = 0; index < 12; index++) {
    const waiting = reader.fetch(index, 1024, 60_000);
    await log.append(topic, 0, batchOf(`${index}`));
    expect(texts(recordsOf((await waiting).bytes))).toEqual([`${index}`]);
  }
  reader.close();
  await log.close();
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("bytes beyond the durable end are never answered, though the file holds them", async () => {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings });
  const topic = await log.createTopic("t", { partitions: 1 });
  for (const value of ["a", "b", "c"]) await log.append(topic, 0, batchOf(value));
  const spec = log.readerSpec(topic, 0);
  const ends = new SharedArrayBuffer(16);
  const reader = new EmbeddedReader(spec.directory, 0, ends);
  for (const end of [0, 1, 2, 3]) {
    new BigInt64Array(ends)[1] = BigInt(end);
    const { bytes } = await reader.fetch(0, 1024, 0);
    expect(texts(recordsOf(bytes))).toEqual(["a", "b", "c"].slice(0, end));
  }
  reader.close();
  await log.close();
  await Deno.remove(dataDirectory, { recursive: true });
});

Deno.test("consecutive fetches go on in the open file without looking for it again", async () => {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings });
  const topic = await log.createTopic("t", { partitions: 1 });
  for (const value of ["a", "b", "c"]) await log.append(topic, 0, batchOf(value));
  const spec = log.readerSpec(topic, 0);
  const reader = new EmbeddedReader(spec.directory, 0, spec.ends);
  await reader.fetch(0, 1, 0);
  await Deno.remove(spec.directory, { recursive: true });
  for (const [offset, value] of [[1, "b"], [2, "c"]] as const) {
    expect(texts(recordsOf((await reader.fetch(offset, 1, 0)).bytes))).toEqual([value]);
  }
  // Going back needs the directory: what is missing is named, not skipped.
  await expect(reader.fetch(0, 1, 0)).rejects.toMatchObject({ code: "CORRUPT_DATA" });
  reader.close();
  await log.close();
  await Deno.remove(dataDirectory, { recursive: true });
});
