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
  /** By id of the interner: its place in the dictionary + 1, or 0. */
  const entries = new Uint32Array(interner.size);
  let row = 0;
  for (const selection of selections) {
    copyIds(
      selection,
      dimension,
      entries,
      ids.subarray(row, row + selection.cells.length),
      (id) => dictionary.push(interner.text(id)),
    );
    row += selection.cells.length;
  }
  return { dictionary, ids };
}

/** A function of its own, and so is {@link copyMeasure}: a loop within one that runs once a flush is compiled anew each time. */
function copyIds(
  { partial: { cells: { dimensionIds, dimensions } }, cells }: Selection,
  dimension: number,
  entries: Uint32Array,
  into: Uint32Array,
  add: (id: number) => number,
): void {
  for (let i = 0; i < cells.length; i++) {
    const id = dimensionIds[cells[i] * dimensions + dimension];
    if (entries[id] === 0) entries[id] = add(id);
    into[i] = entries[id] - 1;
  }
}

function measureColumns(selections: readonly Selection[], index: number, rows: number): MeasureColumns {
  const columns = {
    counts: new Float64Array(rows),
    sums: new Float64Array(rows),
    minima: new Float64Array(rows),
    maxima: new Float64Array(rows),
    m2: new Float64Array(rows),
    sketchEnds: new Uint32Array(rows),
  };
  const encoder = new SketchEncoder();
  let row = 0;
  for (const { partial, cells } of selections) {
    copyMeasure(partial.cells.measures[index], cells, columns, row, encoder);
    row += cells.length;
  }
  return { ...columns, sketches: encoder.take() };
}

function copyMeasure(
  measure: MinuteCells["measures"][number],
  cells: Uint32Array,
  { counts, sums, minima, maxima, m2, sketchEnds }: Omit<MeasureColumns, "sketches">,
  firstRow: number,
  encoder: SketchEncoder,
): void {
  for (let i = 0, row = firstRow; i < cells.length; i++, row++) {
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
