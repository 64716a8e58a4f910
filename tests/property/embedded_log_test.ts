/** The embedded log against a model, an array of values, over random appends, crashes, full disks, jumps and retention. */
import fc from "fast-check";
import { expect } from "expect";
import { join } from "node:path";
import { openEmbeddedLog } from "../../core/log/embedded.ts";
import { openSegmentFile, type SegmentFile } from "../../core/log/partition_writer.ts";
import { OffsetOutOfRange } from "../../core/log/partitioned_log.ts";
import { openReader } from "../../core/log/registry.ts";
import { batchOf, readAll, testSettings } from "../../core/log/test_batches.ts";

type Step =
  | { readonly kind: "append"; readonly batches: readonly number[] }
  | { readonly kind: "append to a full disk"; readonly roomBytes: number }
  | { readonly kind: "restart" }
  | { readonly kind: "restart after a torn write"; readonly tornBytes: number }
  | { readonly kind: "jump"; readonly records: number }
  | { readonly kind: "retention"; readonly keptBytes: number }
  | { readonly kind: "read"; readonly place: number; readonly maxBytes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      batches: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("append to a full disk" as const), roomBytes: fc.nat({ max: 80 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("restart after a torn write" as const),
      tornBytes: fc.integer({ min: 1, max: 80 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("jump" as const), records: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retention" as const), keptBytes: fc.nat({ max: 2000 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      place: fc.nat(),
      maxBytes: fc.integer({ min: 1, max: 1000 }),
    }),
  },
);

/** A log of one partition whose disk can be filled, and what should be in it. */
class Trial {
  #roomBytes = Infinity;
  /** values[offset] is what was appended there; undefined where the log jumped. */
  readonly #values: (string | undefined)[] = [];
  #start = 0;
  #serial = 0;
  #log: Awaited<ReturnType<typeof openEmbeddedLog>> | null = null;
  #keptBytes = 1024 * 1024;

  constructor(private readonly dataDirectory: string) {}

  async open() {
    if (this.#log !== null) return this.#log;
    const settings = { ...testSettings, segmentBytes: 400, retentionBytes: this.#keptBytes };
    const openFile = async (path: string): Promise<SegmentFile> => {
      const file = await openSegmentFile(path);
      return {
        write: async (bytes) => {
          if (this.#roomBytes === 0) throw new Error("No space left on device (os error 28)");
          const written = await file.write(bytes.subarray(0, this.#roomBytes));
          this.#roomBytes -= written;
          return written;
        },
        syncData: () => file.syncData(),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        close: () => file.close(),
      };
    };
    return this.#log = await openEmbeddedLog({ dataDirectory: this.dataDirectory, settings, openFile });
  }

  async topic() {
    return await (await this.open()).createTopic("t", { partitions: 1 });
  }

  async close(): Promise<void> {
    await this.#log?.close();
    this.#log = null;
  }

  async append(batches: readonly number[]): Promise<void> {
    const [log, topic] = [await this.open(), await this.topic()];
    const sent = batches.map((records) => Array.from({ length: records }, () => `value ${this.#serial++}`));
    const offsets = await Promise.all(sent.map((values) => log.append(topic, 0, batchOf(...values))));
    for (const [index, values] of sent.entries()) {
      expect(offsets[index]).toBe(this.#values.length);
      this.#values.push(...values);
    }
  }

  async appendToFullDisk(roomBytes: number): Promise<void> {
    const [log, topic] = [await this.open(), await this.topic()];
    const batch = batchOf(`value ${this.#serial++}`);
    this.#roomBytes = Math.min(roomBytes, batch.bytes.length - 1);
    await expect(log.append(topic, 0, batch)).rejects.toMatchObject({ code: "DISK_FULL" });
    this.#roomBytes = Infinity;
  }

  async tear(tornBytes: number): Promise<void> {
    const spec = (await this.open()).readerSpec(await this.topic(), 0);
    await this.close();
    const last = [...Deno.readDirSync(spec.directory)].map((entry) => entry.name).sort().at(-1);
    if (last === undefined) return;
    const torn = batchOf("never answered").bytes;
    const end = Math.min(tornBytes, torn.length - 1);
    await Deno.writeFile(join(spec.directory, last), torn.subarray(0, end), { append: true });
  }

  async jump(records: number): Promise<void> {
    const [log, topic] = [await this.open(), await this.topic()];
    const isEmpty = this.#values.slice(this.#start).every((value) => value === undefined);
    await log.ensureEnd(topic.id, 0, this.#values.length + records);
    for (let skipped = 0; skipped < records; skipped++) this.#values.push(undefined);
    // Where the log holds nothing, its start may move along.
    if (isEmpty) this.#start = (await log.ends(topic))[0].start;
  }

  async retain(keptBytes: number): Promise<void> {
    await this.close();
    this.#keptBytes = keptBytes;
    const [log, topic] = [await this.open(), await this.topic()];
    await log.applyRetention(Date.now());
    const [{ start, sizeBytes }] = await log.ends(topic);
    expect(start).toBeGreaterThanOrEqual(this.#start);
    // The last segment stays whatever its size: 400 bytes, or one batch.
    expect(sizeBytes).toBeLessThanOrEqual(Math.max(keptBytes, 400));
    this.#start = start;
  }

  async read(place: number, maxBytes: number): Promise<void> {
    const [log, topic] = [await this.open(), await this.topic()];
    const end = this.#values.length;
    expect(await log.ends(topic)).toMatchObject([{ start: this.#start, end }]);
    const reader = openReader(log.readerSpec(topic, 0));
    const offset = place % (end + 1);
    if (offset < this.#start) {
      await expect(reader.fetch(offset, maxBytes, 0)).rejects.toThrow(OffsetOutOfRange);
    } else {
      const read = (await readAll(reader, offset, maxBytes)).map((record) => [
        record.offset,
        new TextDecoder().decode(record.value ?? undefined),
      ]);
      const kept = this.#values.map((value, index) => [index, value] as const);
      expect(read).toEqual(kept.filter(([index, value]) => index >= offset && value !== undefined));
    }
    reader.close();
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case "append":
        return await this.append(step.batches);
      case "append to a full disk":
        return await this.appendToFullDisk(step.roomBytes);
      case "restart":
        return await this.close();
      case "restart after a torn write":
        return await this.tear(step.tornBytes);
      case "jump":
        return await this.jump(step.records);
      case "retention":
        return await this.retain(step.keptBytes);
      case "read":
        return await this.read(step.place, step.maxBytes);
    }
  }
}

Deno.test("whatever happens to it, the log holds exactly what it answered for, in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const dataDirectory = await Deno.makeTempDir();
      const trial = new Trial(dataDirectory);
      try {
        for (const each of steps) await trial.run(each);
        await trial.close();
        await trial.read(0, 1000);
        await trial.read(Number.MAX_SAFE_INTEGER, 1000);
      } finally {
        await trial.close();
        await Deno.remove(dataDirectory, { recursive: true });
      }
    }),
    { numRuns: 100 },
  );
});
