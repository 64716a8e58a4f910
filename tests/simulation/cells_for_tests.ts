/** A store of cells for tests of what is held of them. */
import { DIMENSIONS } from "../../core/minutes/fields.ts";
import { type CellBlock, type CellNames, CellSums } from "../../core/store/cell_blocks.ts";
import type { CellLoader } from "../../core/store/cell_places.ts";

export const TOPIC = "topic";
export const SET = DIMENSIONS.map(() => "x");

/** A store that does not change, of so many rows an hour. */
export function constant(rowsPerHour: number): CellLoader & { loads: number; counts: number } {
  const loader = {
    loads: 0,
    counts: 0,
    countRows: () => {
      loader.counts++;
      return Promise.resolve(new Map(Array.from({ length: 200 }, (_, hour) => [hour, rowsPerHour])));
    },
    loadFew: (topic: string, range: { from: number; to: number }, rowsMax: number, names: CellNames) =>
      (range.to - range.from) * rowsPerHour / 60 > rowsMax
        ? Promise.resolve(null)
        : loader.load(topic, range, 1, names),
    load: (_: string, { from, to }: { from: number; to: number }, width: number, names: CellNames) => {
      loader.loads++;
      const blocks = new Map<number, CellBlock>();
      for (let minute = from; minute < to; minute += width) {
        const sums = new CellSums();
        for (let row = 0; row < Math.max(1, rowsPerHour / 60); row++) {
          sums.add(names.numberOf([String(row), ...SET.slice(1)]), width, 0);
        }
        blocks.set(minute, sums.block());
      }
      return Promise.resolve<ReadonlyMap<number, CellBlock>>(blocks);
    },
  };
  return loader;
}
