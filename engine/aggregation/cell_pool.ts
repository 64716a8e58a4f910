/**
 * Tables of minute cells that are used again. Each minute of each partition needs one, which grows to hundreds of kilobytes:
 * made anew, they cost zeroed pages, copies while they grow, and collections over everything else that a worker holds.
 */
import { MinuteCells } from "./minute_cells.ts";

/** What lies unused at most. */
const UNUSED_BYTES_MAX = 16 * 1_048_576;

export class CellPool {
  /** By dimensions and measures. */
  readonly #unused = new Map<string, { readonly cells: MinuteCells; readonly sizeBytes: number }[]>();
  #unusedBytes = 0;

  /** Without cells; with room for `expected` where none lay unused. */
  take(dimensions: number, measures: number, expected = 0): MinuteCells {
    const found = this.#unused.get(`${dimensions}/${measures}`)?.pop();
    if (found === undefined) return new MinuteCells(dimensions, measures, expected);
    this.#unusedBytes -= found.sizeBytes;
    return found.cells;
  }

  /** Takes back cells that nobody is to read any more. */
  give(cells: MinuteCells): void {
    const { sizeBytes } = cells;
    if (this.#unusedBytes + sizeBytes > UNUSED_BYTES_MAX) return;
    cells.clear();
    const layout = `${cells.dimensions}/${cells.measures.length}`;
    const same = this.#unused.get(layout);
    if (same === undefined) this.#unused.set(layout, [{ cells, sizeBytes }]);
    else same.push({ cells, sizeBytes });
    this.#unusedBytes += sizeBytes;
  }
}
