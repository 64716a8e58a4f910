/** Lines with holes, compiled once and written as bytes: `GET /bookings/<id>` copies its text and writes the number. */

/** Writes what stands in a hole at out[at...] and answers the new end. */
export type Hole<Values> = (values: Values, out: Uint8Array, at: number) => number;

/** Writes the whole line at out[at...] and answers the new end; `out` must have room. */
export type Template<Values> = (values: Values, out: Uint8Array, at: number) => number;

const encoder = new TextEncoder();

/** Compiles `text`, in which `<name>` is the hole of that name. Throws where there is no such hole. */
export function compileTemplate<Values>(
  text: string,
  holes: Readonly<Record<string, Hole<Values>>>,
): Template<Values> {
  // An odd number of pieces: text, hole, text, hole, ..., text.
  const pieces = text.split(/<(\w+)>/);
  const texts = pieces.filter((_, index) => index % 2 === 0).map((piece) => encoder.encode(piece));
  const writers = pieces.filter((_, index) => index % 2 === 1).map((name) => {
    if (!Object.hasOwn(holes, name)) throw new Error(`a template has a hole <${name}>, known: ${Object.keys(holes)}`);
    return holes[name];
  });
  return (values, out, at) => {
    at = writeBytes(texts[0], out, at);
    for (let index = 0; index < writers.length; index++) {
      at = writers[index](values, out, at);
      at = writeBytes(texts[index + 1], out, at);
    }
    return at;
  };
}

/** Longer pieces are copied by `set`, whose call costs as much as a loop over this many bytes. */
const LOOP_BYTES_MAX = 40;

export function writeBytes(bytes: Uint8Array, out: Uint8Array, at: number): number {
  const length = bytes.length;
  if (length > LOOP_BYTES_MAX) out.set(bytes, at);
  else for (let index = 0; index < length; index++) out[at + index] = bytes[index];
  return at + length;
}

const ZERO = 0x30;
const POINT = 0x2e;
const INT32_MAX = 2 ** 31 - 1;

/** A whole number from 0 to 2^53 - 1 in decimal digits. */
export function writeInteger(value: number, out: Uint8Array, at: number): number {
  let end = at + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  return writeDigits(value, end - at, out, at);
}

/** Exactly `digits` decimal digits, with leading zeros. */
export function writeDigits(value: number, digits: number, out: Uint8Array, at: number): number {
  let rest = value;
  let index = at + digits - 1;
  for (; rest > INT32_MAX && index >= at; index--) {
    const quotient = Math.floor(rest / 10);
    out[index] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  // Whole-number arithmetic: a division by a constant is a multiplication there.
  for (let small = rest | 0; index >= at; index--) {
    const quotient = (small / 10) | 0;
    out[index] = ZERO + small - quotient * 10;
    small = quotient;
  }
  return at + digits;
}

/** `units` of 10^-decimals as a number with that many digits after the point: 1234 thousandths are 1.234. */
export function writeFixed(units: number, decimals: number, out: Uint8Array, at: number): number {
  const scale = 10 ** decimals;
  const whole = Math.floor(units / scale);
  at = writeInteger(whole, out, at);
  out[at++] = POINT;
  return writeDigits(units - whole * scale, decimals, out, at);
}

const HEX = encoder.encode("0123456789abcdef");

/** Eight hexadecimal digits of a 32-bit number. */
export function writeHex(word: number, out: Uint8Array, at: number): number {
  out[at] = HEX[word >>> 28];
  out[at + 1] = HEX[word >>> 24 & 15];
  out[at + 2] = HEX[word >>> 20 & 15];
  out[at + 3] = HEX[word >>> 16 & 15];
  out[at + 4] = HEX[word >>> 12 & 15];
  out[at + 5] = HEX[word >>> 8 & 15];
  out[at + 6] = HEX[word >>> 4 & 15];
  out[at + 7] = HEX[word & 15];
  return at + 8;
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
