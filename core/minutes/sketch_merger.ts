/**
 * Unions of many small sketches, one after the other, without an object or a window of bins each: exports and pages ask for the
 * quantiles of every cell. Answers what {@link Sketch} answers.
 */
import { BINS_PER_OCTAVE, OCTAVES, SketchEncoder, sketchValue } from "./sketch.ts";

const BINS = OCTAVES * BINS_PER_OCTAVE;
/** Slots are bins in ascending order of their values: those of negative values, zero, those of positive ones. */
const ZERO = BINS;
const SLOTS = 2 * BINS + 1;

const VALUES = Float64Array.from({ length: SLOTS }, (_, slot) => {
  if (slot === ZERO) return 0;
  return slot > ZERO ? sketchValue(slot - ZERO - 1) : -sketchValue(ZERO - 1 - slot);
});

const QUANTILE = new Float64Array(1);

/** The union of the sketches that were added since it was last taken. */
export class SketchMerger {
  readonly #counts = new Float64Array(SLOTS);
  /** A bit for each slot that has a count. */
  readonly #used = new Int32Array(Math.ceil(SLOTS / 32));
  #total = 0;
  /** Words of {@link #used} that may have bits, half-open. */
  #firstWord = Infinity;
  #endWord = 0;
  #at = 0;
  readonly #encoder = new SketchEncoder();
  /** Bins in the order in which they are encoded, while they are. */
  readonly #bins = new Int32Array(SLOTS);

  /**
   * Adds bytes[start, end), encoded sketches back to back. Throws a RangeError where they are none; {@link clear} forgets what
   * was added by then.
   */
  addAll(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end) at = this.add(bytes, at);
    if (at !== end) throw new RangeError(`sketches of ${end - start} bytes ended after ${at - start}`);
  }

  /** Adds the encoded sketch that begins at `start`, and answers where it ended. Throws a RangeError where there is none. */
  add(bytes: Uint8Array, start: number): number {
    this.#at = start;
    const zeros = this.#next(bytes);
    if (zeros > 0) this.#addBin(ZERO, zeros);
    this.#addBins(bytes, 1);
    this.#addBins(bytes, -1);
    return this.#at;
  }

  /**
   * Adds the bins of positive values or, with a sign of -1, of negative ones. A summary of a day adds millions of them: what a
   * step needs is in locals, and most numbers are of one byte, read without a call (docs/performance.md, "Summaries").
   */
  #addBins(bytes: Uint8Array, sign: 1 | -1): void {
    const entries = this.#next(bytes);
    if (entries === 0) return;
    const [counts, used] = [this.#counts, this.#used];
    let at = this.#at;
    let total = 0;
    let bin = 0;
    let first = -1;
    for (let i = 0; i < entries; i++) {
      let gap = bytes[at++];
      if (!(gap < 0x80)) {
        this.#at = at - 1;
        gap = this.#next(bytes);
        at = this.#at;
      }
      let count = bytes[at++];
      if (!(count < 0x80)) {
        this.#at = at - 1;
        count = this.#next(bytes);
        at = this.#at;
      }
      bin += gap;
      if (bin >= BINS) this.#fail(`a sketch has bin ${bin} of ${BINS}`);
      if (first < 0) first = bin;
      const slot = sign > 0 ? ZERO + 1 + bin : ZERO - 1 - bin;
      const before = counts[slot];
      if (before === 0) used[slot >>> 5] |= 1 << (slot & 31);
      counts[slot] = before + count;
      total += count;
    }
    this.#at = at;
    this.#total += total;
    this.#reach(ZERO + sign * (first + 1));
    this.#reach(ZERO + sign * (bin + 1));
  }

  /** Where the encoded sketch that begins at `start` ends. Throws as {@link add}. */
  skip(bytes: Uint8Array, start: number): number {
    this.#at = start;
    this.#next(bytes);
    for (let half = 0; half < 2; half++) {
      const entries = this.#next(bytes);
      for (let i = 0; i < 2 * entries; i++) {
        while (bytes[this.#at++] >= 0x80);
        if (this.#at > bytes.length) throw new RangeError("a sketch ends in the middle of a number");
      }
    }
    return this.#at;
  }

  /** Puts the values at `ranks` (ascending, from 0 to 1) into `out` from `at` on: −∞ where no value was counted. Begins anew. */
  takeQuantiles(ranks: readonly number[], out: Float64Array, at: number): void {
    const [counts, used, last] = [this.#counts, this.#used, this.#total - 1];
    let rank = 0;
    let below = 0;
    let wanted = Math.floor(ranks[0] * last);
    for (let word = this.#firstWord; word < this.#endWord; word++) {
      for (let bits = used[word]; bits !== 0; bits &= bits - 1) {
        const slot = word * 32 + 31 - Math.clz32(bits & -bits);
        below += counts[slot];
        counts[slot] = 0;
        while (wanted < below && rank < ranks.length) {
          out[at + rank++] = VALUES[slot];
          wanted = rank < ranks.length ? Math.floor(ranks[rank] * last) : Infinity;
        }
      }
      used[word] = 0;
    }
    while (rank < ranks.length) out[at + rank++] = -Infinity;
    this.#beginAnew();
  }

  /** The value at a rank from 0 to 1; null where no value was counted. Begins anew. */
  takeQuantile(rank: number): number | null {
    const hasValues = this.#total > 0;
    this.takeQuantiles([rank], QUANTILE, 0);
    return hasValues ? QUANTILE[0] : null;
  }

  /** The union, encoded. Begins anew. */
  takeEncoded(): Uint8Array {
    const [bins, counts, encoder] = [this.#bins, this.#counts, this.#encoder];
    let negatives = 0;
    let end = 0;
    for (let word = this.#firstWord; word < this.#endWord; word++) {
      for (let bits = this.#used[word]; bits !== 0; bits &= bits - 1) {
        const slot = word * 32 + 31 - Math.clz32(bits & -bits);
        if (slot === ZERO || counts[slot] === 0) continue;
        if (slot < ZERO) negatives++;
        bins[end++] = slot;
      }
    }
    encoder.number(counts[ZERO]);
    encoder.number(end - negatives);
    let previous = ZERO + 1;
    for (let i = negatives; i < end; i++) {
      encoder.number(bins[i] - previous);
      encoder.number(counts[bins[i]]);
      previous = bins[i];
    }
    // By magnitude: from zero on.
    encoder.number(negatives);
    previous = ZERO - 1;
    for (let i = negatives - 1; i >= 0; i--) {
      encoder.number(previous - bins[i]);
      encoder.number(counts[bins[i]]);
      previous = bins[i];
    }
    this.clear();
    return encoder.take();
  }

  /** Forgets what was added. */
  clear(): void {
    for (let word = this.#firstWord; word < this.#endWord; word++) {
      if (this.#used[word] === 0) continue;
      this.#counts.fill(0, word * 32, word * 32 + 32);
      this.#used[word] = 0;
    }
    this.#beginAnew();
  }

  #beginAnew(): void {
    this.#total = 0;
    this.#firstWord = Infinity;
    this.#endWord = 0;
  }

  #addBin(slot: number, count: number): void {
    this.#counts[slot] += count;
    this.#used[slot >>> 5] |= 1 << (slot & 31);
    this.#total += count;
    this.#reach(slot);
  }

  /** From now on the words that may have bits include that of a slot. */
  #reach(slot: number): void {
    const word = slot >>> 5;
    if (word < this.#firstWord) this.#firstWord = word;
    if (word >= this.#endWord) this.#endWord = word + 1;
  }

  /** Any slot may have been added to by now. */
  #fail(message: string): never {
    this.#firstWord = 0;
    this.#endWord = this.#used.length;
    throw new RangeError(message);
  }

  #next(bytes: Uint8Array): number {
    const first = bytes[this.#at++];
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let unit = 128;; unit *= 128) {
      if (this.#at >= bytes.length) this.#fail("a sketch ends in the middle of a number");
      const byte = bytes[this.#at++];
      value += (byte & 0x7f) * unit;
      if (value > Number.MAX_SAFE_INTEGER) this.#fail("a sketch has a number beyond 2^53");
      if (byte < 0x80) return value;
    }
  }
}
