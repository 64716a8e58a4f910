/** Minutes and hours that every store exports, against a recount of the events that they were made of. */
import { expect } from "expect";
import { type Measure, MEASURES } from "../../core/minutes/fields.ts";
import { EXPORT_FORMATS } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { CELL_DIMENSIONS, cellEvent, expectCells, PARTS, recountCells } from "./store_cells_recount.ts";
import { exported, exportQuery } from "./store_export_files.ts";
import { cellOf, deliver, flushOf, HOUR_MS, MINUTE_MS, promise, START_MS, type TestEvent } from "./store_fixtures.ts";

function makeTraffic(): Map<number, TestEvent[]> {
  const random = randomFrom(31);
  const make = (offset: number) =>
    cellEvent(random, offset, Math.floor(random() * 3 * HOUR_MS) - HOUR_MS, ["=cart", "pay,1", 'a"b']);
  return new Map([0, 4].map((partition) => [partition, Array.from({ length: 400 }, (_, offset) => make(offset))]));
}

for (const format of EXPORT_FORMATS) {
  for (const [table, stepMinutes] of [["minutes", 1], ["hours", 60]] as const) {
    promise(`${table} as ${format} are a recount of the events, one row a cell`, async (store) => {
      const traffic = makeTraffic();
      await deliver(store, traffic, CELL_DIMENSIONS);
      await store.flush(flushOf({ topicId: "other", cells: [cellOf(0, "cart", 1)] }));
      const events = [...traffic.values()].flat();
      expectCells(await exported(store, exportQuery({ table, format })), recountCells(events, stepMinutes));
      // A range that begins and ends within an hour.
      const range = { fromMs: START_MS - 10 * MINUTE_MS, toMs: START_MS + 20 * MINUTE_MS };
      const within = events.filter(({ micros }) => micros >= range.fromMs * 1000 && micros < range.toMs * 1000);
      expectCells(await exported(store, exportQuery({ table, format, range })), recountCells(within, stepMinutes));
      const where = [
        { field: "service", op: "prefix", values: ["=", "a"] },
        { field: "endpoint", op: "in", values: [""] },
      ] as const;
      const chosen = events.filter(({ fields }) => fields.service !== "pay,1" && fields.endpoint === undefined);
      expectCells(await exported(store, exportQuery({ table, format, where })), recountCells(chosen, stepMinutes));
    });
  }
}

promise("more cells than are held at a time are exported all the same, each with its own quantiles", async (store) => {
  const hours = [0, 1, 2];
  const perHour = 8000;
  const serviceOf = (i: number) => `s${String(i).padStart(4, "0")}`;
  for (const hour of hours) {
    const cells = Array.from({ length: perHour }, (_, i) => {
      const values = i % 500 === 0 ? { values: { response_time: [1000 * (i + hour + 1)] } } : {};
      return cellOf(hour * 60, serviceOf(i), i + 1, { fromOffset: hour, ...values });
    });
    expect(await store.flush(flushOf({ partition: hour, cells }))).toEqual({ kind: "applied" });
  }
  const rows = await exported(store, exportQuery({ table: "minutes", format: "ndjson" }));
  expect(rows.length).toBe(hours.length * perHour);
  rows.forEach(({ minute, service, count, response_time_max: max, response_time_p50: p50 }, at) => {
    const [hour, i] = [Math.floor(at / perHour), at % perHour];
    const time = i % 500 === 0 ? i + hour + 1 : null;
    const wanted = [(START_MS + hour * HOUR_MS) * 1000, serviceOf(i), i + 1, time, time];
    const found = [minute, service, count, max, p50];
    if (found.some((value, n) => value !== wanted[n])) expect(found).toEqual(wanted);
  });
});

const MEASURE_NAMES: readonly Measure[] = MEASURES.map(({ name }) => name);

promise("a cell without a value of a measure has empty columns, and a count of 0", async (store) => {
  await store.flush(flushOf({ cells: [cellOf(0, "cart", 3, { values: { amount: [5] } })] }));
  for (const format of EXPORT_FORMATS) {
    const [row] = await exported(store, exportQuery({ table: "minutes", format }));
    for (const name of MEASURE_NAMES.filter((measure) => measure !== "amount")) {
      const values = Object.keys(PARTS).map((part) => row[`${name}_${part}`]);
      expect([format, name, row[`${name}_count`], ...values]).toEqual([format, name, 0, ...values.map(() => null)]);
    }
    expect(row).toMatchObject({ amount_count: 1, amount_sum: 0.0005, amount_p99: 0.0005, amount_stddev: 0 });
  }
});
