/** Record batches for the engine's fastest way, and what it counted of them: for tests that recount the same records. */
import { expect } from "expect";
import { RecordBatchBuilder } from "../../core/log/record_batch.ts";
import type { Dimension, Measure } from "../../core/minutes/fields.ts";
import { type PresetName, PRESETS } from "../../core/minutes/preset.ts";
import type { MinuteRows } from "../../core/store/ports.ts";
import { PartitionAggregator } from "../../engine/aggregation/partition_aggregator.ts";
import { Chunk } from "../../engine/chunk.ts";
import type { CompiledParser } from "../../engine/parsing/parser.ts";

export const MINUTE_MS = 60_000;
export const LATENESS_MS = 60_000;
export const FUTURE_MS = 20_000;
export const RECORD_BYTES_MAX = 600_000;

export interface Input {
  readonly value: Uint8Array | null;
  readonly timeMs: number;
  readonly key: Uint8Array | null;
}

/** What a test's own reading of a record says; null: it cannot be parsed. */
export interface Reading {
  /** NaN where the record has none. */
  readonly ms: number;
  readonly isError: boolean;
  readonly text: Readonly<Partial<Record<Dimension, string>>>;
  readonly measures: Readonly<Partial<Record<Measure, number>>>;
}

/** Back to back, as a fetch answers them. */
function batchesOf(records: readonly Input[], batchBytes: number): Uint8Array {
  const builder = new RecordBatchBuilder(batchBytes);
  const batches: Uint8Array[] = [];
  let first = 0;
  const finish = () => {
    const { bytes, records } = builder.finish();
    new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(first));
    batches.push(bytes);
    first += records;
  };
  for (const { value, timeMs, key } of records) {
    if (builder.add(value, timeMs, key)) continue;
    finish();
    builder.add(value, timeMs, key);
  }
  finish();
  return Uint8Array.from(batches.flatMap((batch) => [...batch]));
}

interface Counted {
  /** By minute and dimension values: count, errors, and per measure count, sum, minimum, maximum. */
  readonly cells: Record<string, number[]>;
  readonly totals: Record<string, number>;
}

function recount(
  records: readonly Input[],
  read: (input: Input) => Reading | null,
  preset: PresetName,
  checkpoint: number,
  uptoOf: (bucket: number) => number,
): Counted {
  const { dimensions, measures } = PRESETS[preset];
  const keyOf = (text: Reading["text"]) => dimensions.map(({ name }) => text[name] ?? "").join("|");
  const cells: Record<string, number[]> = {};
  const totals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };
  let watermarkMs = -Infinity;
  records.forEach((input, offset) => {
    if (offset < checkpoint) return;
    totals.consumed++;
    const reading = read(input);
    let ms = input.timeMs;
    if (reading === null) totals.unparsed++;
    else {
      totals.events++;
      if (reading.ms <= input.timeMs + FUTURE_MS) ms = reading.ms;
      else totals.clockBad++;
    }
    const minute = Math.floor(ms / MINUTE_MS);
    if (reading !== null) {
      if ((minute + 1) * MINUTE_MS <= watermarkMs) totals.late++;
      watermarkMs = Math.max(watermarkMs, ms - LATENESS_MS);
    }
    if (offset < uptoOf(Math.floor(minute / 60))) return;
    const key = `${minute}|${keyOf(reading?.text ?? { level: "UNPARSED" })}`;
    const cell = cells[key] ??= [0, 0, ...measures.flatMap(() => [0, 0, 0, 0])];
    cell[0]++;
    if (reading === null) return;
    if (reading.isError) cell[1]++;
    measures.forEach((name, i) => {
      const value = reading.measures[name];
      if (value === undefined) return;
      const at = 2 + 4 * i;
      cell[at + 2] = cell[at] === 0 ? value : Math.min(cell[at + 2], value);
      cell[at + 3] = cell[at] === 0 ? value : Math.max(cell[at + 3], value);
      cell[at]++;
      cell[at + 1] += value;
    });
  });
  return { cells, totals };
}

function cellsOf(rows: MinuteRows | undefined, preset: PresetName): Counted["cells"] {
  const { dimensions, measures } = PRESETS[preset];
  const cells: Counted["cells"] = {};
  for (let row = 0; rows !== undefined && row < rows.rows; row++) {
    const text = (name: Dimension) => {
      const column = rows.dimensions[name];
      return column === undefined ? "" : column.dictionary[column.ids[row]];
    };
    const measured = measures.flatMap((name) => {
      const of = rows.measures[name];
      const count = of?.counts[row] ?? 0;
      return of === undefined || count === 0 ? [0, 0, 0, 0] : [count, of.sums[row], of.minima[row], of.maxima[row]];
    });
    const key = `${rows.minutes[row]}|${dimensions.map(({ name }) => text(name)).join("|")}`;
    cells[key] = [rows.counts[row], rows.errors[row], ...measured];
  }
  return cells;
}

/** Where units stand, and how records lie in batches. */
export interface Circumstances {
  readonly batchBytes: number;
  readonly checkpoint: number;
  /** Of every other hour: offsets below are in the store already. */
  readonly upto: number;
}

/** Applies the records as one fetch, and expects what `read` says of them one by one. */
export function expectRecount(
  records: readonly Input[],
  read: (input: Input) => Reading | null,
  { parser, preset }: { readonly parser: CompiledParser; readonly preset: PresetName },
  { batchBytes, checkpoint, upto }: Circumstances,
): void {
  const aggregator = new PartitionAggregator("me", { checkpoint, watermarkMs: null }, {
    parser,
    preset: PRESETS[preset],
    latenessMs: LATENESS_MS,
    futureMs: FUTURE_MS,
    recordBytesMax: RECORD_BYTES_MAX,
    keepsEvents: false,
  });
  const uptoOf = (bucket: number) => bucket % 2 === 0 ? upto : 0;
  const chunk = new Chunk();
  chunk.reset(batchesOf(records, batchBytes));
  for (let bucket = chunk.applyTo(aggregator); bucket !== null; bucket = chunk.applyTo(aggregator)) {
    aggregator.addUnit({ bucket, upto: uptoOf(bucket), writer: null, values: {} });
  }
  const flush = aggregator.takeFlush();
  const expected = recount(records, read, preset, checkpoint, uptoOf);
  expect(cellsOf(flush?.minutes, preset)).toEqual(expected.cells);
  if (flush === null) return;
  expect(flush.totals).toEqual(expected.totals);
  expect(flush.at).toBe(records.length);
  expect(flush.quarantine?.offsets.length ?? 0).toBeLessThanOrEqual(expected.totals.unparsed);
}
