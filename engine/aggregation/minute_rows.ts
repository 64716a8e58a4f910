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

/** Some cells of one partial. */
interface Selection {
  readonly partial: MinutePartial<MinuteCells>;
  readonly cells: Uint32Array;
}

/**
 * Copies the cells that changed since this was called last: the result shares nothing with the partials, so that
 * records may go on being applied.
 */
export function takeMinuteRows(partials: readonly MinutePartial<MinuteCells>[], layout: CellLayout): MinuteRows {
  const selections = partials.map((partial) => ({ partial, cells: partial.cells.takeChanged() }));
  const rows = selections.reduce((sum, { cells }) => sum + cells.length, 0);
  const minutes = new Int32Array(rows);
  const fromOffsets = new Float64Array(rows);
  const counts = new Float64Array(rows);
  const errors = new Float64Array(rows);
  let row = 0;
  for (const { partial, cells } of selections) {
    minutes.fill(partial.minute, row, row + cells.length);
    fromOffsets.fill(partial.fromOffset, row, row + cells.length);
    for (let i = 0; i < cells.length; i++, row++) {
      counts[row] = partial.cells.counts[cells[i]];
      errors[row] = partial.cells.errors[cells[i]];
    }
  }
  return {
    rows,
    minutes,
    fromOffsets,
    counts,
    errors,
    dimensions: Object.fromEntries(
      layout.dimensions.map((name, i) => [name, dimensionColumn(selections, i, rows, layout.interners[i])]),
    ),
    measures: Object.fromEntries(layout.measures.map((name, i) => [name, measureColumns(selections, i, rows)])),
  };
}

function dimensionColumn(
  selections: readonly Selection[],
  dimension: number,
  rows: number,
  interner: Interner,
): DictionaryColumn {
  const ids = new Uint32Array(rows);
  const dictionary: string[] = [];
  const entries = new Map<number, number>();
  let row = 0;
  for (const { partial: { cells: { dimensionIds, dimensions } }, cells } of selections) {
    for (let i = 0; i < cells.length; i++) {
      const id = dimensionIds[cells[i] * dimensions + dimension];
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

function measureColumns(selections: readonly Selection[], index: number, rows: number): MeasureColumns {
  const counts = new Float64Array(rows);
  const sums = new Float64Array(rows);
  const minima = new Float64Array(rows);
  const maxima = new Float64Array(rows);
  const m2 = new Float64Array(rows);
  const sketchEnds = new Uint32Array(rows);
  const encoder = new SketchEncoder();
  let row = 0;
  for (const { partial, cells } of selections) {
    const measure = partial.cells.measures[index];
    for (let i = 0; i < cells.length; i++, row++) {
      const cell = cells[i];
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
