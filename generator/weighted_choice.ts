/** Choosing among items of unequal weight, by one look into a table. */

const SLOT_BITS = 16;
const SLOTS = 1 << SLOT_BITS;

/** Items in shares as their weights, rounded to 1/65 536; an item of positive weight has at least one such share. */
export class WeightedChoice<T> {
  readonly #items: readonly T[];
  readonly #slots = new Uint16Array(SLOTS);

  constructor(items: readonly T[], weightOf: (item: T, rank: number) => number) {
    this.#items = items;
    const weights = items.map(weightOf);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0)) throw new RangeError(`weights add up to ${total}, expected more than 0`);
    let from = 0;
    let before = 0;
    weights.forEach((weight, item) => {
      before += weight;
      const to = weight > 0 ? Math.max(from + 1, Math.round(before / total * SLOTS)) : from;
      this.#slots.fill(item, from, to);
      from = to;
    });
  }

  /** The item that 32 random bits stand for. */
  pick(random: number): T {
    return this.#items[this.#slots[random >>> 32 - SLOT_BITS]];
  }
}

/** The weight of a rank, from 0, by Zipf's law: a few are asked for most of the time. */
export function zipf(exponent: number): (item: unknown, rank: number) => number {
  return (_, rank) => 1 / (rank + 1) ** exponent;
}
