/** Exported cells, recounted from the events that they were made of. */
import { expect } from "expect";
import { type Dimension, DIMENSIONS, MEASURES } from "../../core/minutes/fields.ts";
import type { Statistic } from "../../core/store/ports.ts";
import type { ExportedRow } from "./store_export_files.ts";
import { eventOf, MINUTE_MS, type TestEvent } from "./store_fixtures.ts";
import { statisticOf, tolerance } from "./store_recount.ts";

/** Dimensions of {@link cellEvent}. */
export const CELL_DIMENSIONS: readonly Dimension[] = ["service", "level", "endpoint"];

/** An event of one of these services at so many milliseconds, with whatever else a cell has. */
export function cellEvent(
  random: () => number,
  offset: number,
  afterMs: number,
  services: readonly string[],
): TestEvent {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
  return eventOf(offset, afterMs, {
    fields: {
      service: pick(services),
      level: pick(["INFO", "ERROR"]),
      ...(random() < 0.5 && { endpoint: "/ü" }),
    },
    measures: {
      ...(random() < 0.7 && { response_time: Math.round(Math.exp(random() * 12)) }),
      amount: 1e12 - Math.floor(random() * 2e6),
    },
    isError: random() < 0.3,
  });
}

/** What follows a measure's name in its columns. */
export const PARTS: Readonly<Record<string, Statistic>> = {
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

/** Rows of cells of `stepMinutes`, in the order of time and dimensions. */
export function recountCells(
  events: readonly TestEvent[],
  stepMinutes: number,
): Record<string, string | number | null>[] {
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
export function expectCells(found: readonly ExportedRow[], truth: readonly ExportedRow[]): void {
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
