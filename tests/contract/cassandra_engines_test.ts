/** Engines and readers that meet on a real Cassandra: those that die at a write, see a replay, or ask for too much. */
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { connectCassandra } from "../../core/store/cassandra_access.ts";
import { CassandraClient, type CassandraRow, type Statement, type Value } from "../../core/store/cassandra_client.ts";
import { CassandraStore } from "../../core/store/cassandra.ts";
import { migrateCassandra } from "../../core/store/cassandra_schema.ts";
import type { FlushOutcome, PartitionFlush, Store } from "../../core/store/ports.ts";
import { ReadCache } from "../../core/store/read_cache.ts";
import { encodeEvents } from "../../core/store/record_blocks.ts";
import { eventsByHour } from "../../core/store/rows_by_hour.ts";
import { serviceForTests } from "../services/for_tests.ts";
import {
  cellOf,
  eventOf,
  eventsToRows,
  EVER,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  NO_TOTALS,
  START_BUCKET,
  storedCounts,
  type TestEvent,
} from "./store_fixtures.ts";

const cassandra = await serviceForTests("cassandra");

/** Dies at its n-th write: before the request is sent, or when the answer would have come. */
class MortalClient extends CassandraClient {
  /** Writes left to live for. */
  left = Infinity;
  isAnswerLost = false;

  override write(query: string, params: readonly Value[]): Promise<void> {
    return this.#mortally(() => super.write(query, params));
  }

  override compareAndSet(statements: readonly Statement[]): Promise<CassandraRow | null> {
    return this.#mortally(() => super.compareAndSet(statements));
  }

  async #mortally<T>(request: () => Promise<T>): Promise<T> {
    if (--this.left > 0) return await request();
    if (this.left === 0 && this.isAnswerLost) await request();
    throw new Error("the engine died");
  }
}

/** Records of three hours in turn. */
const RECORDS: readonly TestEvent[] = Array.from(
  { length: 30 },
  (_, offset) => eventOf(offset, (offset % 3) * HOUR_MS + (offset % 2) * MINUTE_MS + offset),
);
const FIRST_END = 12;
const SECOND_END = 24;
const TOTALS = { ...NO_TOTALS, consumed: 1, events: 1 };

const minuteOf = ({ micros }: TestEvent): number => Math.floor(micros / 60_000_000) - START_BUCKET * 60;
const bucketOf = ({ micros }: TestEvent): number => Math.floor(micros / 3_600_000_000);

/** An engine of one partition, as plain as can be: what it has counted since it began, by minute. */
class Engine {
  readonly #counted = new Map<number, TestEvent[]>();
  readonly #uptos = new Map<number, number>();
  #checkpoint = 0;

  constructor(readonly store: Store, readonly topicId: string, readonly writer: string) {}

  async takeOver(): Promise<number> {
    this.#checkpoint = (await this.store.readPartition(this.topicId, 0)).checkpoint;
    const buckets = [...new Set(RECORDS.map(bucketOf))];
    for (const { bucket, upto } of await this.store.readUnits(this.topicId, 0, buckets)) this.#uptos.set(bucket, upto);
    return this.#checkpoint;
  }

  /** What flushes the records from the checkpoint up to `at`; those that their unit reflects are skipped. */
  prepare(at: number): PartitionFlush {
    const records = RECORDS.slice(this.#checkpoint, at);
    const fresh = records.filter((record) => record.offset >= (this.#uptos.get(bucketOf(record)) ?? 0));
    for (const record of fresh) {
      const minute = minuteOf(record);
      this.#counted.set(minute, [...this.#counted.get(minute) ?? [], record]);
    }
    const cells = [...new Set(fresh.map(minuteOf))].map((minute) => {
      const counted = this.#counted.get(minute) ?? [];
      return cellOf(minute, "cart", counted.length, { fromOffset: counted[0].offset });
    });
    const sum = (name: keyof typeof TOTALS) => TOTALS[name] * records.length;
    return {
      ...flushOf({
        topicId: this.topicId,
        writer: this.writer,
        expectCheckpoint: this.#checkpoint,
        at,
        cells,
        units: [...new Set(fresh.map(bucketOf))].map((bucket) => ({ bucket, expect: this.#uptos.get(bucket) ?? 0 })),
        totals: { ...NO_TOTALS, consumed: sum("consumed"), events: sum("events") },
      }),
      events: fresh.length === 0
        ? []
        : eventsByHour(eventsToRows(fresh)).flatMap((rows) => encodeEvents(this.topicId, 0, rows)),
    };
  }

  async flush(flush: PartitionFlush): Promise<FlushOutcome> {
    const outcome = await this.store.flush(flush);
    if (outcome.kind === "applied") {
      for (const { bucket } of flush.units) this.#uptos.set(bucket, flush.at);
      this.#checkpoint = flush.at;
    }
    return outcome;
  }
}

/** Takes over, and again where a request of the dead engine was still on its way: then the store says so. */
async function finish(store: Store, topicId: string): Promise<void> {
  for (let tenure = 0;; tenure++) {
    const engine = new Engine(store, topicId, `second ${tenure}`);
    expect([FIRST_END, SECOND_END]).toContain(await engine.takeOver());
    const { kind } = await engine.flush(engine.prepare(RECORDS.length));
    if (kind === "applied") return;
    expect(tenure).toBeLessThan(3);
  }
}

async function expectOnce(store: Store, topicId: string): Promise<void> {
  const counts: Record<string, number> = {};
  for (const record of RECORDS) counts[`${minuteOf(record)}|cart`] = (counts[`${minuteOf(record)}|cart`] ?? 0) + 1;
  expect(await storedCounts(store, topicId)).toEqual(counts);
  const events = await store.events({ topicId, range: EVER, where: [], limit: 1000 });
  expect(events.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(RECORDS.map(({ offset }) => offset));
  expect(await store.partitions(topicId)).toMatchObject([{ checkpoint: 30, totals: { consumed: 30, events: 30 } }]);
}

/** A keyspace of its own, and processes that work on it. */
async function makeKeyspace() {
  const directory = await Deno.makeTempDir({ prefix: "millrace-crash-" });
  const name = `crash_${crypto.randomUUID().slice(0, 8)}`;
  const contactPoints = cassandra?.contactPoints.split(",");
  const { cassandra: access } = configSchema.parse({ cassandra: { contactPoints, keyspace: name } });
  const opened = new AsyncDisposableStack();
  opened.defer(() => Deno.remove(directory, { recursive: true }));
  const owner = await connectCassandra(access);
  opened.defer(() => owner.shutdown());
  await migrateCassandra(owner, access, { minutesDays: 30, eventsDays: 30 });
  opened.defer(async () => void await owner.execute(`DROP KEYSPACE ${name}`));
  const open = async () => {
    const client = new MortalClient(await connectCassandra(access), access);
    const cache = await ReadCache.open({ directory, memoryBytes: 64 * 1_048_576, threads: 1, cellBytes: 0 });
    const store = new CassandraStore(client, cache);
    opened.defer(() => store.close());
    return { client, store };
  };
  return { open, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

Deno.test({
  name: "Cassandra: an engine that dies at any write of a flush leaves nothing lost and nothing twice",
  ignore: cassandra === null,
  fn: async () => {
    await using keyspace = await makeKeyspace();
    const { open } = keyspace;
    const mortal = await open();
    const reader = await open();

    let steps = 0;
    for (let isSurvivor = false; !isSurvivor; steps++) {
      for (const isAnswerLost of [false, true]) {
        const topicId = `${steps} ${isAnswerLost}`;
        const first = new Engine(mortal.store, topicId, "first");
        expect(await first.flush(first.prepare(FIRST_END))).toEqual({ kind: "applied" });
        Object.assign(mortal.client, { left: steps + 1, isAnswerLost });
        const flush = first.prepare(SECOND_END);
        isSurvivor = await first.flush(flush).then(() => true, () => false);
        mortal.client.left = Infinity;

        await finish(reader.store, topicId);
        await expectOnce(reader.store, topicId);
        // What became of the first wakes up, and sends its flush once more.
        expect(await mortal.store.flush(flush)).toMatchObject({ kind: "conflict" });
        await expectOnce(reader.store, topicId);
        await expectOnce(mortal.store, topicId);
        // Who makes something of an hour sees that it has not changed any more, though its first engine never said so.
        expect(await reader.store.unitVersions(topicId)).toEqual(await reader.store.unitVersions(topicId));
      }
    }
    // Three blocks, three units marked, changed and settled, the checkpoint: each was died at.
    expect(steps).toBeGreaterThan(3 * 4);
  },
});

Deno.test({
  name: "Cassandra: who has read an hour before it was replaced sees the new one, whatever was flushed since",
  ignore: cassandra === null,
  fn: async () => {
    await using keyspace = await makeKeyspace();
    const [{ store }, { store: reader }] = [await keyspace.open(), await keyspace.open()];
    for (const isFlushedAfter of [false, true]) {
      const topicId = `replaced ${isFlushedAfter}`;
      const encode = (...events: TestEvent[]) => encodeEvents(topicId, 0, eventsToRows(events));
      const unit = { bucket: START_BUCKET, upto: 10, writer: "a" };
      await store.flush({
        ...flushOf({ topicId, cells: [cellOf(0, "old", 2), cellOf(1, "old", 1)] }),
        events: encode(eventOf(0, 0), eventOf(1, 1)),
      });
      const events = async () =>
        (await reader.events({ topicId, range: EVER, where: [], limit: 100 })).map(({ raw }) =>
          new TextDecoder().decode(raw)
        );
      expect(await storedCounts(reader, topicId)).toEqual({ "0|old": 2, "1|old": 1 });
      expect(await events()).toEqual(["event 1", "event 0"]);

      const { minutes } = flushOf({ cells: [cellOf(0, "new", 3)] });
      const raw = new TextEncoder().encode("replayed");
      const isReplaced = await store.replaceUnits([{
        topicId,
        partition: 0,
        unit,
        writer: "replay",
        minutes,
        events: encode(eventOf(0, 0, { raw })),
        quarantine: [],
        totals: { events: 0, unparsed: 0 },
      }]);
      expect(isReplaced).toBe(true);
      if (isFlushedAfter) {
        await store.flush(flushOf({
          topicId,
          writer: "b",
          expectCheckpoint: 10,
          at: 20,
          cells: [cellOf(2, "later", 1, { fromOffset: 12 })],
          units: [{ bucket: START_BUCKET, expect: 10, expectWriter: "replay" }],
        }));
      }
      expect(await storedCounts(reader, topicId)).toEqual({ "0|new": 3, ...(isFlushedAfter ? { "2|later": 1 } : {}) });
      expect(await events()).toEqual(["replayed"]);
    }
  },
});

Deno.test({
  name: "Cassandra: an hour too large for one request is refused with what to do, and the store goes on",
  ignore: cassandra === null,
  fn: async () => {
    await using keyspace = await makeKeyspace();
    const { store } = await keyspace.open();
    const topicId = "large";
    // 5000 cells are an everyday flush; these have 400 bytes each, about.
    const flush = (cells: number) =>
      flushOf({
        topicId,
        cells: Array.from(
          { length: cells },
          (_, i) => cellOf(Math.floor(i / 700), `${"service ".repeat(20)}${i % 700}`, 1),
        ),
      });
    const refused = await store.flush(flush(40_000)).then(() => null, (error: unknown) => error);
    expect(refused).toMatchObject({
      code: "REFUSED",
      remedy: expect.stringContaining("native_transport_max_frame_size"),
    });
    expect(await store.countStored(topicId)).toEqual([]);
    expect(await store.flush(flush(5_000))).toEqual({ kind: "applied" });
    expect(await store.countStored(topicId)).toEqual([{ partition: 0, count: 5_000 }]);
  },
});
