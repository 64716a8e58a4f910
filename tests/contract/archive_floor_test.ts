/**
 * A topic whose events went to the store alone and are kept in the archive from some offset on: searches, exports and reports
 * find each record once, whichever of the two has it, while the archive is behind and after the store has deleted.
 */
import { expect } from "expect";
import { ArchivedReads } from "../../core/archive/archived_reads.ts";
import { ArchivedStore } from "../../core/archive/archived_store.ts";
import { Chains, readCovers } from "../../core/archive/chain.ts";
import { raiseFloor } from "../../core/archive/floor.ts";
import { cachedFetch } from "../../core/archive/file_cache.ts";
import { LocalArchive } from "../../core/archive/local.ts";
import { mergeHour } from "../../core/archive/merger.ts";
import type { Store } from "../../core/store/ports.ts";
import { encodeEvents, encodeQuarantine } from "../../core/store/record_blocks.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  eventOf,
  eventsToRows,
  EVER,
  flushOf,
  HOUR_MS,
  promise,
  quarantineToRows,
  START_BUCKET,
  START_MS,
  type TestEvent,
  type TestQuarantine,
  TOPIC,
} from "./store_fixtures.ts";

const NAME = "shop";
/** Offsets [0, 240) of each partition, a minute apart; every seventh cannot be parsed. */
const RECORDS = 240;
const MINUTE_MS = 60_000;

const isBad = (offset: number) => offset % 7 === 3;
const timeOf = (partition: number, offset: number) => START_MS + offset * MINUTE_MS + partition;

function recordsOf(partition: number, from: number, to: number): { events: TestEvent[]; quarantine: TestQuarantine[] } {
  const offsets = Array.from({ length: to - from }, (_, i) => from + i);
  const raw = (offset: number) => new TextEncoder().encode(`record ${offset} of ${partition}`);
  return {
    events: offsets.filter((offset) => !isBad(offset)).map((offset) =>
      eventOf(offset, timeOf(partition, offset) - START_MS, {
        recordTimeMs: timeOf(partition, offset),
        raw: raw(offset),
        fields: { service: `s${partition}`, endpoint: `/${offset % 5}`, status: "404" },
      })
    ),
    quarantine: offsets.filter(isBad).map((offset) => ({
      offset,
      recordTimeMs: timeOf(partition, offset),
      reason: "no_match" as const,
      raw: raw(offset),
    })),
  };
}

class Parts {
  readonly #stored = [0, 0];
  readonly #chains: Chains;

  constructor(readonly store: Store, readonly archive: LocalArchive, readonly directory: string) {
    this.#chains = new Chains(archive, store);
  }

  /** Flushes a partition to `to`, with its records or without. */
  async keep(partition: number, to: number, isWithRecords: boolean): Promise<void> {
    const from = this.#stored[partition];
    const { events, quarantine } = recordsOf(partition, from, to);
    const flush = flushOf({
      partition,
      at: to,
      cells: [cellOf(0, "x", 1)],
      units: [],
      events: isWithRecords ? events : [],
    });
    const kept = encodeQuarantine(TOPIC, partition, quarantineToRows(quarantine));
    const outcome = await this.store.flush({ ...flush, expectCheckpoint: from, quarantine: isWithRecords ? kept : [] });
    expect(outcome).toEqual({ kind: "applied" });
    this.#stored[partition] = to;
  }

  async pass(partition: number, to: number): Promise<void> {
    const owner = { topicId: TOPIC, topicName: NAME, partition };
    const { from } = await this.#chains.read(owner);
    expect(await this.#chains.pass(owner, from, to)).toBe(true);
  }

  async archiveTo(partition: number, to: number): Promise<void> {
    const owner = { topicId: TOPIC, topicName: NAME, partition };
    const { from } = await this.#chains.read(owner);
    const { events, quarantine } = recordsOf(partition, from, to);
    const hour = (ms: number) => Math.floor(ms / HOUR_MS);
    const files = [
      ...[...Map.groupBy(events, ({ micros }) => hour(micros / 1000))].map(([bucket, of]) => ({
        table: "events" as const,
        bucket,
        blocks: encodeEvents(TOPIC, partition, eventsToRows(of)),
      })),
      ...[...Map.groupBy(quarantine, ({ recordTimeMs }) => hour(recordTimeMs))].map(([bucket, of]) => ({
        table: "quarantine" as const,
        bucket,
        blocks: encodeQuarantine(TOPIC, partition, quarantineToRows(of)),
      })),
    ];
    expect(await this.#chains.commit({ ...owner, from, to, files })).not.toBeNull();
  }

  async raise(toMs: number): Promise<void> {
    for (const table of ["events", "quarantine"] as const) await raiseFloor(this.store, table, TOPIC, toMs);
  }

  archived(): ArchivedStore {
    const reads = new ArchivedReads({
      archive: this.archive,
      fetch: cachedFetch(this.archive, `${this.directory}/cache`, 1e9),
      bytesMax: 1e9,
      directory: `${this.directory}/reads`,
      memoryBytes: 64 * 1_048_576,
      threads: 1,
    });
    const topicOf = () => Promise.resolve({ name: NAME, partitions: 2 });
    return new ArchivedStore({ store: this.store, reads, futureMs: 0, topicOf });
  }
}

function floorTest(claim: string, check: (parts: Parts) => Promise<void>): void {
  promise(claim, async (store) => {
    const directory = await Deno.makeTempDir({ prefix: "millrace-floor-" });
    const archive = new LocalArchive(`${directory}/kept`);
    try {
      await check(new Parts(store, archive, directory));
    } finally {
      archive.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}

type Key = readonly [timeMs: number, partition: number, offset: number];

/** What every way of asking answers, as keys newest first: pages of several sizes, an export, a count. */
async function foundBy(store: Store): Promise<{ events: Key[]; quarantine: Key[] }> {
  const pages = async (limits: { limit: number; bytesMax?: number }) => {
    const events: Key[] = [];
    for (;;) {
      const last = events.at(-1);
      const after = last === undefined
        ? {}
        : { after: { timestampMicros: last[0] * 1000, partition: last[1], offset: last[2] } };
      const page = await store.events({ topicId: TOPIC, range: EVER, where: [], ...limits, ...after });
      if (page.length === 0) return events;
      events.push(
        ...page.map(({ timestampMicros, partition, offset }): Key => [timestampMicros / 1000, partition, offset]),
      );
    }
  };
  const quarantine: Key[] = [];
  for (;;) {
    const last = quarantine.at(-1);
    const after = last === undefined ? {} : { after: { recordTimeMs: last[0], partition: last[1], offset: last[2] } };
    const page = await store.quarantine({ topicId: TOPIC, range: EVER, limit: 29, ...after });
    if (page.length === 0) break;
    quarantine.push(...page.map(({ recordTimeMs, partition, offset }): Key => [recordTimeMs, partition, offset]));
  }
  const events = await pages({ limit: 83 });
  expect(await pages({ limit: 500, bytesMax: 1_301 })).toEqual(events);
  const rows = await exported(store, exportQuery({ table: "events", format: "ndjson", range: EVER }));
  expect(rows.map(({ partition, offset }) => `${partition}/${offset}`).sort()).toEqual(
    events.map(([, partition, offset]) => `${partition}/${offset}`).sort(),
  );
  const report = await store.accessReport({ topicId: TOPIC, range: EVER, where: [], timeZone: "UTC", limit: 5 });
  expect([report.lines, report.unparsed]).toEqual([events.length + quarantine.length, quarantine.length]);
  return { events, quarantine };
}

/** The same from the ranges of offsets that are kept anywhere. */
function expectedOf(ranges: readonly (readonly [partition: number, from: number, to: number])[]) {
  const keys = ranges.flatMap(([partition, from, to]) =>
    Array.from({ length: to - from }, (_, i): Key => [timeOf(partition, from + i), partition, from + i])
  ).sort((a, b) => b[0] - a[0] || b[1] - a[1] || b[2] - a[2]);
  return { events: keys.filter(([, , o]) => !isBad(o)), quarantine: keys.filter(([, , o]) => isBad(o)) };
}

floorTest("after a switch to the archive, events that only the store has are found, and none twice", async (parts) => {
  // The store has [0, 150); of partition 0 the log has lost [0, 40), and the archive of partition 1 is behind.
  for (const partition of [0, 1]) await parts.keep(partition, 150, true);
  for (const partition of [0, 1]) await parts.keep(partition, RECORDS, false);
  await parts.pass(0, 40);
  await parts.raise(timeOf(0, RECORDS));
  const archived = parts.archived();
  expect(await foundBy(archived)).toEqual(expectedOf([[0, 0, 150], [1, 0, 150]]));
  await parts.archiveTo(0, 100);
  await parts.archiveTo(1, 70);
  expect(await foundBy(archived)).toEqual(expectedOf([[0, 0, 150], [1, 0, 150]]));
  await parts.archiveTo(0, RECORDS);
  expect(await foundBy(archived)).toEqual(expectedOf([[0, 0, RECORDS], [1, 0, 150]]));
  // Retention deletes whole hours of the store: what is archived stays, what only the store had goes with them.
  await parts.store.retain({ minutesBeforeMs: 0, eventsBeforeMs: timeOf(1, RECORDS) });
  expect(await foundBy(archived)).toEqual(expectedOf([[0, 40, RECORDS], [1, 0, 70]]));
  await parts.archiveTo(1, RECORDS);
  expect(await foundBy(archived)).toEqual(expectedOf([[0, 40, RECORDS], [1, 0, RECORDS]]));
});

floorTest("what the archive never got is the store's, also between what it has", async (parts) => {
  for (const partition of [0, 1]) await parts.keep(partition, RECORDS, true);
  await parts.archiveTo(0, 30);
  await parts.pass(0, 50);
  await parts.pass(0, 65);
  await parts.archiveTo(0, 130);
  await parts.archiveTo(1, 130);
  await parts.raise(timeOf(0, RECORDS));
  expect(await readCovers(parts.store, TOPIC, 2)).toEqual([
    { partition: 0, from: 0, to: 130, holes: [{ from: 30, to: 65 }] },
    { partition: 1, from: 0, to: 130, holes: [] },
  ]);
  const all = expectedOf([[0, 0, RECORDS], [1, 0, RECORDS]]);
  expect(await foundBy(parts.archived())).toEqual(all);
  // Merged files reach over the hole; the store's records of it stay single.
  for (let bucket = START_BUCKET; bucket < START_BUCKET + 4; bucket++) {
    for (const partition of [0, 1]) {
      const hour = { table: "events" as const, topic: NAME, topicId: TOPIC, partition, bucket };
      await mergeHour(parts.archive, hour, 130, parts.directory);
    }
  }
  expect(await foundBy(parts.archived())).toEqual(all);
});

floorTest("records that are archived and merged while a search runs are found once", async (parts) => {
  for (const partition of [0, 1]) await parts.keep(partition, RECORDS, true);
  await parts.archiveTo(0, 20);
  await parts.archiveTo(1, 20);
  await parts.raise(timeOf(0, RECORDS));
  const hour = { table: "events" as const, topic: NAME, topicId: TOPIC, partition: 0, bucket: START_BUCKET };
  let at = 20;
  // Whenever the archive is listed, more has come and been merged since the chain was looked at.
  const list = parts.archive.list.bind(parts.archive);
  let isWithin = false;
  parts.archive.list = async function* (prefix: string) {
    if (!isWithin && at + 5 <= RECORDS) {
      isWithin = true;
      await parts.archiveTo(0, at += 5);
      await mergeHour(parts.archive, hour, at, parts.directory);
      isWithin = false;
    }
    yield* list(prefix);
  };
  const all = expectedOf([[0, 0, RECORDS], [1, 0, RECORDS]]);
  expect(await foundBy(parts.archived())).toEqual(all);
  expect(at).toBeGreaterThan(100);
});
