/** Series of blocks whose rows are added up by group are those of the values that were counted. */
import { expect } from "expect";
import { randomFrom } from "../../tests/simulation/delivery_simulator.ts";
import { DIMENSIONS, MEASURE_SCALE, MEASURE_SLOT } from "../minutes/fields.ts";
import { Sketch } from "../minutes/sketch.ts";
import { seriesOf, type TimedBlock } from "./cell_answers.ts";
import { CellNames, CellSums } from "./cell_blocks.ts";
import type { Condition, SeriesQuery, Statistic } from "./ports.ts";

const MINUTES = 30;
const SERVICES = ["cart", "pay", "search"];
const LEVELS = ["INFO", "ERROR"];
const STEP_MS = 60_000;
const SCALE = MEASURE_SCALE[MEASURE_SLOT.response_time];

/** A cell of a minute: what it is of, and the values that it counts. */
interface Cell {
  readonly minute: number;
  readonly service: string;
  readonly level: string;
  readonly errors: number;
  readonly values: readonly number[];
}

/** Every minute has cells of many hosts; some have no value. */
function cellsOf(random: () => number): Cell[] {
  const of = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
  return Array.from({ length: MINUTES * 60 }, (_, i) => ({
    minute: i % MINUTES,
    // One of them is rare: in most minutes it has no row.
    service: random() < 0.003 ? "rare" : of(SERVICES),
    level: of(LEVELS),
    errors: Math.floor(random() * 3),
    values: Array.from({ length: Math.floor(random() * 4) }, () => Math.floor(random() * 5000) - 500),
  }));
}

function blocksOf(cells: readonly Cell[], names: CellNames): TimedBlock[] {
  const sums = new Map<number, CellSums>();
  cells.forEach(({ minute, service, level, errors, values }, host) => {
    const texts: Record<string, string> = { service, level, host: String(host) };
    const number = names.numberOf(DIMENSIONS.map((name) => texts[name] ?? ""));
    const of = sums.get(minute) ?? new CellSums();
    sums.set(minute, of);
    const place = of.add(number, Math.max(1, values.length), errors);
    if (values.length === 0) return;
    const sketch = new Sketch();
    for (const value of values) sketch.add(value);
    const bytes = sketch.encode();
    of.addMeasure(place, MEASURE_SLOT.response_time, {
      count: values.length,
      sum: values.reduce((a, b) => a + b, 0),
      min: Math.min(...values),
      max: Math.max(...values),
      m2: 0,
      ...{ sketches: bytes, start: 0, end: bytes.length, isOne: true },
    });
  });
  return [...sums].map(([minute, of]) => ({ minute, block: of.block() })).toSorted((a, b) => a.minute - b.minute);
}

/** What a statistic of some cells is, from their values. */
function recount(cells: readonly Cell[], statistic: Statistic): number | null {
  const count = cells.reduce((sum, { values }) => sum + Math.max(1, values.length), 0);
  const errors = cells.reduce((sum, { errors }) => sum + errors, 0);
  if (statistic === "count") return count;
  if (statistic === "error_rate") return errors / count;
  const values = cells.flatMap(({ values }) => values);
  if (values.length === 0) return null;
  if (statistic === "avg") return values.reduce((a, b) => a + b, 0) / values.length / SCALE;
  if (statistic === "max") return Math.max(...values) / SCALE;
  const sketch = new Sketch();
  for (const value of values) sketch.add(value);
  const estimate = sketch.quantile(statistic === "p50" ? 0.5 : 0.95) ?? NaN;
  return Math.max(Math.min(...values), Math.min(Math.max(...values), estimate)) / SCALE;
}

const ERRORS: Condition = { field: "level", op: "in", values: ["ERROR"] };

Deno.test("series of many cells by few groups are what was counted, asked once or again", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const cells = cellsOf(randomFrom(seed));
    const names = new CellNames();
    const blocks = blocksOf(cells, names);
    for (const by of [[], ["service"], ["service", "level"], ["host"]] as const) {
      for (const where of [[], [ERRORS]]) {
        for (const [statistic, stepMinutes] of STATISTICS) {
          const query: SeriesQuery = {
            ...{ topicId: "topic", by, where, statistic, stepMinutes, seriesMax: 2 },
            range: { fromMs: 0, toMs: MINUTES * STEP_MS },
            measure: statistic === "count" || statistic === "error_rate" ? undefined : "response_time",
          };
          const first = seriesOf(query, { names, blocks });
          expect(seriesOf(query, { names, blocks })).toEqual(first);
          for (const { dimensions, points } of first?.series ?? []) {
            const of = cells.filter((cell, host) =>
              Object.entries({ ...cell, host: String(host) }).every(([name, value]) =>
                !(name in dimensions) || Object.entries(dimensions).some(([n, v]) => n === name && v === value)
              ) && (where.length === 0 || cell.level === "ERROR")
            );
            expect(points).toEqual(pointsOf(of, statistic, stepMinutes));
          }
          expect(first?.series.length).toBe(by.length === 0 ? 1 : 2);
        }
      }
    }
  }
});

const STATISTICS = [["count", 1], ["error_rate", 10], ["avg", 1], ["max", 10], ["p95", 1], ["p50", 1], [
  "p95",
  10,
]] as const;

function pointsOf(cells: readonly Cell[], statistic: Statistic, stepMinutes: number): [number, number | null][] {
  const steps = Map.groupBy(cells, ({ minute }) => Math.floor(minute / stepMinutes));
  return [...steps].toSorted(([a], [b]) => a - b).flatMap(([step, of]): [number, number | null][] => {
    const value = recount(of, statistic);
    const isLeftOut = value === null && (statistic === "p95" || statistic === "p50");
    return isLeftOut ? [] : [[step * stepMinutes * STEP_MS, value]];
  });
}

Deno.test("an answer is none where sums by group were not exact, though they became small again", () => {
  const large = 6_000_000_000_000_000;
  const ask = (values: readonly number[]) => {
    const cells = Array.from({ length: 40 }, (_, i): Cell => ({
      ...{ minute: 0, service: "cart", level: "INFO", errors: 0, values: [values[i % values.length]] },
    }));
    const names = new CellNames();
    return seriesOf({
      ...{
        topicId: "topic",
        by: [],
        where: [],
        statistic: "avg",
        measure: "response_time",
        stepMinutes: 1,
        seriesMax: 1,
      },
      range: { fromMs: 0, toMs: STEP_MS },
    }, { names, blocks: blocksOf(cells, names) });
  };
  expect(ask([large, large, -large, -large])).toBe(null);
  expect(ask([large, -large])?.series[0].points).toEqual([[0, 0]]);
});

Deno.test("more questions than are remembered, and new sets of dimensions, change no answer", () => {
  const cells = cellsOf(randomFrom(7));
  const names = new CellNames();
  const blocks = blocksOf(cells, names);
  const ask = (values: readonly string[]) =>
    seriesOf({
      ...{ topicId: "topic", by: ["service"], statistic: "count", stepMinutes: 1, seriesMax: 9 },
      range: { fromMs: 0, toMs: MINUTES * STEP_MS },
      where: [{ field: "service", op: "in", values }],
    }, { names, blocks });
  const before = ask(SERVICES);
  // More questions than are remembered, with more groups than are kept.
  for (let n = 0; n < 100; n++) ask([...SERVICES, String(n)]);
  expect(ask(SERVICES)).toEqual(before);
  names.numberOf(DIMENSIONS.map(() => "new"));
  expect(ask(SERVICES)).toEqual(before);
});
