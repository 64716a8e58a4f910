/** Series and summaries of minute cells in memory: pure. What DuckDB's statements answer (duckdb_minutes.ts) is answered here. */
import { type Dimension, type Measure, MEASURE_SCALE, MEASURE_SLOT, UNPARSED } from "../minutes/fields.ts";
import { SketchMerger } from "../minutes/sketch_merger.ts";
import type { CellBlock, CellNames, Grouping, MeasureBlock } from "./cell_blocks.ts";
import { groupedRows, Places, plainRows, RolledMeasure, type Rows } from "./cell_groups.ts";
import type {
  ApiSummary,
  Condition,
  Series,
  SeriesQuery,
  SeriesResult,
  Statistic,
  SummaryQuery,
  SummaryResult,
} from "./ports.ts";

const MS_PER_MINUTE = 60_000;
export const QUANTILES: Readonly<Partial<Record<Statistic, number>>> = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 };
const API: readonly Dimension[] = ["service", "method", "endpoint"];

/** Cells from a minute on: those of it, or of more that follow it. */
export interface TimedBlock {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly block: CellBlock;
}

/** Blocks of a topic, in the order of time. */
export interface HeldCells {
  readonly names: CellNames;
  readonly blocks: readonly TimedBlock[];
}

/** Sums of groups. */
class GroupSums {
  readonly counts: Float64Array;
  readonly errors: Float64Array;
  readonly measureCounts: Float64Array;
  readonly sums: Float64Array;
  readonly minima: Float64Array;
  readonly maxima: Float64Array;
  readonly m2: Float64Array;
  /** Whether all sums are exact. */
  isExact = true;

  constructor(groups: number) {
    this.counts = new Float64Array(groups);
    this.errors = new Float64Array(groups);
    this.measureCounts = new Float64Array(groups);
    this.sums = new Float64Array(groups);
    this.minima = new Float64Array(groups);
    this.maxima = new Float64Array(groups);
    this.m2 = new Float64Array(groups);
    this.clear();
  }

  clear(): void {
    for (const values of [this.counts, this.errors, this.measureCounts, this.sums, this.m2]) values.fill(0);
    this.minima.fill(Infinity);
    this.maxima.fill(-Infinity);
  }

  add(rows: Rows, places: Places): void {
    const { counts, errors } = this;
    const placeOf = places.of(rows);
    for (let row = 0; row < rows.rows; row++) {
      const group = placeOf[rows.numbers[row]];
      if (group < 0) continue;
      counts[group] += rows.counts[row];
      errors[group] += rows.errors[row];
    }
    if (!rows.isExact) this.isExact = false;
  }

  addMeasure(rows: Rows, measure: MeasureBlock, places: Places): void {
    const { measureCounts, sums, minima, maxima, m2 } = this;
    const placeOf = places.of(rows);
    for (let row = 0; row < rows.rows; row++) {
      const group = placeOf[rows.numbers[row]];
      const count = measure.counts[row];
      if (group < 0 || count === 0) continue;
      const sum = measure.sums[row];
      const before = measureCounts[group];
      // Chan et al. 1979.
      const apart = before === 0 ? 0 : sum / count - sums[group] / before;
      m2[group] += measure.m2[row] + apart * apart * (before * count / (before + count));
      measureCounts[group] = before + count;
      sums[group] += sum;
      if (measure.minima[row] < minima[group]) minima[group] = measure.minima[row];
      if (measure.maxima[row] > maxima[group]) maxima[group] = measure.maxima[row];
      if (Math.abs(sums[group]) > Number.MAX_SAFE_INTEGER) this.isExact = false;
    }
    if (measure instanceof RolledMeasure && !measure.isExact) this.isExact = false;
  }

  /** Within what lies between the smallest and the largest value, which no estimate may leave. */
  within(group: number, estimate: number | null): number {
    return Math.max(this.minima[group], Math.min(this.maxima[group], estimate ?? this.minima[group]));
  }
}

/**
 * Sketches of groups. They are listed as rows are added, and merged a group after the other, so that all groups share the memory
 * of one union.
 */
class GroupSketches {
  static readonly #merger = new SketchMerger();
  /** The last of each group's sketches; -1: none. */
  readonly #last: Int32Array;
  /** By sketch: the one of its group before it, and where it is. */
  readonly #before: number[] = [];
  readonly #measures: MeasureBlock[] = [];
  readonly #rows: number[] = [];

  constructor(groups: number) {
    this.#last = new Int32Array(groups).fill(-1);
  }

  clear(): void {
    this.#last.fill(-1);
    this.#before.length = 0;
    this.#measures.length = 0;
    this.#rows.length = 0;
  }

  add(rows: Rows, measure: MeasureBlock, places: Places): void {
    const placeOf = places.of(rows);
    for (let row = 0; row < rows.rows; row++) {
      const group = placeOf[rows.numbers[row]];
      if (group < 0 || measure.counts[row] === 0) continue;
      this.#before.push(this.#last[group]);
      this.#measures.push(measure);
      this.#last[group] = this.#rows.push(row) - 1;
    }
  }

  quantile(group: number, q: number): number | null {
    const last = this.#last[group];
    if (last >= 0 && this.#before[last] < 0) {
      const measure = this.#measures[last];
      if (measure instanceof RolledMeasure) return measure.quantile(this.#rows[last], q);
    }
    const merger = GroupSketches.#merger;
    merger.clear();
    for (let at = last; at >= 0; at = this.#before[at]) {
      const { sketches, sketchEnds } = this.#measures[at];
      const row = this.#rows[at];
      merger.addAll(sketches, row === 0 ? 0 : sketchEnds[row - 1], sketchEnds[row]);
    }
    return merger.takeQuantile(q);
  }
}

/** By count, largest first, then by their values as DuckDB orders texts. */
function ranked(grouping: Grouping, counts: Float64Array): number[] {
  return grouping.groups.map((_, group) => group).filter((group) => counts[group] > 0)
    .sort((a, b) => counts[b] - counts[a] || compareTexts(grouping.groups[a], grouping.groups[b]));
}

function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareBytes(a[i], b[i]);
    if (order !== 0) return order;
  }
  return 0;
}

/** In the order of the texts' bytes in UTF-8, which is that of their code points. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    const [isHighX, isHighY] = [x >= 0xd800 && x < 0xe000, y >= 0xd800 && y < 0xe000];
    // Surrogates are of code points beyond all others.
    return isHighX === isHighY ? x - y : isHighX ? 1 : -1;
  }
  return a.length - b.length;
}

/** Null where the answer would not be exact. Blocks must not reach over the end of a step. */
export function seriesOf(query: SeriesQuery, { names, blocks }: HeldCells): SeriesResult | null {
  const { by, where, seriesMax, statistic, measure } = query;
  const grouping = names.grouped(by, where);
  // The digits of a standard deviation depend on the order in which rows are added: they stay rows.
  const rowsOf = (block: CellBlock) => statistic === "stddev" ? plainRows(block) : groupedRows(block, grouping);
  const timed = blocks.map(({ minute, block }) => ({ minute, rows: rowsOf(block) }));
  const totals = new GroupSums(grouping.groups.length);
  const all = allPlaces(grouping);
  for (const { rows } of timed) totals.add(rows, all);
  if (!totals.isExact) return null;
  const groups = ranked(grouping, totals.counts);
  const kept = groups.slice(0, seriesMax);
  const points = pointsOf(query, timed, new Places(grouping, kept), kept.length);
  if (points === null || (measure === undefined && !PLAIN.has(statistic))) return null;
  const series = kept.map((group, place): Series => ({
    dimensions: Object.fromEntries(by.map((name, i) => [name, grouping.groups[group][i]])),
    points: points[place],
  }));
  return { series, truncated: groups.length > seriesMax };
}

const allPlaces = (grouping: Grouping) => new Places(grouping, grouping.groups.map((_, group) => group));

/** Statistics without a measure. */
const PLAIN: ReadonlySet<Statistic> = new Set(["count", "errors", "error_rate"]);

type Points = [number, number | null][];

function pointsOf(
  { stepMinutes, statistic, measure: name }: SeriesQuery,
  timed: readonly { readonly minute: number; readonly rows: Rows }[],
  places: Places,
  groups: number,
): Points[] | null {
  const points = Array.from({ length: groups }, (): Points => []);
  const sums = new GroupSums(groups);
  const sketches = new GroupSketches(groups);
  const q = QUANTILES[statistic];
  const close = (step: number) => {
    for (let group = 0; group < groups; group++) {
      if (sums.counts[group] === 0 || (q !== undefined && sums.measureCounts[group] === 0)) continue;
      const value = q === undefined || name === undefined
        ? statisticOf(statistic, name, sums, group)
        : sums.within(group, sketches.quantile(group, q)) / scaleOf(name);
      points[group].push([step * stepMinutes * MS_PER_MINUTE, value]);
    }
    sums.clear();
    sketches.clear();
  };
  let open = NaN;
  for (const { minute, rows } of timed) {
    const step = Math.floor(minute / stepMinutes);
    if (step !== open) {
      close(open);
      open = step;
    }
    sums.add(rows, places);
    const measure = name === undefined ? null : rows.measure(MEASURE_SLOT[name]);
    if (measure === null) continue;
    sums.addMeasure(rows, measure, places);
    if (q !== undefined) sketches.add(rows, measure, places);
  }
  close(open);
  return sums.isExact ? points : null;
}

const scaleOf = (measure: Measure): number => MEASURE_SCALE[MEASURE_SLOT[measure]];

function statisticOf(
  statistic: Statistic,
  measure: Measure | undefined,
  sums: GroupSums,
  group: number,
): number | null {
  const count = sums.measureCounts[group];
  switch (statistic) {
    case "count":
      return sums.counts[group];
    case "errors":
      return sums.errors[group];
    case "error_rate":
      return sums.errors[group] / sums.counts[group];
  }
  if (measure === undefined || count === 0) return null;
  const scale = scaleOf(measure);
  switch (statistic) {
    case "sum":
      return sums.sums[group] / scale;
    case "avg":
      return sums.sums[group] / count / scale;
    case "min":
      return sums.minima[group] / scale;
    case "max":
      return sums.maxima[group] / scale;
    case "stddev":
      return Math.sqrt(sums.m2[group] / count) / scale;
    default:
      throw new RangeError(`${statistic} is not made of sums`);
  }
}

/** Null where the answer would not be exact. */
export function summaryOf({ apisMax, where }: SummaryQuery, { names, blocks }: HeldCells): SummaryResult | null {
  const byLevel = names.grouped(["level"], where);
  const levelSums = new GroupSums(byLevel.groups.length);
  const isParsed: Condition = { field: "level", op: "not_in", values: [UNPARSED] };
  const byApi = names.grouped(API, [...where, isParsed]);
  const sums = new GroupSums(byApi.groups.length);
  const sketches = new GroupSketches(byApi.groups.length);
  const slot = MEASURE_SLOT.response_time;
  const [allLevels, allApis] = [allPlaces(byLevel), allPlaces(byApi)];
  const apiRows = blocks.map(({ block }) => groupedRows(block, byApi));
  for (const { block } of blocks) levelSums.add(groupedRows(block, byLevel), allLevels);
  for (const rows of apiRows) {
    sums.add(rows, allApis);
    const measure = rows.measure(slot);
    if (measure !== null) sums.addMeasure(rows, measure, allApis);
  }
  if (!levelSums.isExact || !sums.isExact) return null;
  const apis = ranked(byApi, sums.counts);
  const kept = new Places(byApi, apis.slice(0, apisMax));
  for (const rows of apiRows) {
    const measure = rows.measure(slot);
    if (measure !== null) sketches.add(rows, measure, kept);
  }
  const scale = MEASURE_SCALE[slot];
  const levels = ranked(byLevel, levelSums.counts).map((group) => ({
    level: byLevel.groups[group][0],
    count: levelSums.counts[group],
  }));
  return {
    totals: {
      count: levels.reduce((sum, { count }) => sum + count, 0),
      errors: levelSums.errors.reduce((sum, errors) => sum + errors, 0),
      unparsed: levels.find(({ level }) => level === UNPARSED)?.count ?? 0,
    },
    levels,
    apis: apis.slice(0, apisMax).map((group, place): ApiSummary => {
      const [service, method, endpoint] = byApi.groups[group];
      const p95 = sketches.quantile(place, 0.95);
      const measured = sums.measureCounts[group];
      return {
        ...{ service, method, endpoint, count: sums.counts[group], errors: sums.errors[group] },
        averageResponseTime: measured === 0 ? null : sums.sums[group] / measured / scale,
        p95ResponseTime: p95 === null ? null : sums.within(group, p95) / scale,
      };
    }),
    apisTruncated: apis.length > apisMax,
  };
}
