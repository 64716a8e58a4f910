/** Lines with holes, compiled once and written as bytes: `GET /bookings/<id>` copies its text and writes the number. */

/** Writes what stands in a hole at out[at...] and answers the new end. */
export type Hole<Values> = (values: Values, out: Uint8Array, at: number) => number;

/** Writes the whole line at out[at...] and answers the new end; `out` must have room. */
export type Template<Values> = (values: Values, out: Uint8Array, at: number) => number;

const encoder = new TextEncoder();

/**
 * Compiles `text`, in which `<name>` is the hole of that name. Throws where there is no such hole. What it answers writes
 * whole steps of {@link STEP_BYTES}: `out` must have as many bytes more than the line needs.
 */
export function compileTemplate<Values>(
  text: string,
  holes: Readonly<Record<string, Hole<Values>>>,
): Template<Values> {
  const { texts, names } = splitTemplate(text);
  const writers = names.map((name) => {
    if (!Object.hasOwn(holes, name)) throw new Error(`a template has a hole <${name}>, known: ${Object.keys(holes)}`);
    return holes[name];
  });
  const lengths = texts.map(({ length }) => length);
  const steps = stepsOf(texts);
  return (values, out, at) => {
    const view = viewOf(out);
    for (let index = 0, step = 0;; index++) {
      const end = at + lengths[index];
      for (; at < end; at += STEP_BYTES) view.setFloat64(at, steps[step++], true);
      if (index === writers.length) return end;
      at = writers[index](values, out, end);
    }
  };
}

/** The texts of a template and the names of the holes between them: text, hole, text, hole, ..., text. */
function splitTemplate(text: string): { readonly texts: readonly Uint8Array[]; readonly names: readonly string[] } {
  const pieces = text.split(/<(\w+)>/);
  return {
    texts: pieces.filter((_, index) => index % 2 === 0).map((piece) => encoder.encode(piece)),
    names: pieces.filter((_, index) => index % 2 === 1),
  };
}

/** Texts are written so many bytes at once. */
export const STEP_BYTES = 8;

/**
 * Texts as doubles, one after the other in one array, the last of each filled up with zeros. Only the bits of a NaN may
 * change where a double is copied, and no text in UTF-8 has those.
 */
function stepsOf(texts: readonly Uint8Array[]): Float64Array {
  return Float64Array.from(texts.flatMap((text) => {
    const filled = new Uint8Array(Math.ceil(text.length / STEP_BYTES) * STEP_BYTES);
    filled.set(text);
    const view = new DataView(filled.buffer);
    return Array.from({ length: filled.length / STEP_BYTES }, (_, step) => view.getFloat64(step * STEP_BYTES, true));
  }));
}

/** Longer pieces are copied by `set`, whose call costs as much as a loop over this many bytes. */
const LOOP_BYTES_MAX = 40;

export function writeBytes(bytes: Uint8Array, out: Uint8Array, at: number): number {
  const length = bytes.length;
  if (length > LOOP_BYTES_MAX) out.set(bytes, at);
  else for (let index = 0; index < length; index++) out[at + index] = bytes[index];
  return at + length;
}

/** The arrays that were written into last, and views of them: a record, and what parts of it are made in. */
let viewed: Uint8Array = new Uint8Array(0);
let view: DataView = new DataView(viewed.buffer);
let viewedBefore = viewed;
let viewBefore = view;

/** A view of `out`, by which several bytes are written at once. */
function viewOf(out: Uint8Array): DataView {
  if (out === viewed) return view;
  const found = out === viewedBefore ? viewBefore : new DataView(out.buffer, out.byteOffset, out.byteLength);
  viewedBefore = viewed;
  viewBefore = view;
  viewed = out;
  return view = found;
}

const ZERO = 0x30;
const POINT = 0x2e;
const INT32_MAX = 2 ** 31 - 1;
/** 00 to 99, the first digit in the upper byte. */
const DIGIT_PAIRS = Uint16Array.from({ length: 100 }, (_, n) => (ZERO + Math.floor(n / 10)) << 8 | ZERO + n % 10);

/** A whole number from 0 to 2^53 - 1 in decimal digits. */
export function writeInteger(value: number, out: Uint8Array, at: number): number {
  let end = at + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  return writeDigits(value, end - at, out, at);
}

/** Exactly `digits` decimal digits, with leading zeros. */
export function writeDigits(value: number, digits: number, out: Uint8Array, at: number): number {
  let rest = value;
  let index = at + digits;
  while (rest > INT32_MAX && index > at) {
    const quotient = Math.floor(rest / 10);
    out[--index] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  // Whole-number arithmetic: a division by a constant is a multiplication there.
  let small = rest | 0;
  const view = viewOf(out);
  while (index - 2 >= at) {
    const quotient = (small / 100) | 0;
    index -= 2;
    view.setUint16(index, DIGIT_PAIRS[small - quotient * 100]);
    small = quotient;
  }
  if (index > at) out[at] = ZERO + small % 10;
  return at + digits;
}

const SCALES = [1, 10, 100, 1_000];

/** `units` of 10^-decimals as a number with that many digits, up to three, after the point: 1234 thousandths are 1.234. */
export function writeFixed(units: number, decimals: number, out: Uint8Array, at: number): number {
  const scale = SCALES[decimals];
  const whole = Math.floor(units / scale);
  at = writeInteger(whole, out, at);
  out[at++] = POINT;
  return writeDigits(units - whole * scale, decimals, out, at);
}

/** Eight hexadecimal digits of a 32-bit number. */
export function writeHex(word: number, out: Uint8Array, at: number): number {
  const view = viewOf(out);
  view.setInt32(at, hexOf(word >>> 16));
  view.setInt32(at + 4, hexOf(word & 0xffff));
  return at + 8;
}

/** Four hexadecimal digits of a 16-bit number, a byte each: all four at once. */
function hexOf(half: number): number {
  const digits = (half & 0xf000) << 12 | (half & 0x0f00) << 8 | (half & 0x00f0) << 4 | half & 0x000f;
  const letters = (digits + 0x06060606) >>> 4 & 0x01010101; // 1 for each digit from a to f
  return digits + 0x30303030 + Math.imul(letters, 0x61 - 0x3a);
}

/** Times of which the part down to the second is remembered: nearly all records share it with the one before. */
class SecondText {
  #second = NaN;
  #text: Uint8Array = new Uint8Array(0);

  constructor(private readonly format: (date: Date) => string) {}

  write(ms: number, out: Uint8Array, at: number): number {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = encoder.encode(this.format(new Date(second * 1000)));
    }
    return writeBytes(this.#text, out, at);
  }
}

/** Writes epoch milliseconds as 2026-03-01T12:00:00.123Z. */
export class IsoTime {
  readonly #seconds = new SecondText((date) => date.toISOString().slice(0, 20));

  write(ms: number, out: Uint8Array, at: number): number {
    at = writeDigits(ms - Math.floor(ms / 1000) * 1000, 3, out, this.#seconds.write(ms, out, at));
    out[at++] = 0x5a;
    return at;
  }
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Writes epoch milliseconds as 01/Mar/2026:12:00:00 +0000, the form of access logs. */
export class ClfTime {
  readonly #seconds = new SecondText((date) => {
    const iso = date.toISOString();
    return `${iso.slice(8, 10)}/${MONTHS[date.getUTCMonth()]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  });

  write(ms: number, out: Uint8Array, at: number): number {
    return this.#seconds.write(ms, out, at);
  }
}
