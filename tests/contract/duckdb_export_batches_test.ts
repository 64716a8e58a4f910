/** Exports of cells that are too many, or have too much in them, for one batch of DuckDB's store. */
import { expect } from "expect";
import { openDuckDbStore } from "../../core/store/duckdb.ts";
import type { Store } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import { cellOf, flushOf, MINUTE_MS, START_MS } from "./store_fixtures.ts";

async function withStore(memoryMegabytes: number, check: (store: Store, directory: string) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "millrace-duckdb-" });
  const store = await openDuckDbStore({ directory, memoryBytes: memoryMegabytes * 1_048_576, threads: 2 });
  try {
    await check(store, directory);
  } finally {
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const filesIn = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);

Deno.test("a minute with more cells than a batch is exported whole, in order, each cell with its own quantiles", async () => {
  await withStore(128, async (store) => {
    const many = 70_000;
    const serviceOf = (i: number) => `s${String(i).padStart(6, "0")}`;
    // Some have values: sketches take the test its time.
    const valueOf = (i: number) => i % 70 === 0 ? 1000 * (i + 1) : null;
    const cells = Array.from(
      { length: many },
      (_, i) => cellOf(1, serviceOf(i), 1, { values: { response_time: [valueOf(i) ?? []].flat() } }),
    );
    // The minutes beside it are batches of their own.
    await store.flush(flushOf({ cells: [cellOf(0, "before", 1), ...cells.reverse(), cellOf(2, "after", 1)] }));
    for (const format of ["csv", "parquet"] as const) {
      const rows = await exported(store, exportQuery({ table: "minutes", format }));
      const shown = rows.map(({ minute, service, response_time_p50: p50, response_time_p99: p99 }) =>
        [Number(minute) / 1000, service, p50, p99].join()
      );
      const minuteMs = (n: number) => START_MS + n * MINUTE_MS;
      const wanted = Array.from(
        { length: many },
        (_, i) => {
          const value = valueOf(i);
          const shown = value === null ? null : value / 1000;
          return [minuteMs(1), serviceOf(i), shown, shown].join();
        },
      );
      wanted.unshift(`${minuteMs(0)},before,,`);
      wanted.push(`${minuteMs(2)},after,,`);
      expect(shown.length).toBe(wanted.length);
      expect(shown.findIndex((row, i) => row !== wanted[i])).toBe(-1);
    }
  });
});

Deno.test("a cell of more sketches than are strung together has the quantiles of all its values", async () => {
  await withStore(96, async (store) => {
    const random = randomFrom(5);
    const all: number[] = [];
    const cells = Array.from({ length: 900 }, (_, fromOffset) => {
      const values = Array.from({ length: 4000 }, () => Math.floor(2 ** (52 * random())));
      all.push(...values);
      return cellOf(1, "cart", values.length, { fromOffset, values: { content_size: values } });
    });
    await store.flush(flushOf({ cells: [...cells, cellOf(1, "after", 2, { values: { content_size: [7, 7] } })] }));
    const sorted = Float64Array.from(all).sort();
    for (const table of ["minutes", "hours"] as const) {
      const [after, cart, ...more] = await exported(store, exportQuery({ table, format: "csv" }));
      expect(more).toEqual([]);
      expect(after).toMatchObject({ service: "after", count: 2, content_size_p50: 7, content_size_p99: 7 });
      expect(cart).toMatchObject({ service: "cart", count: all.length, content_size_count: all.length });
      for (const [name, rank] of [["p50", 0.5], ["p90", 0.9], ["p95", 0.95], ["p99", 0.99]] as const) {
        const exact = sorted[Math.floor(rank * (sorted.length - 1))];
        expect(Math.abs(Number(cart[`content_size_${name}`]) / exact - 1)).toBeLessThan(0.01);
      }
    }
  });
});

Deno.test("an export of cells that is given up, or fails, leaves no file behind, and the store goes on", async () => {
  await withStore(128, async (store, directory) => {
    // Two batches.
    const perHour = 35_000;
    for (let hour = 0; hour < 2; hour++) {
      const cells = Array.from({ length: perHour }, (_, i) => {
        const values = i % 100 === 0 ? { values: { response_time: [1000 + i] } } : {};
        return cellOf(60 * hour + i % 60, `s${i}`, 1, { fromOffset: hour, ...values });
      });
      expect(await store.flush(flushOf({ partition: hour, cells }))).toEqual({ kind: "applied" });
    }
    const { stream } = await store.export(exportQuery({ table: "minutes", format: "parquet" }));
    const reader = stream.getReader();
    await reader.read();
    await reader.cancel();
    expect(filesIn(`${directory}/exports`)).toEqual([]);
    // It says so before its first byte, and names the file.
    await Deno.remove(`${directory}/exports`, { recursive: true });
    const failure = await store.export(exportQuery({ table: "minutes" })).catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toContain(`${directory}/exports/`);
    await Deno.mkdir(`${directory}/exports`);
    expect((await exported(store, exportQuery({ table: "minutes", format: "parquet" }))).length).toBe(2 * perHour);
    expect(filesIn(`${directory}/exports`)).toEqual([]);
  });
});
