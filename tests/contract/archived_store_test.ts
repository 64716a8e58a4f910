/** A store with an archive behind it answers as if it still had what it has deleted. */
import { expect } from "expect";
import type { Archive } from "../../core/archive/archive.ts";
import { ArchivedReads } from "../../core/archive/archived_reads.ts";
import { ArchivedStore } from "../../core/archive/archived_store.ts";
import { Chains } from "../../core/archive/chain.ts";
import { raiseFloor, readFloor } from "../../core/archive/floor.ts";
import { cachedFetch } from "../../core/archive/file_cache.ts";
import { segmentsOfHour } from "../../core/archive/listing.ts";
import { mergeHour } from "../../core/archive/merger.ts";
import { configSchema } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import type { EventRecord, QuarantineRecord, Store, TimeRange } from "../../core/store/ports.ts";
import { encodeEvents, encodeQuarantine } from "../../core/store/record_blocks.ts";
import { openStore } from "../../core/store/registry.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { archiveTest } from "./archives_for_tests.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  eventsToRows,
  EVER,
  flushOf,
  quarantineToRows,
  type TestEvent,
  type TestQuarantine,
} from "./store_fixtures.ts";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 30, 20);
const HOURS = 12;
const TOPIC_ID = "topic-id_1";
const NAME = "shop";
const FUTURE_MS = 600_000;
/** What came before it is deleted from the store. */
const FLOOR_MS = START_MS + 5 * HOUR_MS + 1_234_567;

interface Records {
  readonly events: readonly TestEvent[];
  readonly quarantine: readonly TestQuarantine[];
}

/** Events of twelve hours in the order of the log, some of them early or late by minutes; every 20th record is unparsed. */
function recordsOf(partition: number, count: number): Records {
  const random = randomFrom(partition + 1);
  const events: TestEvent[] = [];
  const quarantine: TestQuarantine[] = [];
  const text = new TextEncoder();
  for (let offset = 0; offset < count; offset++) {
    const recordTimeMs = START_MS + Math.floor(offset * HOURS * HOUR_MS / count);
    if (offset % 20 === 7) {
      const raw = Uint8Array.from([0xff, 0x20, offset % 256]);
      quarantine.push({ offset, recordTimeMs, reason: offset % 40 === 7 ? "no_match" : "invalid_json", raw });
      continue;
    }
    const ms = recordTimeMs + Math.floor((random() - 0.7) * 600_000);
    const status = ["200", "404", "500"][Math.floor(random() * 3)];
    events.push({
      offset,
      micros: ms * 1000 + Math.floor(random() * 1000),
      recordTimeMs,
      isError: false,
      fields: { level: random() < 0.2 ? "ERROR" : "INFO", service: `s${offset % 3}`, status, host: `h${offset % 17}` },
      measures: { content_size: Math.floor(random() * 5000) },
      raw: text.encode(`record ${offset} of ${partition}, word${Math.floor(random() * 50)}`),
    });
  }
  return { events, quarantine };
}

/** The same records in the store and, as two segments a partition and hour, in the archive. */
async function fill(store: Store, archive: Archive): Promise<void> {
  const chains = new Chains(archive, store);
  for (const partition of [0, 1]) {
    const { events, quarantine } = recordsOf(partition, 1_200);
    const owner = { topicId: TOPIC_ID, topicName: NAME, partition };
    await chains.read(owner);
    for (const [from, to] of [[0, 430], [430, 431], [431, 1_200]]) {
      const within = ({ offset }: { readonly offset: number }) => offset >= from && offset < to;
      const [some, bad] = [events.filter(within), quarantine.filter(within)];
      const flush = flushOf({
        topicId: TOPIC_ID,
        partition,
        at: to,
        cells: [cellOf(0, "x", 1)],
        units: [],
        events: some,
      });
      await store.flush({
        ...flush,
        expectCheckpoint: from,
        quarantine: encodeQuarantine(TOPIC_ID, partition, quarantineToRows(bad)),
      });
      const hour = (ms: number) => Math.floor(ms / HOUR_MS);
      const committed = await chains.commit({
        ...owner,
        from,
        to,
        files: [
          ...[...Map.groupBy(some, ({ micros }) => hour(micros / 1000))].map(([bucket, of]) => ({
            table: "events" as const,
            bucket,
            blocks: encodeEvents(TOPIC_ID, partition, eventsToRows(of)),
          })),
          ...[...Map.groupBy(bad, ({ recordTimeMs }) => hour(recordTimeMs))].map(([bucket, of]) => ({
            table: "quarantine" as const,
            bucket,
            blocks: encodeQuarantine(TOPIC_ID, partition, quarantineToRows(of)),
          })),
        ],
      });
      expect(committed).not.toBeNull();
    }
  }
}

/** All pages of a search, one after the other. */
async function allEvents(store: Store, rest: Partial<Parameters<Store["events"]>[0]>): Promise<EventRecord[]> {
  const found: EventRecord[] = [];
  for (;;) {
    const after = found.at(-1);
    const page = await store.events({
      topicId: TOPIC_ID,
      range: EVER,
      where: [],
      limit: 500,
      ...rest,
      ...(after === undefined ? {} : { after }),
    });
    if (page.length === 0) return found;
    found.push(...page);
  }
}

async function allQuarantine(store: Store, reason?: string): Promise<QuarantineRecord[]> {
  const found: QuarantineRecord[] = [];
  for (;;) {
    const after = found.at(-1);
    const query = { topicId: TOPIC_ID, range: EVER, reason, limit: 17, ...(after === undefined ? {} : { after }) };
    const page = await store.quarantine(query);
    if (page.length === 0) return found;
    found.push(...page);
  }
}

/** The last digits of a deviation depend on the order of addition. */
async function reportOf(store: Store, range: TimeRange): Promise<unknown> {
  const report = await store.accessReport({ topicId: TOPIC_ID, range, where: [], timeZone: "UTC", limit: 20 });
  return { ...report, contentSize: { ...report.contentSize, stddev: report.contentSize.stddev?.toPrecision(12) } };
}

/** Answers to everything that is asked of records, over all of the time and over parts of it. */
async function answersOf(store: Store): Promise<unknown> {
  const cut = { fromMs: START_MS + 3 * HOUR_MS + 5, toMs: START_MS + 9 * HOUR_MS + 77 };
  const old = { fromMs: START_MS + HOUR_MS, toMs: START_MS + 2 * HOUR_MS };
  const where = [{ field: "level", op: "in", values: ["ERROR"] }] as const;
  const exports = [];
  for (const range of [EVER, cut]) {
    for (const [table, format] of [["events", "csv"], ["events", "parquet"], ["quarantine", "ndjson"]] as const) {
      exports.push(await exported(store, exportQuery({ topicId: TOPIC_ID, table, format, range })));
    }
  }
  return {
    all: await allEvents(store, {}),
    errors: await allEvents(store, { where }),
    text: await allEvents(store, { text: "WORD17" }),
    cut: await allEvents(store, { range: cut, limit: 1000 }),
    old: await allEvents(store, { range: old }),
    small: await allEvents(store, { range: cut, bytesMax: 900 }),
    quarantine: await allQuarantine(store),
    reason: await allQuarantine(store, "no_match"),
    exports,
    filtered: await exported(store, exportQuery({ topicId: TOPIC_ID, where })),
    reports: await Promise.all([EVER, cut, old].map((range) => reportOf(store, range))),
  };
}

archiveTest("what the store has deleted is found all the same, before and after hours were merged", async (under) => {
  const directory = await Deno.makeTempDir({ prefix: "millrace-archived-store-" });
  const config = configSchema.parse({ data: directory });
  const store = await openStore("duckdb", config);
  const archive = await under.open();
  try {
    await fill(store, archive);
    const expected = await answersOf(store);
    const options = {
      archive,
      fetch: cachedFetch(archive, `${directory}/cache`, 1_000_000_000),
      bytesMax: 1_000_000_000,
      directory: `${directory}/reads`,
      memoryBytes: 128 * 1_048_576,
      threads: 0, // as by default
    };
    const topicOf = (id: string) => Promise.resolve(id === TOPIC_ID ? { name: NAME, partitions: 2 } : undefined);
    const archived = new ArchivedStore({ store, reads: new ArchivedReads(options), futureMs: FUTURE_MS, topicOf });
    expect(await answersOf(archived)).toEqual(expected); // the store lacks nothing: it is asked alone

    for (const table of ["events", "quarantine"] as const) {
      await raiseFloor(store, table, TOPIC_ID, FLOOR_MS);
      await raiseFloor(store, table, TOPIC_ID, FLOOR_MS - 1); // is never lowered
      expect(await readFloor(store, table, TOPIC_ID)).toBe(FLOOR_MS);
      // The one table is the archive's then, the other still the store's.
      expect(await allQuarantine(archived)).toEqual(await allQuarantine(store));
      expect(await reportOf(archived, EVER)).toEqual(await reportOf(store, EVER));
    }
    await store.retain({ minutesBeforeMs: 0, eventsBeforeMs: FLOOR_MS });
    expect((await allEvents(store, {})).length).toBeLessThan(2 * 1_140);
    expect(await answersOf(archived)).toEqual(expected);

    let merged = 0;
    for (const partition of [0, 1]) {
      for (const table of ["events", "quarantine"] as const) {
        for (let bucket = START_MS / HOUR_MS - 1; bucket <= START_MS / HOUR_MS + HOURS; bucket++) {
          const hour = { table, topic: NAME, topicId: TOPIC_ID, partition, bucket };
          merged += await mergeHour(archive, hour, 1_200, directory);
          expect((await segmentsOfHour(archive, hour)).length).toBeLessThan(2);
        }
      }
    }
    expect(merged).toBeGreaterThanOrEqual(4);
    expect(await answersOf(archived)).toEqual(expected);
    expect(await Array.fromAsync(Deno.readDir(`${directory}/reads`))).toEqual([]);
  } finally {
    archive.close();
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

archiveTest("a range of more archived records than may be fetched is refused in words", async (under) => {
  const directory = await Deno.makeTempDir({ prefix: "millrace-archived-store-" });
  const store = await openStore("duckdb", configSchema.parse({ data: directory }));
  const archive = await under.open();
  try {
    await fill(store, archive);
    await raiseFloor(store, "events", TOPIC_ID, START_MS + 48 * HOUR_MS);
    const reads = new ArchivedReads({
      archive,
      fetch: (key, path) => archive.fetch(key, path),
      bytesMax: 100_000,
      directory: `${directory}/reads`,
      memoryBytes: 64 * 1_048_576,
      threads: 1,
    });
    const topicOf = () => Promise.resolve({ name: NAME, partitions: 2 });
    const archived = new ArchivedStore({ store, reads, futureMs: 0, topicOf });
    const page = await archived.events({ topicId: TOPIC_ID, range: EVER, where: [], limit: 5 });
    expect(page).toHaveLength(5); // the newest need little
    const refused = await archived.export(exportQuery({ topicId: TOPIC_ID })).catch((error) => error);
    expect(refused).toBeInstanceOf(MillraceError);
    expect(refused).toMatchObject({ code: "INVALID_INPUT", remedy: expect.stringContaining("archive.cacheBytesMax") });
  } finally {
    archive.close();
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});
