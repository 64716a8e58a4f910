/**
 * A record copied to where a parser may write: all spans of an event point into one buffer, and a line format has to
 * add to it (a level that follows from the status, a value without its escapes). The copy checks UTF-8 on its way.
 */
import { isValidUtf8, utf8SequenceLength, viewOf } from "./utf8.ts";

/** Room after the record besides as much again as the record: a level and small constants. */
const SPARE_BYTES = 256;
/** A buffer grown for one huge record is given back at the next ordinary one. */
const KEPT_BYTES = 1024 * 1024;

export class RecordCopy {
  /** The record at [0, length), then what was appended. Replaced as it grows: read it after {@link load}. */
  bytes: Uint8Array = new Uint8Array(8192);
  length = 0;
  /** A view of the same bytes, at the same positions. */
  view: DataView = new DataView(this.bytes.buffer);
  #end = 0;

  /**
   * Copies source[start, end). Bytes that are no UTF-8 become `\xNN`, as Apache writes them, so that every span of
   * whole characters is text. What is appended afterwards may take as many bytes as the record has, and 256.
   */
  load(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#makeRoom(length);
    this.length = length;
    this.#end = length;
    if (this.#copy(source, start, length) || isValidUtf8(source, start, end)) return;
    this.#copyEscaped(source, start, end);
  }

  /** Adds constant bytes behind the record and answers where they begin. */
  append(constant: Uint8Array): number {
    const start = this.#end;
    for (let i = 0; i < constant.length; i++) this.bytes[start + i] = constant[i];
    this.#end = start + constant.length;
    return start;
  }

  /** Adds one byte behind the record and what was appended before. */
  appendByte(byte: number): void {
    this.bytes[this.#end++] = byte;
  }

  /** Where the next appended byte goes. */
  get end(): number {
    return this.#end;
  }

  #makeRoom(length: number): void {
    const needed = length * 2 + SPARE_BYTES;
    const isOversized = this.bytes.length > KEPT_BYTES && needed <= KEPT_BYTES / 16;
    if (needed <= this.bytes.length && !isOversized) return;
    this.bytes = new Uint8Array(Math.max(8192, 2 ** Math.ceil(Math.log2(needed))));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Four bytes at a time, since set() would make a subarray a record. True where all of it is ASCII. */
  #copy(source: Uint8Array, start: number, length: number): boolean {
    const from = viewOf(source.buffer);
    const to = this.view;
    const base = source.byteOffset + start;
    const words = length & ~3;
    let any = 0;
    for (let i = 0; i < words; i += 4) {
      const word = from.getInt32(base + i, true);
      any |= word;
      to.setInt32(i, word, true);
    }
    for (let i = words; i < length; i++) {
      const byte = source[start + i];
      any |= byte;
      this.bytes[i] = byte;
    }
    return (any & 0x80808080) === 0;
  }

  #copyEscaped(source: Uint8Array, start: number, end: number): void {
    this.#makeRoom((end - start) * 4);
    let to = 0;
    for (let at = start; at < end;) {
      const sequence = utf8SequenceLength(source, at, end);
      if (sequence === 0) {
        to = this.#writeEscape(source[at++], to);
        continue;
      }
      for (const next = at + sequence; at < next; at++) this.bytes[to++] = source[at];
    }
    this.length = to;
    this.#end = to;
  }

  #writeEscape(byte: number, to: number): number {
    this.bytes[to] = 0x5c;
    this.bytes[to + 1] = 0x78;
    this.bytes[to + 2] = hexDigit(byte >> 4);
    this.bytes[to + 3] = hexDigit(byte & 0x0f);
    return to + 4;
  }
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
