/**
 * A mergeable quantile sketch: DDSketch (Masson, Rim, Lee, VLDB 2019) with a linearly interpolated mapping.
 * The bin of a positive value is the exponent and the top 6 bits of the mantissa of its float64, so bins are 1/64 of an
 * octave wide and a bin's harmonic middle is within 1/129 (0.78 %) of every value in it. Bins add up, so that merging
 * is exact, order-free and the same after a replay.
 *
 * Encoding: unsigned LEB128 numbers: count of zeros; number of positive bins, then per bin in ascending order the gap
 * to the bin before (the first: its index) and its count; the same for the bins of negative values by magnitude.
 */

/** Mantissa bits that select a bin within an octave. */
const MANTISSA_BITS = 6;
export const BINS_PER_OCTAVE = 1 << MANTISSA_BITS;
/** Octaves of the integers up to 2^53. */
export const OCTAVES = 54;
/** Bins of a sketch at most. */
export const BINS_MAX = OCTAVES * BINS_PER_OCTAVE;
const SHIFT = 20 - MANTISSA_BITS;
/** Bin of the value 1; smaller magnitudes count as 1, for values are integer units. */
const INDEX_OF_ONE = 1023 << MANTISSA_BITS;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** Bin of a magnitude of at least 1, from 0 on (0 is [1, 1 + 1/64)). */
export function sketchBin(magnitude: number): number {
  float[0] = magnitude;
  const bin = (words[1] >>> SHIFT) - INDEX_OF_ONE;
  return bin < 0 ? 0 : bin;
}

/** The value that stands for a bin: the harmonic middle of its ends. */
export function sketchValue(bin: number): number {
  words[0] = 0;
  words[1] = (bin + INDEX_OF_ONE) << SHIFT;
  const low = float[0];
  words[1] = (bin + 1 + INDEX_OF_ONE) << SHIFT;
  const high = float[0];
  return 2 * low * high / (low + high);
}

/** Counts per bin over a growing window of bins. */
export class SketchBins {
  /** Bin of counts[0]. */
  base = 0;
  counts: Float64Array = new Float64Array(0);

  add(bin: number, count: number): void {
    let at = bin - this.base;
    if (at < 0 || at >= this.counts.length) {
      this.#cover(bin);
      at = bin - this.base;
    }
    this.counts[at] += count;
  }

  #cover(bin: number): void {
    if (this.counts.length === 0) {
      this.base = Math.max(0, bin - 7);
      this.counts = new Float64Array(16);
      return;
    }
    const low = Math.min(bin, this.base);
    const high = Math.max(bin + 1, this.base + this.counts.length);
    const slack = (high - low) >> 1;
    const base = bin < this.base ? Math.max(0, low - slack) : low;
    const grown = new Float64Array((bin < this.base ? high : high + slack) - base);
    grown.set(this.counts, this.base - base);
    this.base = base;
    this.counts = grown;
  }
}

/** A sketch of integer values. */
export class Sketch {
  zeros = 0;
  readonly positive: SketchBins = new SketchBins();
  readonly negative: SketchBins = new SketchBins();

  add(value: number, count = 1): void {
    if (value > 0) this.positive.add(sketchBin(value), count);
    else if (value < 0) this.negative.add(sketchBin(-value), count);
    else this.zeros += count;
  }

  /** Adds an encoded sketch, bytes[start, end). Throws a RangeError where they are not one; parts may be added by then. */
  mergeEncoded(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const at = this.#mergeOne(bytes, start, end);
    if (at !== end) throw new RangeError(`a sketch of ${end - start} bytes ended after ${at - start}`);
  }

  /** Adds any number of encoded sketches that lie back to back. Throws as {@link mergeEncoded}. */
  mergeAllEncoded(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at = this.#mergeOne(bytes, at, bytes.length);
  }

  /** Answers where the sketch at `start` ended. */
  #mergeOne(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    const next = (): number => {
      let value = 0;
      let unit = 1;
      for (;;) {
        if (at >= end) throw new RangeError("a sketch ends in the middle of a number");
        const byte = bytes[at++];
        value += (byte & 0x7f) * unit;
        if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a sketch has a number beyond 2^53");
        if (byte < 0x80) return value;
        unit *= 128;
      }
    };
    this.zeros += next();
    for (const bins of [this.positive, this.negative]) {
      const entries = next();
      let bin = 0;
      for (let i = 0; i < entries; i++) {
        bin += next();
        // Damaged bytes must not make the window grow without end.
        if (bin >= BINS_MAX) throw new RangeError(`a sketch has bin ${bin} of ${BINS_MAX}`);
        bins.add(bin, next());
      }
    }
    return at;
  }

  get count(): number {
    let total = this.zeros;
    for (const bins of [this.positive, this.negative]) for (const count of bins.counts) total += count;
    return total;
  }

  /** The value at rank q × (count − 1), within 0.78 %; null for an empty sketch. q is from 0 to 1. */
  quantile(q: number): number | null {
    const total = this.count;
    if (total === 0) return null;
    let left = Math.floor(q * (total - 1));
    const { negative, positive } = this;
    for (let i = negative.counts.length - 1; i >= 0; i--) {
      left -= negative.counts[i];
      if (left < 0) return -sketchValue(negative.base + i);
    }
    left -= this.zeros;
    if (left < 0) return 0;
    for (let i = 0; i < positive.counts.length; i++) {
      left -= positive.counts[i];
      if (left < 0) return sketchValue(positive.base + i);
    }
    return null;
  }

  encode(): Uint8Array {
    const encoder = new SketchEncoder();
    const { positive, negative } = this;
    encoder.number(this.zeros);
    encoder.bins(positive.base, positive.counts);
    encoder.bins(negative.base, negative.counts);
    return encoder.take();
  }
}

/** Of an integer up to 2^53 in groups of seven bits, and some to spare. */
const NUMBER_BYTES_MAX = 10;

/** Writes sketches one after another into one growing buffer. */
export class SketchEncoder {
  #bytes = new Uint8Array(256);
  /** Bytes written so far. */
  size = 0;

  /** One unsigned LEB128 number. */
  number(value: number): void {
    this.#makeRoom(NUMBER_BYTES_MAX);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.size++] = rest % 128 | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.size++] = rest;
  }

  #makeRoom(sizeBytes: number): void {
    const needed = this.size + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }

  /** The first `length` of these bins, which are in ascending order and not empty. */
  entries(bins: Int32Array, counts: Uint32Array, length: number): void {
    this.number(length);
    this.#makeRoom(2 * length * NUMBER_BYTES_MAX);
    const bytes = this.#bytes;
    let at = this.size;
    let previous = 0;
    for (let i = 0; i < length; i++) {
      // Unlike number(), which is a call each: of a flush's time these two are most (bench/stages).
      let rest = bins[i] - previous;
      for (; rest >= 128; rest >>>= 7) bytes[at++] = rest & 0x7f | 0x80;
      bytes[at++] = rest;
      for (rest = counts[i]; rest >= 128; rest >>>= 7) bytes[at++] = rest & 0x7f | 0x80;
      bytes[at++] = rest;
      previous = bins[i];
    }
    this.size = at;
  }

  /** All bins of a window: counts[i] is bin base + i. */
  bins(base: number, counts: Float64Array): void {
    let entries = 0;
    for (let i = 0; i < counts.length; i++) if (counts[i] > 0) entries++;
    this.number(entries);
    let previous = 0;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      this.number(base + i - previous);
      this.number(counts[i]);
      previous = base + i;
    }
  }

  /** What was written; the encoder is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.size);
    this.size = 0;
    return bytes;
  }
}
