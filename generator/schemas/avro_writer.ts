/** Values in Avro's binary encoding, written at out[at...]; each answers the new end. */
import { writeBytes } from "../template.ts";

/** A whole number within ±2^53: zig-zag, then seven bits a byte, the lowest first. */
export function writeLong(value: number, out: Uint8Array, at: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out[at++] = rest % 128 | 0x80;
  out[at++] = rest;
  return at;
}

/** UTF-8 text, after its length. */
export function writeText(text: Uint8Array, out: Uint8Array, at: number): number {
  return writeBytes(text, out, writeLong(text.length, out, at));
}

/** A union of null and text. */
export function writeOptionalText(text: Uint8Array | null, out: Uint8Array, at: number): number {
  return text === null ? writeLong(0, out, at) : writeText(text, out, writeLong(1, out, at));
}

export function writeDouble(value: number, out: Uint8Array, at: number): number {
  FLOAT[0] = value;
  for (let index = 0; index < 8; index++) out[at + index] = FLOAT_BYTES[IS_LITTLE ? index : 7 - index];
  return at + 8;
}

const FLOAT = new Float64Array(1);
const FLOAT_BYTES = new Uint8Array(FLOAT.buffer);
const IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
