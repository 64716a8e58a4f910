import { expect } from "expect";
import { join } from "node:path";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded.ts";
import { EmbeddedReader } from "./embedded_reader.ts";
import type { LogSettings } from "./partition_writer.ts";
import { OffsetOutOfRange, type Topic } from "./partitioned_log.ts";
import { batchOf, readAll, testSettings, texts } from "./test_batches.ts";

interface Open {
  readonly dataDirectory: string;
  readonly notices: string[];
  open(changes?: Partial<LogSettings>): Promise<EmbeddedLog>;
}

/** Runs `check` with a data directory of its own and a way to open its log, and cleans up. */
async function withDirectory(check: (directory: Open) => Promise<void>): Promise<void> {
  const dataDirectory = await Deno.makeTempDir();
  const notices: string[] = [];
  const opened: EmbeddedLog[] = [];
  const open = async (changes: Partial<LogSettings> = {}) => {
    const settings = { ...testSettings, ...changes };
    const log = await openEmbeddedLog({ dataDirectory, settings, onNotice: (text) => notices.push(text) });
    opened.push(log);
    return log;
  };
  try {
    await check({ dataDirectory, notices, open });
  } finally {
    for (const log of opened) await log.close();
    await Deno.remove(dataDirectory, { recursive: true });
  }
}

function readerOf(log: EmbeddedLog, topic: Topic, partition = 0): EmbeddedReader {
  const spec = log.readerSpec(topic, partition);
  return new EmbeddedReader(spec.directory, spec.partition, spec.ends);
}

async function valuesOf(log: EmbeddedLog, topic: Topic, offset = 0): Promise<string[]> {
  const reader = readerOf(log, topic);
  try {
    return texts(await readAll(reader, offset));
  } finally {
    reader.close();
  }
}

function segmentsOf(log: EmbeddedLog, topic: Topic): string[] {
  return [...Deno.readDirSync(log.readerSpec(topic, 0).directory)].map((entry) => entry.name).sort();
}

for (const fsync of ["always", "interval", "never"] as const) {
  Deno.test(`fsync ${fsync}: what was answered is there after closing and opening, and offsets go on`, async () => {
    await withDirectory(async ({ open, notices }) => {
      let log = await open({ fsync });
      const topic = await log.createTopic("t", { partitions: 3, format: "clf" });
      await Promise.all([log.append(topic, 0, batchOf("a")), log.append(topic, 0, batchOf("b", "c"))]);
      await log.append(topic, 0, batchOf("d"));
      await log.close();
      log = await open({ fsync });
      const found = await log.findTopic("t");
      expect(found).toEqual(topic);
      expect(await valuesOf(log, topic)).toEqual(["a", "b", "c", "d"]);
      expect(await log.append(topic, 0, batchOf("e"))).toBe(4);
      expect(await log.append(topic, 2, batchOf("f"))).toBe(0);
      expect(notices).toEqual([]);
    });
  });
}

Deno.test("appends that are on their way when the log closes are kept", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open({ fsync: "interval", fsyncIntervalMs: 10_000 });
    const topic = await log.createTopic("t", { partitions: 1 });
    const appends = [log.append(topic, 0, batchOf("a")), log.append(topic, 0, batchOf("b"))];
    await log.close();
    expect(await Promise.all(appends)).toEqual([0, 1]);
    await expect(log.append(topic, 0, batchOf("c"))).rejects.toMatchObject({ message: "the log is closed" });
    expect(await valuesOf(await open(), topic)).toEqual(["a", "b"]);
  });
});

Deno.test("pending bytes are counted until they are durable", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open();
    const topic = await log.createTopic("t", { partitions: 2 });
    const batches = [batchOf("a"), batchOf("b".repeat(1000))];
    const appends = batches.map((batch, partition) => log.append(topic, partition, batch));
    await Promise.resolve();
    expect(log.pendingBytes).toBe(batches[0].bytes.length + batches[1].bytes.length);
    await Promise.all(appends);
    expect(log.pendingBytes).toBe(0);
  });
});

Deno.test("segments roll at their size, and a reader passes from one to the next", async () => {
  await withDirectory(async ({ open }) => {
    let log = await open({ segmentBytes: 500 });
    const topic = await log.createTopic("t", { partitions: 1 });
    for (let index = 0; index < 20; index++) await log.append(topic, 0, batchOf(`${index}`.padStart(100, "-")));
    expect(segmentsOf(log, topic).length).toBe(10); // two batches of 168 bytes fit, a third doesn't
    const before = await valuesOf(log, topic);
    expect(before).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`.padStart(100, "-")));
    await log.close();
    log = await open({ segmentBytes: 500 });
    expect(await valuesOf(log, topic)).toEqual(before);
    expect(await log.append(topic, 0, batchOf("x"))).toBe(20);
  });
});

Deno.test("retention by size removes the oldest segments and moves the start", async () => {
  await withDirectory(async ({ open }) => {
    const settings = { segmentBytes: 500, retentionBytes: 1000 };
    let log = await open(settings);
    const topic = await log.createTopic("t", { partitions: 1 });
    for (let index = 0; index < 20; index++) await log.append(topic, 0, batchOf("x".repeat(100)));
    const late = readerOf(log, topic);
    await late.fetch(0, 1, 0);
    expect(await log.applyRetention(Date.now())).toBe(8);
    const expected = { start: 16, end: 20 };
    expect(await log.ends(topic)).toMatchObject([expected]);
    await expect(late.fetch(2, 1, 0)).rejects.toThrow(OffsetOutOfRange);
    late.close();
    expect((await valuesOf(log, topic, 16)).length).toBe(4);
    await log.close();
    log = await open(settings);
    expect(await log.ends(topic)).toMatchObject([expected]);
  });
});

Deno.test("retention spares what is to be kept, whatever its size", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open({ segmentBytes: 500, retentionBytes: 1000 });
    const topic = await log.createTopic("t", { partitions: 1 });
    for (let index = 0; index < 20; index++) await log.append(topic, 0, batchOf("x".repeat(100)));
    await log.applyRetention(Date.now(), (topicId, partition) => topicId === topic.id && partition === 0 ? 7 : 0);
    expect(await log.ends(topic)).toMatchObject([{ start: 6, end: 20 }]);
    expect((await valuesOf(log, topic, 7)).length).toBe(13);
  });
});

Deno.test("retention by time goes by the last write to a segment and spares the one being written", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open({ segmentBytes: 500, retentionHours: 2 });
    const topic = await log.createTopic("t", { partitions: 1 });
    for (let index = 0; index < 6; index++) await log.append(topic, 0, batchOf("x".repeat(100)));
    const oldest = join(log.readerSpec(topic, 0).directory, segmentsOf(log, topic)[0]);
    await Deno.utime(oldest, new Date(), new Date(Date.now() - 3 * 3_600_000));
    expect(await log.applyRetention(Date.now())).toBe(1);
    expect(await log.ends(topic)).toMatchObject([{ start: 2, end: 6 }]);
    expect(await log.applyRetention(Date.now() + 3 * 3_600_000)).toBe(1);
    expect(await log.ends(topic)).toMatchObject([{ start: 4, end: 6 }]);
    expect((await valuesOf(log, topic, 4)).length).toBe(2);
  });
});

Deno.test("a log that lost records the store has seen goes on after them, also across a restart", async () => {
  await withDirectory(async ({ open, notices }) => {
    let log = await open();
    const topic = await log.createTopic("t", { partitions: 2 });
    await log.append(topic, 0, batchOf("a", "b"));
    await log.ensureEnd(topic.id, 0, 1);
    expect(notices).toEqual([]);
    await log.ensureEnd(topic.id, 0, 10);
    await log.ensureEnd(topic.id, 1, 7);
    expect(notices.length).toBe(2);
    expect(await log.ends(topic)).toMatchObject([{ start: 0, end: 10 }, { start: 7, end: 7 }]);
    await log.close();
    log = await open();
    expect(await log.ends(topic)).toMatchObject([{ start: 0, end: 10 }, { start: 7, end: 7 }]);
    const reader = readerOf(log, topic);
    expect(await reader.fetch(2, 1024, 10)).toMatchObject({ bytes: new Uint8Array(0), end: 10 });
    expect(await log.append(topic, 0, batchOf("c"))).toBe(10);
    expect(await log.append(topic, 1, batchOf("d"))).toBe(7);
    for (const offset of [2, 5, 10]) {
      expect(texts(await readAll(reader, offset))).toEqual(["c"]);
    }
    expect(texts(await readAll(reader, 0))).toEqual(["a", "b", "c"]);
    expect(await log.timestampAt(topic, 0, 5)).toBe(1000);
    reader.close();
  });
});

Deno.test("a log that jumps again before anything was appended keeps one segment, at the last jump", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open();
    const topic = await log.createTopic("t", { partitions: 1 });
    await log.ensureEnd(topic.id, 0, 7);
    await log.ensureEnd(topic.id, 0, 9);
    expect(await log.ends(topic)).toMatchObject([{ start: 9, end: 9 }]);
    expect(segmentsOf(log, topic)).toEqual(["00000000000000000009.log"]);
    expect(await log.append(topic, 0, batchOf("a"))).toBe(9);
    expect(await valuesOf(log, topic, 9)).toEqual(["a"]);
  });
});

Deno.test("a reader of a topic that is deleted is told, and does not see the one made after it", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open();
    const topic = await log.createTopic("t", { partitions: 1 });
    await log.append(topic, 0, batchOf("a", "b"));
    const reader = readerOf(log, topic);
    await log.deleteTopic("t");
    await log.createTopic("t", { partitions: 1 });
    await expect(reader.fetch(0, 1024, 0)).rejects.toThrow(OffsetOutOfRange);
    expect((await reader.fetch(2, 1024, 0)).bytes.length).toBe(0);
    reader.close();
  });
});

Deno.test("a deletion or creation that a crash interrupted is finished at start", async () => {
  await withDirectory(async ({ dataDirectory, open, notices }) => {
    let log = await open();
    const topic = await log.createTopic("gone", { partitions: 1 });
    await log.createTopic("kept", { partitions: 1 });
    await log.append(topic, 0, batchOf("a"));
    await log.close();
    const topics = join(dataDirectory, "log", "topics");
    await Deno.rename(join(topics, topic.id), join(topics, `${topic.id}.deleted`));
    await Deno.mkdir(join(topics, `${crypto.randomUUID()}.new`, "0"), { recursive: true });
    log = await open();
    expect((await log.listTopics()).map((each) => each.name)).toEqual(["kept"]);
    expect(notices.length).toBe(2);
    expect([...Deno.readDirSync(topics)].length).toBe(1);
  });
});

Deno.test("topic files that are damaged or from a newer Millrace stop the start with the place", async () => {
  await withDirectory(async ({ dataDirectory, open }) => {
    const log = await open();
    const { id } = await log.createTopic("t", { partitions: 1 });
    await log.close();
    const path = join(dataDirectory, "log", "topics", id, "topic.json");
    const cases = [["{", "CORRUPT_DATA"], ['{"version":1}', "CORRUPT_DATA"], ['{"version":2}', "NEWER_DATA"]] as const;
    for (const [content, code] of cases) {
      await Deno.writeTextFile(path, content);
      const error = await open().catch((thrown) => thrown);
      expect(error).toMatchObject({ name: "MillraceError", code });
      expect(error.message).toContain(path);
    }
  });
});

Deno.test("a data directory that is a file is refused in plain words", async () => {
  await withDirectory(async ({ dataDirectory, open }) => {
    await Deno.writeTextFile(join(dataDirectory, "log"), "");
    await expect(open()).rejects.toMatchObject({ name: "MillraceError", code: "FILE_UNAVAILABLE" });
  });
});

Deno.test("a record larger than the limit is refused in plain words", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open({ recordBytesMax: 1024 * 1024 });
    const topic = await log.createTopic("t", { partitions: 1 });
    const large = batchOf(new Uint8Array(2 * 1024 * 1024));
    await expect(log.append(topic, 0, large)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(await log.append(topic, 0, batchOf(new Uint8Array(1024 * 1024)))).toBe(0);
  });
});

Deno.test("a batch damaged on disk after the start is reported with file and place", async () => {
  await withDirectory(async ({ open }) => {
    const log = await open();
    const topic = await log.createTopic("t", { partitions: 1 });
    for (const value of ["a", "b", "c"]) await log.append(topic, 0, batchOf(value));
    const path = join(log.readerSpec(topic, 0).directory, segmentsOf(log, topic)[0]);
    const bytes = await Deno.readFile(path);
    const second = bytes.length / 3;
    bytes[second + 16] = 9;
    await Deno.writeFile(path, bytes);
    const reader = readerOf(log, topic);
    const error = await reader.fetch(1, 1024, 0).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: "MillraceError", code: "CORRUPT_DATA" });
    expect(error.message).toContain(`${path}: no record batch of offset 1 at byte ${second}`);
    reader.close();
  });
});
