/** Minute partials as the columns that a store takes. */
import type { Dimension, Measure } from "../../core/minutes/fields.ts";
import { SketchEncoder } from "../../core/minutes/sketch.ts";
import type { DictionaryColumn, MeasureColumns, MinuteRows } from "../../core/store/ports.ts";
import type { MinutePartial } from "../delivery/partition_delivery.ts";
import type { Interner } from "./interner.ts";
import type { MinuteCells } from "./minute_cells.ts";

export interface CellLayout {
  readonly dimensions: readonly Dimension[];
  readonly measures: readonly Measure[];
  /** Per dimension, what its ids stand for. */
  readonly interners: readonly Interner[];
}

/** Copies all cells of the partials: the result shares nothing with them, so that records may go on being applied. */
export function minuteRowsOf(partials: readonly MinutePartial<MinuteCells>[], layout: CellLayout): MinuteRows {
  const rows = partials.reduce((sum, partial) => sum + partial.cells.size, 0);
  const minutes = new Int32Array(rows);
  const fromOffsets = new Float64Array(rows);
  const counts = new Float64Array(rows);
  const errors = new Float64Array(rows);
  let row = 0;
  for (const { minute, fromOffset, cells } of partials) {
    minutes.fill(minute, row, row + cells.size);
    fromOffsets.fill(fromOffset, row, row + cells.size);
    counts.set(cells.counts.subarray(0, cells.size), row);
    errors.set(cells.errors.subarray(0, cells.size), row);
    row += cells.size;
  }
  return {
    rows,
    minutes,
    fromOffsets,
    counts,
    errors,
    dimensions: Object.fromEntries(
      layout.dimensions.map((name, i) => [name, dimensionColumn(partials, i, rows, layout.interners[i])]),
    ),
    measures: Object.fromEntries(layout.measures.map((name, i) => [name, measureColumns(partials, i, rows)])),
  };
}

function dimensionColumn(
  partials: readonly MinutePartial<MinuteCells>[],
  dimension: number,
  rows: number,
  interner: Interner,
): DictionaryColumn {
  const ids = new Uint32Array(rows);
  const dictionary: string[] = [];
  const entries = new Map<number, number>();
  let row = 0;
  for (const { cells } of partials) {
    for (let cell = 0; cell < cells.size; cell++) {
      const id = cells.dimensionIds[cell * cells.dimensions + dimension];
      let entry = entries.get(id);
      if (entry === undefined) {
        entry = dictionary.push(interner.text(id)) - 1;
        entries.set(id, entry);
      }
      ids[row++] = entry;
    }
  }
  return { dictionary, ids };
}

function measureColumns(partials: readonly MinutePartial<MinuteCells>[], index: number, rows: number): MeasureColumns {
  const counts = new Float64Array(rows);
  const sums = new Float64Array(rows);
  const minima = new Float64Array(rows);
  const maxima = new Float64Array(rows);
  const m2 = new Float64Array(rows);
  const sketchEnds = new Uint32Array(rows);
  const encoder = new SketchEncoder();
  let row = 0;
  for (const { cells } of partials) {
    const measure = cells.measures[index];
    for (let cell = 0; cell < cells.size; cell++, row++) {
      counts[row] = measure.count(cell);
      sums[row] = measure.sum(cell);
      minima[row] = measure.min(cell);
      maxima[row] = measure.max(cell);
      if (counts[row] > 0) {
        m2[row] = measure.m2(cell);
        measure.encodeSketch(cell, encoder);
      }
      sketchEnds[row] = encoder.size;
    }
  }
  return { counts, sums, minima, maxima, m2, sketches: encoder.take(), sketchEnds };
}
