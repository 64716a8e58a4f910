/** Large records within the default memory of every store: exports of all formats, and pages. */
import { DuckDBInstance } from "@duckdb/node-api";
import { expect } from "expect";
import { EXPORT_FORMATS, type Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { bytesOf, exported, exportQuery, rowsOf } from "./store_export_files.ts";
import {
  eventOf,
  EVER,
  flushOf,
  promise,
  START_MS,
  type TestEvent,
  type TestQuarantine,
  TOPIC,
} from "./store_fixtures.ts";

const KIB = 1024;

/** Letters that tell records apart, and compress little. */
function lettersOf(seed: number, length: number): Uint8Array {
  const random = randomFrom(seed + 1);
  const some = Uint8Array.from({ length: 4099 }, () => 97 + Math.floor(random() * 26));
  const letters = new Uint8Array(length);
  for (let at = 0; at < length; at += some.length) letters.set(some.subarray(0, length - at), at);
  return letters;
}

/** Events whose order in time is another than that of their offsets. */
const wideEvents = (count: number, bytes: number): TestEvent[] =>
  Array.from(
    { length: count },
    (_, offset) => eventOf(offset, (offset * 7919) % count, { raw: lettersOf(offset, bytes) }),
  );

async function storeEvents(store: Store, events: readonly TestEvent[], perFlush: number): Promise<void> {
  for (let from = 0; from < events.length; from += perFlush) {
    const some = events.slice(from, from + perFlush);
    const at = from + some.length;
    expect(await store.flush(flushOf({ expectCheckpoint: from, at, events: some }))).toEqual({ kind: "applied" });
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex();
}

const digestOfText = (text: unknown) => digestOf(new TextEncoder().encode(String(text)));

/** Offset and digest of the record, in the order of time. */
const truthOf = (events: readonly TestEvent[]) =>
  Promise.all(
    events.toSorted((a, b) => a.micros - b.micros).map(async ({ offset, raw }) => [offset, await digestOf(raw)]),
  );

for (const [count, kib] of [[1000, 20], [400, 133]] as const) {
  promise(`${count} events of ${kib} KiB are exported in every format, in order of time`, async (store) => {
    const events = wideEvents(count, kib * KIB);
    await storeEvents(store, events, 50);
    const truth = await truthOf(events);
    for (const format of EXPORT_FORMATS) {
      const rows = await exported(store, exportQuery({ format }));
      const found = await Promise.all(rows.map(async ({ offset, raw }) => [offset, await digestOfText(raw)]));
      expect({ format, found }).toEqual({ format, found: truth });
    }
    const page = await store.events({ topicId: TOPIC, range: EVER, where: [], limit: 100 });
    expect(page.map(({ offset }) => offset)).toEqual(truth.slice(-100).map(([offset]) => offset).reverse());
  });
}

promise("quarantined records of 5 MB are exported in every format, and read as one page", async (store) => {
  const size = 5_000_000;
  const records = Array.from({ length: 20 }, (_, offset): TestQuarantine => {
    const raw = lettersOf(offset, size);
    if (offset === 3) raw.set([0xef, 0xbb, 0xbf, 0x22, 0x5c, 0x0a]); // a byte order mark, and what JSON escapes
    if (offset === 4) raw.set([0xff, 0xfe], 1000);
    return { offset, recordTimeMs: START_MS + (offset * 7) % 20, reason: "too_large", raw };
  });
  for (let from = 0; from < 20; from += 5) {
    const quarantine = records.slice(from, from + 5);
    await store.flush(flushOf({ expectCheckpoint: from, at: from + 5, quarantine }));
  }
  const ordered = records.toSorted((a, b) => a.recordTimeMs - b.recordTimeMs);
  const digests = await Promise.all(ordered.map(async ({ offset, raw }) => [offset, await digestOf(raw)]));
  for (const format of EXPORT_FORMATS) {
    const { stream, frontier } = await store.export(exportQuery({ table: "quarantine", format }));
    expect(frontier).toEqual([{ partition: 0, offset: 20 }]);
    // No reader of whole texts takes 240 MB; lines, and what DuckDB sums up of the others, do.
    const found = format === "ndjson" ? await jsonDigests(stream) : await foreignDigests(stream, format);
    expect({ format, found }).toEqual({ format, found: digests });
  }
  const page = await store.quarantine({ topicId: TOPIC, range: EVER, limit: 100 });
  const read = await Promise.all(page.map(async ({ offset, raw }) => [offset, await digestOf(raw)]));
  expect(read).toEqual(digests.toReversed());
});

const base64Bytes = (text: unknown) => Uint8Array.fromBase64(String(text));

async function jsonDigests(stream: ReadableStream<Uint8Array>): Promise<[number, string][]> {
  const found: [number, string][] = [];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.slice(start, end));
      start = end + 1;
      const row = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        await new Blob(parts).arrayBuffer(),
      ));
      parts = [];
      const bytes = base64Bytes(row.raw_base64);
      if (row.offset !== 4) expect(await digestOfText(row.raw)).toBe(await digestOf(bytes));
      expect(Object.keys(row)).toEqual(["record_time", "partition", "offset", "reason", "raw", "raw_base64"]);
      expect(row).toMatchObject({ partition: 0, reason: "too_large" });
      found.push([row.offset, await digestOf(bytes)]);
    }
    parts.push(chunk.slice(start));
  }
  expect(await new Blob(parts).text()).toBe("");
  return found;
}

/** What a DuckDB that knows nothing of us finds in a file. */
async function foreignDigests(stream: ReadableStream<Uint8Array>, format: string): Promise<[number, string][]> {
  const path = await Deno.makeTempFile({ suffix: `.${format}` });
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    await Deno.writeFile(path, stream);
    const source = format === "csv" ? `read_csv('${path}', all_varchar = true, max_line_size = 20000000)` : `'${path}'`;
    const reader = await connection.runAndReadAll(
      `SELECT "offset"::INTEGER AS id, sha256(from_base64(raw_base64)) AS digest FROM ${source}`,
    );
    return reader.getRowObjectsJS().map(({ id, digest }) => [Number(id), String(digest)]);
  } finally {
    connection.closeSync();
    instance.closeSync();
    await Deno.remove(path);
  }
}

promise("an export of many small files' worth of rows is one file, of one header and one footer", async (store) => {
  const count = 90_000;
  const events = Array.from({ length: count }, (_, offset) => eventOf(offset, (offset * 7919) % count));
  await storeEvents(store, events, 30_000);
  const truth = events.toSorted((a, b) => a.micros - b.micros).map(({ offset }) => offset);
  for (const format of EXPORT_FORMATS) {
    const rows = await rowsOf(await bytesOf((await store.export(exportQuery({ format }))).stream), format);
    expect(rows.length).toBe(count);
    const wrong = rows.findIndex(({ offset, raw }, i) => offset !== truth[i] || raw !== `event ${truth[i]}`);
    expect({ format, wrong }).toEqual({ format, wrong: -1 });
  }
});

promise("reads, flushes and exports of large records at once do not disturb each other", async (store) => {
  const events = wideEvents(100, 133 * KIB);
  await storeEvents(store, events, 50);
  const numbers = [...Array(20).keys()];
  const exports = numbers.slice(0, 4).map(() => exported(store, exportQuery({ format: "csv" })));
  const reads = numbers.map(() => store.partitions(TOPIC));
  const flushes = numbers.map((i) => store.flush(flushOf({ partition: i + 1, events: [eventOf(0, 1_000_000)] })));
  const pages = numbers.map(() => store.events({ topicId: TOPIC, range: EVER, where: [], limit: 3 }));
  for (const found of await Promise.all(reads)) expect(found.length).toBeGreaterThan(0);
  for (const page of await Promise.all(pages)) expect(page).toHaveLength(3);
  for (const outcome of await Promise.all(flushes)) expect(outcome).toEqual({ kind: "applied" });
  for (const rows of await Promise.all(exports)) {
    expect(rows.filter(({ partition }) => partition === 0)).toHaveLength(100);
  }
  expect(await exported(store, exportQuery({ format: "ndjson" }))).toHaveLength(120);
});
