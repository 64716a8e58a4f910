import { expect } from "expect";
import { type EmbeddedLog, openEmbeddedLog } from "./embedded.ts";
import { EmbeddedReader } from "./embedded_reader.ts";
import { openSegmentFile, type SegmentFile } from "./partition_writer.ts";
import type { Topic } from "./partitioned_log.ts";
import { batchOf, readAll, testSettings, texts } from "./test_batches.ts";

/** What a disk does wrong, until the test changes it. */
interface Disk {
  /** Bytes that still fit; writes beyond are short, then fail as a full disk does. */
  roomBytes: number;
  syncError: Error | null;
  truncateError: Error | null;
  openError: Error | null;
  syncs: number;
  /** Runs when an fsync begins. */
  onSync: () => void;
}

const full = new Error("No space left on device (os error 28)");
const broken = new Error("Input/output error (os error 5)");

async function openFailing(disk: Disk, path: string): Promise<SegmentFile> {
  if (disk.openError !== null) throw disk.openError;
  const file = await openSegmentFile(path);
  return {
    async write(bytes) {
      if (disk.roomBytes === 0) throw full;
      const written = await file.write(bytes.subarray(0, disk.roomBytes));
      disk.roomBytes -= written;
      return written;
    },
    syncData() {
      disk.syncs++;
      disk.onSync();
      return disk.syncError === null ? file.syncData() : Promise.reject(disk.syncError);
    },
    truncate: (size) => disk.truncateError === null ? file.truncate(size) : Promise.reject(disk.truncateError),
    close: () => file.close(),
  };
}

interface OnDisk {
  readonly disk: Disk;
  readonly log: EmbeddedLog;
  readonly topic: Topic;
  values(): Promise<string[]>;
  /** What a process that starts now on the same directory reads. */
  valuesAfterRestart(): Promise<string[]>;
}

async function withDisk(check: (on: OnDisk) => Promise<void>): Promise<void> {
  const dataDirectory = await Deno.makeTempDir();
  const disk: Disk = {
    roomBytes: Infinity,
    syncError: null,
    truncateError: null,
    openError: null,
    syncs: 0,
    onSync: () => {},
  };
  const openFile = (path: string) => openFailing(disk, path);
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings, openFile });
  const topic = await log.createTopic("t", { partitions: 1 });
  const valuesOf = async (from: EmbeddedLog) => {
    const spec = from.readerSpec(topic, 0);
    const reader = new EmbeddedReader(spec.directory, 0, spec.ends);
    try {
      return texts(await readAll(reader));
    } finally {
      reader.close();
    }
  };
  const valuesAfterRestart = async () => {
    const restarted = await openEmbeddedLog({ dataDirectory, settings: testSettings });
    try {
      return await valuesOf(restarted);
    } finally {
      await restarted.close();
    }
  };
  try {
    await check({ disk, log, topic, values: () => valuesOf(log), valuesAfterRestart });
  } finally {
    await log.close();
    await Deno.remove(dataDirectory, { recursive: true });
  }
}

Deno.test("on a full disk an append fails whole at any byte, and works again once there is room", async () => {
  await withDisk(async ({ disk, log, topic, values, valuesAfterRestart }) => {
    const kept: string[] = [];
    const sizeBytes = batchOf("record 00").bytes.length;
    for (let room = 0; room < sizeBytes; room++) {
      disk.roomBytes = room;
      await expect(log.append(topic, 0, batchOf("record xx"))).rejects.toMatchObject({ code: "DISK_FULL" });
      expect(await values()).toEqual(kept);
      disk.roomBytes = Infinity;
      const value = `record ${String(room).padStart(2, "0")}`;
      expect(await log.append(topic, 0, batchOf(value))).toBe(kept.length);
      kept.push(value);
    }
    expect(await values()).toEqual(kept);
    expect(await valuesAfterRestart()).toEqual(kept);
  });
});

Deno.test("a group of appends that does not fit fails as a whole, and a batch may be sent again", async () => {
  await withDisk(async ({ disk, log, topic, values }) => {
    const batches = ["a", "b", "c"].map((value) => batchOf(value));
    disk.roomBytes = batches[0].bytes.length + 1;
    const outcomes = await Promise.allSettled(batches.map((batch) => log.append(topic, 0, batch)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await values()).toEqual([]);
    expect(log.pendingBytes).toBe(0);
    disk.roomBytes = Infinity;
    expect(await log.append(topic, 0, batches[2])).toBe(0);
    expect(await values()).toEqual(["c"]);
  });
});

Deno.test("a segment that cannot be made for lack of room fails the append, and is made later", async () => {
  await withDisk(async ({ disk, log, topic, values }) => {
    disk.openError = full;
    await expect(log.append(topic, 0, batchOf("a"))).rejects.toMatchObject({ code: "DISK_FULL" });
    disk.openError = null;
    expect(await log.append(topic, 0, batchOf("a"))).toBe(0);
    expect(await values()).toEqual(["a"]);
  });
});

Deno.test("after a failed fsync the partition takes no writes, tries no second fsync and shows nothing of the batch", async () => {
  await withDisk(async ({ disk, log, topic, values, valuesAfterRestart }) => {
    await log.append(topic, 0, batchOf("a"));
    disk.syncError = broken;
    const failing = log.append(topic, 0, batchOf("b"));
    await expect(failing).rejects.toMatchObject({ code: "FILE_UNAVAILABLE" });
    disk.syncError = null;
    const { syncs } = disk;
    const error = await log.append(topic, 0, batchOf("c")).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "FILE_UNAVAILABLE" });
    expect(error.message).toContain("fsync failed (Input/output error");
    expect(disk.syncs).toBe(syncs);
    expect(await values()).toEqual(["a"]);
    expect(await valuesAfterRestart()).toEqual(["a"]);
  });
});

Deno.test("appends queued behind a failed fsync fail too", async () => {
  await withDisk(async ({ disk, log, topic, values }) => {
    disk.syncError = broken;
    let queued: Promise<unknown> | null = null;
    disk.onSync = () => queued ??= Promise.allSettled([log.append(topic, 0, batchOf("b"))]);
    await expect(log.append(topic, 0, batchOf("a"))).rejects.toMatchObject({ code: "FILE_UNAVAILABLE" });
    expect(await queued).toMatchObject([{ status: "rejected", reason: { code: "FILE_UNAVAILABLE" } }]);
    expect(disk.syncs).toBe(1);
    expect(await values()).toEqual([]);
  });
});

Deno.test("an fsync that finds the disk full gives up the file, and later appends go into a new segment", async () => {
  await withDisk(async ({ disk, log, topic, values, valuesAfterRestart }) => {
    await log.append(topic, 0, batchOf("a"));
    disk.syncError = full;
    await expect(log.append(topic, 0, batchOf("b"))).rejects.toMatchObject({ code: "DISK_FULL" });
    disk.syncError = null;
    expect(await log.append(topic, 0, batchOf("c"))).toBe(1);
    expect([...Deno.readDirSync(log.readerSpec(topic, 0).directory)].length).toBe(2);
    expect(await values()).toEqual(["a", "c"]);
    expect(await valuesAfterRestart()).toEqual(["a", "c"]);
  });
});

Deno.test("a failed write that cannot be undone closes the partition until a start cuts it", async () => {
  await withDisk(async ({ disk, log, topic, values, valuesAfterRestart }) => {
    await log.append(topic, 0, batchOf("a"));
    disk.roomBytes = 40;
    disk.truncateError = broken;
    await expect(log.append(topic, 0, batchOf("b"))).rejects.toMatchObject({ code: "FILE_UNAVAILABLE" });
    disk.roomBytes = Infinity;
    await expect(log.append(topic, 0, batchOf("c"))).rejects.toMatchObject({ code: "FILE_UNAVAILABLE" });
    expect(await values()).toEqual(["a"]);
    expect(await valuesAfterRestart()).toEqual(["a"]);
  });
});

Deno.test("many appends at once share their fsyncs", async () => {
  await withDisk(async ({ disk, log, topic, values }) => {
    const sent = Array.from({ length: 500 }, (_, index) => `${index}`);
    await Promise.all(sent.map((value) => log.append(topic, 0, batchOf(value))));
    expect(disk.syncs).toBeLessThan(50);
    expect(await values()).toEqual(sent);
  });
});
