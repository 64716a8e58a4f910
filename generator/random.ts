/** Random numbers that are a function of (seed, partition, i): any record can be made again without those before it. */

/** Finalizer of MurmurHash3: a bijection of 32-bit integers that spreads every bit over all. */
function mix(value: number): number {
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return value ^ value >>> 16;
}

const WORD = 2 ** 32;

/** A 32-bit hash of a seed, a partition and an index below 2^53. */
function hash(seed: number, partition: number, i: number): number {
  const stream = mix(mix(mix(seed) + Math.floor(seed / WORD) | 0) + Math.imul(partition + 1, 0x9e3779b9) | 0);
  return mix(mix(i | 0) + Math.imul(Math.floor(i / WORD) + 1, 0x7feb352d) ^ stream);
}

/** The generator xoroshiro64** (Blackman and Vigna, 2018), placed anew for every record. */
export class Random {
  #a = 1;
  #b = 0;

  /** Generators with other salts give other numbers for the same record. */
  constructor(private readonly salt: number) {}

  /** Starts the numbers of record `i` of `partition`. */
  seat(seed: number, partition: number, i: number): void {
    this.#a = hash(seed, partition, i) ^ this.salt;
    this.#b = mix(this.#a ^ 0x3c6ef372) | 1; // never both zero
    this.next();
    this.next();
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    const a = this.#a;
    const product = Math.imul(a, 0x9e3779bb);
    const result = Math.imul(product << 5 | product >>> 27, 5) >>> 0;
    const b = this.#b ^ a;
    this.#a = (a << 26 | a >>> 6) ^ b ^ b << 9;
    this.#b = b << 13 | b >>> 19;
    return result;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.next() / WORD * limit);
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.next() / WORD;
  }

  /** Normally distributed, mean 0 and deviation 1 (Box and Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.next() + 1) / WORD));
    return radius * Math.cos(2 * Math.PI * this.unit());
  }

  /** Log-normally distributed around `median`. */
  logNormal(median: number, sigma: number): number {
    return median * Math.exp(sigma * this.normal());
  }
}

/** Exactly one of every `every` consecutive indexes of a partition is chosen: a share that can be counted on. */
export class OneIn {
  #block = -1;
  #partition = -1;
  #chosen = -1;

  /** `salt` makes choices of the same seed independent of each other. */
  constructor(private readonly every: number, private readonly seed: number, private readonly salt: number) {}

  includes(partition: number, i: number): boolean {
    const block = Math.floor(i / this.every);
    // What is remembered is a function of the arguments: it saves the hash, and changes nothing.
    if (block !== this.#block || partition !== this.#partition) {
      this.#block = block;
      this.#partition = partition;
      const drawn = hash(this.seed, partition, block) ^ this.salt;
      this.#chosen = block * this.every + (mix(drawn) >>> 0) % this.every;
    }
    return i === this.#chosen;
  }
}

const GUIDE_BITS = 8;

/** Picks from a list by weights. */
export class Weighted<T> {
  /** Each item is picked below its limit; the last, whatever a sum of fractions comes to. */
  readonly #limits: Float64Array;
  /** By the first bits of a number, the first item that it may pick: the search begins there. */
  readonly #guide: Uint16Array;

  constructor(readonly items: readonly T[], weightOf: (item: T, index: number) => number) {
    let sum = 0;
    const limits = Float64Array.from(items, (item, index) => sum += weightOf(item, index));
    for (let index = 0; index < items.length; index++) limits[index] *= WORD / sum;
    limits[items.length - 1] = Infinity;
    this.#limits = limits;
    this.#guide = Uint16Array.from({ length: 1 << GUIDE_BITS }, (_, bits) => {
      const lowest = bits * 2 ** (32 - GUIDE_BITS);
      return limits.findIndex((limit) => lowest < limit);
    });
  }

  pick(random: Random): T {
    const drawn = random.next();
    const limits = this.#limits;
    let index = this.#guide[drawn >>> 32 - GUIDE_BITS];
    while (drawn >= limits[index]) index++;
    return this.items[index];
  }
}

/** Zipf's law: the item of rank r (from 0) has weight 1 / (r + 1)^exponent. */
export function zipf(exponent: number): (item: unknown, rank: number) => number {
  return (_item, rank) => 1 / (rank + 1) ** exponent;
}
