/** Notices where a dimension has more distinct values in an hour than are kept apart: figures, and a word now and then. */
import { OTHER } from "../core/minutes/fields.ts";
import type { MinuteRows } from "../core/store/ports.ts";

/** For so long a topic's dimension is not told of again. */
const QUIET_MS = 3_600_000;

export interface CappedDimension {
  readonly topic: string;
  readonly dimension: string;
  /** Minute cells flushed by this process whose value was beyond the cap, each as often as it was flushed. */
  readonly cells: number;
}

export class CappedDimensions {
  readonly #counts = new Map<string, { readonly topic: string; readonly dimension: string; cells: number }>();
  readonly #toldMs = new Map<string, number>();

  get figures(): readonly CappedDimension[] {
    return [...this.#counts.values()];
  }

  /** Looks at the rows of a flush of that topic; answers the dimensions that people should be told of now. */
  see(topic: string, { rows, dimensions }: Pick<MinuteRows, "rows" | "dimensions">, nowMs: number): string[] {
    const told: string[] = [];
    for (const [dimension, column] of Object.entries(dimensions)) {
      const other = column?.dictionary.indexOf(OTHER) ?? -1;
      if (column === undefined || other < 0) continue;
      let cells = 0;
      for (let row = 0; row < rows; row++) if (column.ids[row] === other) cells++;
      if (cells === 0) continue;
      const key = `${topic}/${dimension}`;
      const count = this.#counts.get(key) ?? { topic, dimension, cells: 0 };
      count.cells += cells;
      this.#counts.set(key, count);
      if (nowMs - (this.#toldMs.get(key) ?? -Infinity) < QUIET_MS) continue;
      this.#toldMs.set(key, nowMs);
      told.push(dimension);
    }
    return told;
  }
}
