/** Minutes and hours that every store exports, against a recount of the events that they were made of. */
import { expect } from "expect";
import { type Dimension, DIMENSIONS, type Measure, MEASURES } from "../../core/minutes/fields.ts";
import { EXPORT_FORMATS, type Statistic } from "../../core/store/ports.ts";
import { randomFrom } from "../simulation/delivery_simulator.ts";
import { exported, type ExportedRow, exportQuery } from "./store_export_files.ts";
import {
  cellOf,
  deliver,
  eventOf,
  flushOf,
  HOUR_MS,
  MINUTE_MS,
  promise,
  START_MS,
  type TestEvent,
} from "./store_fixtures.ts";
import { statisticOf, tolerance } from "./store_recount.ts";

const CELL_DIMENSIONS: readonly Dimension[] = ["service", "level", "endpoint"];
const PARTS: Readonly<Record<string, Statistic>> = {
  sum: "sum",
  min: "min",
  max: "max",
  avg: "avg",
  stddev: "stddev",
  p50: "p50",
  p90: "p90",
  p95: "p95",
  p99: "p99",
};

function makeTraffic(): Map<number, TestEvent[]> {
  const random = randomFrom(31);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  const make = (offset: number) =>
    eventOf(offset, Math.floor(random() * 3 * HOUR_MS) - HOUR_MS, {
      fields: {
        service: pick(["=cart", "pay,1", 'a"b']),
        level: pick(["INFO", "ERROR"]),
        ...(random() < 0.5 && { endpoint: "/a" }),
      },
      measures: {
        ...(random() < 0.7 && { response_time: Math.round(Math.exp(random() * 12)) }),
        amount: 1e12 - Math.floor(random() * 2e6),
      },
      isError: random() < 0.3,
    });
  return new Map([0, 4].map((partition) => [partition, Array.from({ length: 400 }, (_, offset) => make(offset))]));
}

/** Rows of cells of `stepMinutes`, in the order of time and dimensions. */
function recount(events: readonly TestEvent[], stepMinutes: number): Record<string, string | number | null>[] {
  const stepMicros = stepMinutes * MINUTE_MS * 1000;
  const dimensionsOf = ({ fields }: TestEvent) => DIMENSIONS.map((name) => fields[name] ?? "");
  const startOf = ({ micros }: TestEvent) => Math.floor(micros / stepMicros) * stepMicros;
  const groups = Map.groupBy(events, (event) => JSON.stringify([startOf(event), ...dimensionsOf(event)]));
  const rows = [...groups.values()].map((all) => ({
    [stepMinutes === 60 ? "hour" : "minute"]: startOf(all[0]),
    ...Object.fromEntries(DIMENSIONS.map((name, i) => [name, dimensionsOf(all[0])[i]])),
    count: all.length,
    errors: statisticOf("errors", all, "amount"),
    ...Object.fromEntries(MEASURES.flatMap(({ name }) => [
      [`${name}_count`, all.filter(({ measures }) => measures[name] !== undefined).length],
      ...Object.entries(PARTS).map(([part, statistic]) => [`${name}_${part}`, statisticOf(statistic, all, name)]),
    ])),
  }));
  const keyOf = (row: ExportedRow) => [row.minute ?? row.hour, ...DIMENSIONS.map((name) => row[name])].join("\0");
  return rows.sort((a, b) => keyOf(a) < keyOf(b) ? -1 : 1);
}

const MEASURE_PART = new RegExp(`^(?:${MEASURES.map(({ name }) => name).join("|")})_(\\w+)$`);

/** Equal rows; sums, averages, deviations and quantiles within what the statistic allows. */
function expectRows(found: readonly ExportedRow[], truth: readonly ExportedRow[]): void {
  expect(found.map((row) => Object.keys(row))).toEqual(truth.map((row) => Object.keys(row)));
  const snapped = found.map((row, i) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => {
        const wanted = truth[i][name];
        const statistic = PARTS[MEASURE_PART.exec(name)?.[1] ?? ""];
        if (statistic === undefined || typeof value !== "number" || typeof wanted !== "number") return [name, value];
        const isClose = Math.abs(value - wanted) <= tolerance(statistic) * Math.abs(wanted) + 1e-9;
        return [name, isClose ? wanted : value];
      }),
    )
  );
  expect(snapped).toEqual(truth);
}

for (const format of EXPORT_FORMATS) {
  for (const [table, stepMinutes] of [["minutes", 1], ["hours", 60]] as const) {
    promise(`${table} as ${format} are a recount of the events, one row a cell`, async (store) => {
      const traffic = makeTraffic();
      await deliver(store, traffic, CELL_DIMENSIONS);
      await store.flush(flushOf({ topicId: "other", cells: [cellOf(0, "cart", 1)] }));
      const events = [...traffic.values()].flat();
      expectRows(await exported(store, exportQuery({ table, format })), recount(events, stepMinutes));
      // A range that begins and ends within an hour.
      const range = { fromMs: START_MS - 10 * MINUTE_MS, toMs: START_MS + 20 * MINUTE_MS };
      const within = events.filter(({ micros }) => micros >= range.fromMs * 1000 && micros < range.toMs * 1000);
      expectRows(await exported(store, exportQuery({ table, format, range })), recount(within, stepMinutes));
      const where = [
        { field: "service", op: "prefix", values: ["=", "a"] },
        { field: "endpoint", op: "in", values: [""] },
      ] as const;
      const chosen = events.filter(({ fields }) => fields.service !== "pay,1" && fields.endpoint === undefined);
      expectRows(await exported(store, exportQuery({ table, format, where })), recount(chosen, stepMinutes));
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
