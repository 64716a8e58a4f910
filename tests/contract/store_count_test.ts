/** Counts of every store, and events of given offsets, against the lists that went in and the rows of real exports. */
import { expect } from "expect";
import type { CountQuery, Store } from "../../core/store/ports.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import { cellOf, eventOf, EVER, flushOf, promise, START_MS, TOPIC } from "./store_fixtures.ts";

const encoder = new TextEncoder();

const count = async (store: Store, query: Partial<CountQuery> & Pick<CountQuery, "table">): Promise<number> =>
  (await store.count({ topicId: TOPIC, range: EVER, where: [], ...query })).rows;

promise(
  "events of given offsets are those that came between two looks, in whichever segment they lie",
  async (store) => {
    for (const partition of [0, 3]) {
      for (let part = 0; part < 4; part++) {
        const events = Array.from(
          { length: 10 },
          (_, i) =>
            eventOf(part * 10 + i, (i * 7 + part) % 13, {
              fields: { level: i % 2 === 0 ? "ERROR" : "INFO" },
              raw: encoder.encode(i % 5 === 0 ? `Needle ${i}` : `hay ${i}`),
            }),
        );
        await store.flush(flushOf({ partition, events, expectCheckpoint: part * 10, at: part * 10 + 10 }));
      }
    }
    const offsets = [{ partition: 0, from: 7, to: 23 }, { partition: 3, from: 38, to: 40 }];
    const keysOf = async (rest: Parameters<typeof store.events>[0]) =>
      (await store.events(rest)).map(({ partition, offset }) => `${partition}/${offset}`).sort();
    const wanted = [...Array.from({ length: 16 }, (_, i) => [0, 7 + i]), [3, 38], [3, 39]];
    const query = { topicId: TOPIC, range: EVER, where: [], offsets, limit: 1000 };
    expect(await keysOf(query)).toEqual(wanted.map(([partition, offset]) => `${partition}/${offset}`).sort());
    expect(await count(store, { table: "events", offsets })).toBe(wanted.length);
    const text = "NEEDLE";
    const needles = wanted.filter(([, offset]) => offset % 5 === 0);
    expect(await keysOf({ ...query, text })).toEqual(needles.map((key) => key.join("/")).sort());
    expect(await count(store, { table: "events", offsets, text })).toBe(needles.length);
    const where = [{ field: "level", op: "in", values: ["ERROR"] }] as const;
    expect(await count(store, { table: "events", offsets, where })).toBe(
      wanted.filter(([, offset]) => offset % 10 % 2 === 0).length,
    );
    expect(await keysOf({ ...query, offsets: [] })).toEqual([]);
    expect(await count(store, { table: "events", offsets: [{ partition: 9, from: 0, to: 99 }] })).toBe(0);
  },
);

promise("a count is the number of rows that an export has, for every table, range and condition", async (store) => {
  const events = Array.from(
    { length: 50 },
    (_, offset) => eventOf(offset, offset * 1000, { fields: { service: offset % 3 === 0 ? "cart" : "pay" } }),
  );
  const quarantine = [1, 2, 3].map((offset) => ({
    offset: 100 + offset,
    recordTimeMs: START_MS + offset * 20_000,
    reason: "invalid_json",
    raw: encoder.encode("no"),
  }));
  // Two partials of one cell are one row of the file.
  const cells = [
    cellOf(0, "cart", 5),
    cellOf(0, "cart", 4, { fromOffset: 3 }),
    cellOf(0, "pay", 1),
    cellOf(59, "cart", 2),
    cellOf(61, "pay", 7),
  ];
  await store.flush(flushOf({ events, quarantine, cells, at: 200 }));
  await store.flush(flushOf({ partition: 1, cells: [cellOf(0, "cart", 8)], at: 10 }));
  const where = [{ field: "service", op: "in", values: ["cart"] }] as const;
  const ranges = [EVER, { fromMs: START_MS + 10_000, toMs: START_MS + 45_000 }, { fromMs: 0, toMs: START_MS }];
  let compared = 0;
  for (const table of ["events", "quarantine", "minutes", "hours"] as const) {
    for (const range of ranges) {
      for (const conditions of table === "quarantine" ? [[]] : [[], where]) {
        const query = { table, range, where: conditions };
        const rows = (await exported(store, exportQuery({ ...query, format: "ndjson" }))).length;
        expect({ ...query, rows: await count(store, query) }).toEqual({ ...query, rows });
        compared += rows;
      }
    }
  }
  expect(compared).toBeGreaterThan(100);
});
