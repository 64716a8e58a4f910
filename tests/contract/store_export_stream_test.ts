/** How exports of every store stream: one snapshot, nothing left behind, and never half a file that looks whole. */
import { expect } from "expect";
import { EXPORT_FORMATS, type Store } from "../../core/store/ports.ts";
import { bytesOf, exported, exportQuery, rowsOf } from "./store_export_files.ts";
import { cellOf, eventOf, flushOf, MINUTE_MS, promise, START_MS } from "./store_fixtures.ts";

const encoder = new TextEncoder();

promise("an export is of one moment: its frontier, and nothing that came after it", async (store) => {
  const flushAt = (partition: number, from: number) =>
    store.flush(flushOf({
      partition,
      expectCheckpoint: from,
      at: from + 10,
      cells: [cellOf(from, "cart", 10, { fromOffset: from })],
      units: [{ bucket: Math.floor((START_MS / MINUTE_MS + from) / 60), expect: from }],
      events: Array.from({ length: 10 }, (_, i) => eventOf(from + i, from)),
    }));
  await flushAt(0, 0);
  await flushAt(2, 0);
  await flushAt(2, 10);
  for (const table of ["events", "minutes"] as const) {
    const before = await Promise.all(EXPORT_FORMATS.map((format) => store.export(exportQuery({ table, format }))));
    const from = table === "events" ? 10 : 20;
    expect(await flushAt(0, from)).toEqual({ kind: "applied" });
    for (const [i, { stream, frontier }] of before.entries()) {
      expect(frontier).toEqual([{ partition: 0, offset: from }, { partition: 2, offset: 20 }]);
      const rows = await rowsOf(await bytesOf(stream), EXPORT_FORMATS[i]);
      const records = table === "events" ? rows.length : rows.reduce((sum, { count }) => sum + Number(count), 0);
      expect({ table, records }).toEqual({ table, records: from + 20 });
    }
  }
  expect((await store.export(exportQuery({ topicId: "unknown" }))).frontier).toEqual([]);
});

const MUCH = 8000;

/** Events whose export is far larger than any buffer. */
async function storeMuch(store: Store): Promise<void> {
  const raw = encoder.encode(`${crypto.randomUUID()} `.repeat(20));
  const events = Array.from({ length: MUCH }, (_, offset) => eventOf(offset, offset, { raw }));
  await store.flush(flushOf({ events, at: MUCH }));
}

/** Every file below the store's directory. */
function* filesBelow(directory: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) yield* filesBelow(`${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}

promise(
  "exports leave no file behind: read to the end, cancelled midway, or cancelled before",
  async (store, { directory }) => {
    await storeMuch(store);
    await bytesOf((await store.export(exportQuery({ format: "ndjson" }))).stream); // a store may fetch what it reads
    const before = [...filesBelow(directory)].sort();
    for (const format of EXPORT_FORMATS) {
      await bytesOf((await store.export(exportQuery({ format }))).stream);
      const { stream } = await store.export(exportQuery({ format }));
      const reader = stream.getReader();
      expect((await reader.read()).value?.length).toBeGreaterThan(0);
      await reader.cancel();
      await (await store.export(exportQuery({ format }))).stream.cancel();
      expect([...filesBelow(directory)].sort()).toEqual(before);
    }
    // The store goes on.
    expect(await exported(store, exportQuery({ format: "ndjson" }))).toHaveLength(MUCH);
  },
);

promise(
  "an export that the closing of the store cuts short fails, and never ends as if it were whole",
  async (store) => {
    await storeMuch(store);
    const whole = await bytesOf((await store.export(exportQuery({ format: "ndjson" }))).stream);
    const exports = await Promise.all([0, 1, 2].map(() => store.export(exportQuery({ format: "ndjson" }))));
    await store.close();
    for (const { stream } of exports) {
      const read = await bytesOf(stream).catch(() => null);
      if (read !== null) expect(read.length).toBe(whole.length);
    }
  },
);

promise("exports and flushes at once do not disturb each other", async (store) => {
  await storeMuch(store);
  const reads = EXPORT_FORMATS.map((format) => exported(store, exportQuery({ format })));
  const flushes = [1, 2, 3, 4, 5].map((partition) => store.flush(flushOf({ partition, events: [eventOf(0, 0)] })));
  expect(await Promise.all(flushes)).toEqual(flushes.map(() => ({ kind: "applied" })));
  for (const rows of await Promise.all(reads)) {
    expect(rows.filter(({ partition }) => partition === 0)).toHaveLength(MUCH);
  }
});
