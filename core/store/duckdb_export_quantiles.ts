/**
 * Quantiles of an export's cells, which SQL cannot compute: the database strings together the sketches of a batch, in
 * hexadecimal, JavaScript merges them, and the database reads the quantiles from a Parquet file of ours (docs/adr/003).
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { Measure } from "../minutes/fields.ts";
import { SketchMerger } from "../minutes/sketch_merger.ts";
import { type ParquetColumn, RowGroupEncoder } from "../parquet/encoder.ts";
import { writeParquetFile } from "../parquet/file.ts";
import { eachSketch, numberOf, type Row, rowsOf, textOf } from "./duckdb_values.ts";

/** Quantiles that are exported, in ascending order, and what follows the measure's name in their columns. */
export const QUANTILES = [["p50", 0.5], ["p90", 0.9], ["p95", 0.95], ["p99", 0.99]] as const;
const RANKS = QUANTILES.map(([, rank]) => rank);
/** Cells between two looks of the event loop for other work: some milliseconds. */
const CELLS_AT_ONCE = 8192;
/** Hexadecimal digits that say, before a sketch, whose it is. */
export const TAG_DIGITS = 8;
const TAG_BYTES = TAG_DIGITS / 2;

/** The partials of a batch: SQL with `starts`, `dim`, `tag` (`dim` in hexadecimal) and the columns of minutes. */
export interface BatchRows {
  readonly from: string;
  /** At most so many. */
  readonly rows: number;
  /** The greatest `dim` that there may be. */
  readonly dimensions: number;
  readonly measures: readonly Measure[];
  /** Whether it is a single cell that has too many sketches for them to be strung together. */
  readonly isHuge: boolean;
}

/** Sketches of a batch as they came from the database. */
export interface FetchedSketches {
  /** Merges them, and writes each cell's quantiles to a file; no connection is needed. */
  readonly write: (path: string) => Promise<WrittenQuantiles>;
}

export interface WrittenQuantiles {
  /** Measures of which some cell has several partials. */
  readonly merged: ReadonlySet<Measure>;
}

/** The column of a quantile in the file, which has `starts` and `dim` as well; the values are not yet within the cell's range. */
export function quantileColumn(measure: Measure, quantile: string): string {
  return `${measure}_${quantile}`;
}

export class QuantileWriter {
  readonly #merger = new SketchMerger();
  readonly #encoder = new RowGroupEncoder();

  async fetch(connection: DuckDBConnection, batch: BatchRows): Promise<FetchedSketches> {
    const cells = new CellQuantiles(batch.isHuge ? 1 : batch.rows, batch.measures);
    if (batch.isHuge) {
      await this.#mergeHuge(connection, batch, cells);
      return { write: (path) => this.#write(path, cells, new Set(batch.measures)) };
    }
    const strung = batch.measures.map((name) => `string_agg(tag || hex(${name}_sketch), '') AS ${name}`);
    const steps = await rowsOf(connection, `SELECT starts, ${strung} FROM (${batch.from}) GROUP BY starts`);
    return {
      write: async (path) => {
        const merged = await this.#merge(steps, batch, cells);
        return await this.#write(path, cells, merged);
      },
    };
  }

  async #mergeHuge(connection: DuckDBConnection, { from, measures }: BatchRows, cells: CellQuantiles): Promise<void> {
    const [cell] = await rowsOf(connection, `SELECT starts, dim FROM (${from}) LIMIT 1`);
    const row = cells.add(numberOf(cell.starts), numberOf(cell.dim));
    for (const [n, name] of measures.entries()) {
      let isEmpty = true;
      const sketches = `SELECT dim AS id, ${name}_sketch AS sketch FROM (${from}) WHERE ${name}_sketch IS NOT NULL`;
      await eachSketch(connection, sketches, [], (_, sketch) => {
        this.#merger.add(sketch, 0);
        isEmpty = false;
      });
      if (!isEmpty) cells.take(this.#merger, row, n);
    }
  }

  /** Answers the measures of which some cell has several sketches. */
  async #merge(steps: readonly Row[], { rows, dimensions, measures }: BatchRows, cells: CellQuantiles) {
    const merged = new Set<Measure>();
    const chains = new SketchChains(rows, dimensions);
    let pauseAt = CELLS_AT_ONCE;
    for (const row of steps) {
      const starts = numberOf(row.starts);
      const firstCell = cells.rows;
      for (const [n, name] of measures.entries()) {
        if (row[name] === null) continue;
        const bytes = Uint8Array.fromHex(textOf(row[name]));
        if (chains.read(bytes, this.#merger, starts, firstCell, cells)) merged.add(name);
        for (let cell = firstCell; cell < cells.rows; cell++) {
          if (chains.merge(bytes, this.#merger, cell)) cells.take(this.#merger, cell, n);
        }
      }
      if (cells.rows < pauseAt) continue;
      pauseAt = cells.rows + CELLS_AT_ONCE;
      await new Promise((resolve) => setTimeout(resolve));
    }
    return merged;
  }

  async #write(path: string, cells: CellQuantiles, merged: ReadonlySet<Measure>): Promise<WrittenQuantiles> {
    const group = this.#encoder.encode(cells.rows, cells.columns());
    await writeParquetFile(path, [group], { isDurable: false });
    return { merged };
  }
}

/** Where the sketches of each cell of a step are among those that were strung together; without an object a sketch. */
class SketchChains {
  /** Per dimensions, the cell that they had last. */
  readonly #cells: Int32Array;
  /** Per cell, its last sketch, or −1; per sketch, the one before it, and where it begins. */
  readonly #last: Int32Array;
  readonly #before: Int32Array;
  readonly #starts: Int32Array;

  constructor(rows: number, dimensions: number) {
    this.#cells = new Int32Array(dimensions + 1).fill(-1);
    this.#last = new Int32Array(rows);
    this.#before = new Int32Array(rows);
    this.#starts = new Int32Array(rows);
  }

  /** Finds a step's sketches of one measure, and adds the cells that are new; answers whether a cell has several. */
  read(bytes: Uint8Array, merger: SketchMerger, starts: number, firstCell: number, cells: CellQuantiles): boolean {
    let areSeveral = false;
    this.#last.fill(-1, firstCell, cells.rows);
    for (let at = 0, sketch = 0; at < bytes.length; sketch++) {
      const dim = bytes[at] * 0x1000000 + (bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3]);
      if (dim >= this.#cells.length) throw new RangeError(`there are no dimensions of number ${dim}`);
      const known = this.#cells[dim];
      const isNew = known < firstCell;
      const cell = isNew ? cells.add(starts, dim) : known;
      if (isNew) {
        this.#cells[dim] = cell;
        this.#last[cell] = -1;
      }
      areSeveral ||= this.#last[cell] >= 0;
      this.#before[sketch] = this.#last[cell];
      this.#last[cell] = sketch;
      this.#starts[sketch] = at + TAG_BYTES;
      at = merger.skip(bytes, at + TAG_BYTES);
    }
    return areSeveral;
  }

  /** Merges the sketches of a cell; false where it has none. */
  merge(bytes: Uint8Array, merger: SketchMerger, cell: number): boolean {
    const last = this.#last[cell];
    for (let sketch = last; sketch >= 0; sketch = this.#before[sketch]) merger.add(bytes, this.#starts[sketch]);
    return last >= 0;
  }
}

/** Quantiles of cells as columns. */
class CellQuantiles {
  rows = 0;
  readonly #starts: Int32Array;
  readonly #dims: Int32Array;
  readonly #values: readonly { readonly name: string; readonly values: Float64Array }[];
  readonly #taken = new Float64Array(RANKS.length);

  constructor(capacity: number, measures: readonly Measure[]) {
    this.#starts = new Int32Array(capacity);
    this.#dims = new Int32Array(capacity);
    this.#values = measures.flatMap((measure) =>
      QUANTILES.map(([quantile]) => ({
        name: quantileColumn(measure, quantile),
        values: new Float64Array(capacity).fill(NaN),
      }))
    );
  }

  /** Adds a cell without quantiles, and answers its row. */
  add(starts: number, dim: number): number {
    this.#starts[this.rows] = starts;
    this.#dims[this.rows] = dim;
    return this.rows++;
  }

  /** Takes the quantiles of the n-th measure for a row. */
  take(merger: SketchMerger, row: number, n: number): void {
    merger.takeQuantiles(RANKS, this.#taken, 0);
    for (let i = 0; i < RANKS.length; i++) this.#values[n * RANKS.length + i].values[row] = this.#taken[i];
  }

  columns(): ParquetColumn[] {
    return [
      { name: "starts", kind: "int32", values: this.#starts },
      { name: "dim", kind: "int32", values: this.#dims },
      ...this.#values.map(({ name, values }) => ({ name, kind: "nullable double" as const, values })),
    ];
  }
}
