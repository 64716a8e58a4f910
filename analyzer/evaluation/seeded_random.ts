/** Numbers that follow from a seed, and texts of them. */

/** Equal seeds give equal rows (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** So many of these characters. */
  text(length: number, alphabet: string): string {
    return Array.from({ length }, () => alphabet[this.below(alphabet.length)]).join("");
  }
}

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
export const DIGITS = "0123456789";
export const ALPHABETS = {
  lower: LOWER,
  upper: UPPER,
  digits: DIGITS,
  hex: DIGITS + "abcdef",
  alnum: LOWER + UPPER + DIGITS,
  upperAlnum: UPPER + DIGITS,
  word: LOWER + UPPER + DIGITS + "_-",
  base64: LOWER + UPPER + DIGITS + "+/",
} as const;
