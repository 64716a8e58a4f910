/** What every implementation of the partitioned log must do. A new one is one line in `implementations`. */
import { expect } from "expect";
import { MillraceError } from "../../core/errors.ts";
import { OffsetOutOfRange, type PartitionedLog, type Topic } from "../../core/log/partitioned_log.ts";
import { openEmbeddedLog, openKafkaLog, openReader } from "../../core/log/registry.ts";
import { batchOf, readAll, recordsOf, testSettings, texts } from "../../core/log/test_batches.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { hasKafka, kafkaAccess } from "./kafka_for_tests.ts";

interface LogUnderTest {
  readonly log: PartitionedLog;
  /** A topic's name in this run of the test: some logs are shared with others. */
  readonly named: (name: string) => string;
  /** Closes the log and removes what it kept. */
  release(): Promise<void>;
}

const implementations: Readonly<
  Record<string, { readonly open: () => Promise<LogUnderTest>; readonly ignore: boolean }>
> = {
  embedded: { open: openEmbedded, ignore: false },
  kafka: { open: openKafka, ignore: !hasKafka },
};

async function openEmbedded(): Promise<LogUnderTest> {
  const dataDirectory = await Deno.makeTempDir();
  const log = await openEmbeddedLog({ dataDirectory, settings: testSettings });
  const release = async () => {
    await log.close();
    await Deno.remove(dataDirectory, { recursive: true });
  };
  return { log, named: (name) => name, release };
}

async function openKafka(): Promise<LogUnderTest> {
  const prefix = `contract-${crypto.randomUUID().slice(0, 8)}-`;
  const log = await openKafkaLog({
    access: { ...kafkaAccess(), topics: [`${prefix}*`] },
    recordBytesMax: testSettings.recordBytesMax,
  });
  const release = async () => {
    for (const { name } of await log.listTopics()) await log.deleteTopic(name);
    await log.close();
  };
  return { log, named: (name) => prefix + name, release };
}

for (const [name, { open, ignore }] of Object.entries(implementations)) {
  type Check = (log: PartitionedLog, topic: Topic, named: (name: string) => string) => Promise<void>;
  const promise = (claim: string, check: Check) =>
    Deno.test({
      name: `${name} log: ${claim}`,
      ignore,
      async fn() {
        const { log, named, release } = await open();
        try {
          await check(log, await log.createTopic(named("orders"), { partitions: 2, format: "json" }), named);
        } finally {
          await release();
        }
      },
    });

  promise("a topic is found and listed as it was made", async (log, topic, named) => {
    expect(topic).toMatchObject({ name: named("orders"), partitions: 2, format: "json" });
    await log.createTopic(named("apache"), { partitions: 1 });
    expect(await log.findTopic(named("orders"))).toMatchObject({ id: topic.id, name: topic.name, partitions: 2 });
    expect(await log.findTopic(named("missing"))).toBeUndefined();
    expect((await log.listTopics()).map((each) => each.name)).toEqual([named("apache"), named("orders")]);
  });

  promise("making a topic twice answers the first, even at the same time", async (log, topic, named) => {
    expect(await log.createTopic(named("orders"), { partitions: 9 })).toMatchObject({ id: topic.id, partitions: 2 });
    const twins = await Promise.all([
      log.createTopic(named("new"), { partitions: 1 }),
      log.createTopic(named("new"), { partitions: 3 }),
    ]);
    expect(twins[0]).toEqual(twins[1]);
  });

  promise("a topic made again has another id and none of the old records", async (log, topic, named) => {
    await log.append(topic, 0, batchOf("old"));
    await log.deleteTopic(named("orders"));
    expect(await log.findTopic(named("orders"))).toBeUndefined();
    const again = await log.createTopic(named("orders"), { partitions: 1 });
    expect(again.id).not.toBe(topic.id);
    expect(await log.ends(again)).toMatchObject([{ partition: 0, start: 0, end: 0 }]);
    await expect(log.append(topic, 0, batchOf("late"))).rejects.toMatchObject({ code: "UNKNOWN_TOPIC" });
  });

  promise("deleting a topic that is not there does nothing", async (log, _topic, named) => {
    await log.deleteTopic(named("missing"));
  });

  promise("an empty partition has no records, and can be read from its end", async (log, topic) => {
    const reader = openReader(log.readerSpec(topic, 1));
    expect(await reader.fetch(0, 1024, 10)).toMatchObject({ start: 0, end: 0, bytes: new Uint8Array(0) });
    expect(await log.timestampAt(topic, 1, 0)).toBeNull();
    reader.close();
  });

  promise("records are read byte for byte as they were appended", async (log, topic) => {
    const values = [
      new Uint8Array(0),
      Uint8Array.of(0, 0, 0),
      Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80),
      Uint8Array.from({ length: 256 }, (_, byte) => byte),
      new TextEncoder().encode("plain\r\n"),
    ];
    expect(await log.append(topic, 0, batchOf("first"))).toBe(0);
    expect(await log.append(topic, 0, batchOf(...values))).toBe(1);
    const reader = openReader(log.readerSpec(topic, 0));
    expect((await readAll(reader)).slice(1).map((record) => record.value)).toEqual(values);
    reader.close();
  });

  promise("a record of 10 MB passes, also through small fetches", async (log, topic) => {
    const large = new Uint8Array(10 * 1024 * 1024);
    for (let at = 0; at < large.length; at += 97) large[at] = at % 251;
    await log.append(topic, 0, batchOf("before"));
    await log.append(topic, 0, batchOf(large));
    await log.append(topic, 0, batchOf("after"));
    const reader = openReader(log.readerSpec(topic, 0));
    const records = await readAll(reader, 0, 1024);
    expect(records.map((record) => record.value?.length)).toEqual([6, large.length, 5]);
    const sum = (bytes: Uint8Array | null) => new Uint32Array(bytes?.slice().buffer ?? []).reduce((a, b) => a ^ b, 0);
    expect(sum(records[1].value)).toBe(sum(large));
    reader.close();
  });

  promise("partitions and topics don't mix", async (log, topic, named) => {
    const other = await log.createTopic(named("other"), { partitions: 2 });
    await log.append(topic, 0, batchOf("a", "b"));
    await log.append(topic, 1, batchOf("c"));
    await log.append(other, 0, batchOf("d"));
    expect((await log.ends(topic)).map(({ start, end, written }) => [start, end, written])).toEqual([[0, 2, 2], [
      0,
      1,
      1,
    ]]);
    const reader = openReader(log.readerSpec(topic, 1));
    expect(texts(await readAll(reader))).toEqual(["c"]);
    reader.close();
  });

  promise("appends at the same time take effect in the order of the calls, each whole", async (log, topic) => {
    const appends = Array.from({ length: 200 }, (_, index) => log.append(topic, 0, batchOf(`${index}`, `${index}'`)));
    expect(await Promise.all(appends)).toEqual(Array.from({ length: 200 }, (_, index) => 2 * index));
    const reader = openReader(log.readerSpec(topic, 0));
    const expected = Array.from({ length: 200 }, (_, index) => [`${index}`, `${index}'`]).flat();
    const records = await readAll(reader);
    expect(texts(records)).toEqual(expected);
    expect(records.map((record) => record.offset)).toEqual(expected.map((_, offset) => offset));
    reader.close();
  });

  promise("a fetch from within a batch answers the whole batch", async (log, topic) => {
    await log.append(topic, 0, batchOf("a", "b", "c"));
    await log.append(topic, 0, batchOf("d"));
    const reader = openReader(log.readerSpec(topic, 0));
    expect(texts(recordsOf((await reader.fetch(1, 1024, 0)).bytes))).toEqual(["a", "b", "c", "d"]);
    expect(texts(recordsOf((await reader.fetch(3, 1024, 0)).bytes))).toEqual(["d"]);
    expect(texts(recordsOf((await reader.fetch(2, 1, 0)).bytes))).toEqual(["a", "b", "c"]);
    reader.close();
  });

  promise("a fetch outside of the partition says so", async (log, topic) => {
    await log.append(topic, 0, batchOf("a"));
    const reader = openReader(log.readerSpec(topic, 0));
    expect((await reader.fetch(1, 1024, 0)).bytes.length).toBe(0);
    const error = await reader.fetch(2, 1024, 0).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(OffsetOutOfRange);
    expect(error).toMatchObject({ offset: 2, start: 0, end: 1 });
    reader.close();
  });

  promise("a waiting fetch gets what is appended meanwhile", async (log, topic) => {
    const reader = openReader(log.readerSpec(topic, 0));
    const waiting = reader.fetch(0, 1024, 60_000);
    await log.append(topic, 0, batchOf("news"));
    const { bytes, end } = await waiting;
    expect([texts(recordsOf(bytes)), end]).toEqual([["news"], 1]);
    reader.close();
  });

  promise("closing a reader ends its waiting fetch", async (log, topic) => {
    const reader = openReader(log.readerSpec(topic, 0));
    const waiting = reader.fetch(0, 1024, 60_000);
    reader.close();
    expect((await waiting).bytes.length).toBe(0);
  });

  promise("two readers read on their own", async (log, topic) => {
    for (let index = 0; index < 20; index++) await log.append(topic, 0, batchOf(`${index}`));
    const spec = log.readerSpec(topic, 0);
    const [one, two] = [openReader(spec), openReader(spec)];
    const [first, second] = await Promise.all([readAll(one, 0, 100), readAll(two, 10, 200)]);
    expect(texts(first)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
    expect(texts(second)).toEqual(Array.from({ length: 10 }, (_, index) => `${index + 10}`));
    one.close();
    two.close();
  });

  promise("fetched bytes stay as they are while the next fetch is under way", async (log, topic) => {
    for (let index = 0; index < 8; index++) await log.append(topic, 0, batchOf(`${index}`.repeat(50)));
    const reader = openReader(log.readerSpec(topic, 0));
    let previous = (await reader.fetch(0, 1, 0)).bytes;
    for (let offset = 1; offset < 8; offset++) {
      const next = (await reader.fetch(offset, 1, 0)).bytes;
      expect(texts(recordsOf(previous))).toEqual([`${offset - 1}`.repeat(50)]);
      previous = next;
    }
    reader.close();
  });

  promise("a worker reads with its own reader, and sees what is appended later", async (log, topic) => {
    await log.append(topic, 0, batchOf("early"));
    const worker = new Worker(new URL("./log_reading_worker.ts", import.meta.url), { type: "module" });
    const received: string[] = [];
    const done = new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(event.error ?? new Error(event.message));
      worker.onmessage = async (event: MessageEvent<string[]>) => {
        received.push(...event.data);
        if (received.length === 1) await log.append(topic, 0, batchOf("late", "last"));
        if (received.length === 3) resolve();
      };
    });
    worker.postMessage({ spec: log.readerSpec(topic, 0), records: 3 });
    await done;
    worker.terminate();
    expect(received).toEqual(["early", "late", "last"]);
  });

  promise("the time at an offset is that of its batch", async (log, topic) => {
    await log.append(topic, 0, batchOf("a", "b"));
    await log.append(topic, 0, batchOf("c"));
    expect(await log.timestampAt(topic, 0, 0)).toBe(1000);
    expect(await log.timestampAt(topic, 0, 2)).toBe(1000);
    expect(await log.timestampAt(topic, 0, 3)).toBeNull();
  });

  promise("bytes that are not one whole batch are refused, and nothing is kept", async (log, topic) => {
    const whole = batchOf("a");
    const flipped = batchOf("a");
    flipped.bytes[flipped.bytes.length - 2] ^= 1;
    const bad = [
      { bytes: whole.bytes.subarray(0, whole.bytes.length - 1), records: 1 },
      { bytes: new Uint8Array([...whole.bytes, ...whole.bytes]), records: 1 },
      { bytes: whole.bytes, records: 2 },
      { bytes: new Uint8Array(100), records: 1 },
      flipped,
    ];
    for (const batch of bad) {
      const error = await log.append(topic, 0, batch).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(MillraceError);
      expect(error).toMatchObject({ code: "INVALID_INPUT" });
    }
    expect((await log.ends(topic))[0].end).toBe(0);
  });

  promise(
    "a topic writer's records are all there after its flush, each key in one partition and in order",
    async (log, topic) => {
      const writer = new TopicWriter(log, topic, { batchBytes: 400 });
      const encoder = new TextEncoder();
      for (let index = 0; index < 300; index++) {
        const key = index % 3 === 0 ? null : encoder.encode(`key ${index % 7}`);
        await writer.write(encoder.encode(`${index}`), 1000 + index, key);
      }
      await writer.flush();
      const byPartition: string[][] = [];
      for (const partition of [0, 1]) {
        const reader = openReader(log.readerSpec(topic, partition));
        byPartition.push(texts(await readAll(reader)));
        reader.close();
      }
      const all = byPartition.flat().map(Number).sort((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: 300 }, (_, index) => index));
      for (let residue = 0; residue < 7; residue++) {
        const keyed = byPartition.map((partition) =>
          partition.map(Number).filter((each) => each % 3 !== 0 && each % 7 === residue)
        ).filter((partition) => partition.length > 0);
        expect(keyed.length).toBe(1);
        expect(keyed[0]).toEqual(keyed[0].toSorted((a, b) => a - b));
      }
    },
  );
}
