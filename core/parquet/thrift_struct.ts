/** Structs of Thrift's compact protocol, read whole and written again: fields that nobody changes stay as they are. */

const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

/** Integers are bigints whatever their width; doubles and binaries are their bytes; lists stand for sets, too. */
export type ThriftValue =
  | boolean
  | bigint
  | Uint8Array
  | { readonly elementType: number; readonly elements: readonly ThriftValue[] }
  | { readonly fields: readonly ThriftField[] };

/** One field of a struct, with its type as the protocol numbers it. */
export interface ThriftField {
  readonly id: number;
  readonly type: number;
  readonly value: ThriftValue;
}

/**
 * The fields of the struct that `bytes` begin with, up to that of the number `last` where they are in their order, as all writers
 * have them. Throws RangeError where they are none.
 */
export function parseStruct(bytes: Uint8Array, last = Infinity): readonly ThriftField[] {
  return new Parser(bytes).struct(last);
}

class Parser {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(last = Infinity): ThriftField[] {
    const fields: ThriftField[] = [];
    let id = 0;
    for (;;) {
      const head = this.#byte();
      if (head === 0) return fields;
      const type = head & 15;
      id = head >> 4 === 0 ? Number(this.#zigzag()) : id + (head >> 4);
      if (id > last) return fields;
      fields.push({ id, type, value: type === TRUE || type === FALSE ? type === TRUE : this.#value(type) });
    }
  }

  #value(type: number): ThriftValue {
    switch (type) {
      case TRUE: // within a list, where it takes a byte
      case FALSE:
        return this.#byte() === TRUE;
      case BYTE:
        return BigInt(this.#byte());
      case I16:
      case I32:
      case I64:
        return this.#zigzag();
      case DOUBLE:
        return this.#take(8);
      case BINARY:
        return this.#take(Number(this.#varint()));
      case LIST:
      case SET: {
        const head = this.#byte();
        const length = head >> 4 === 15 ? Number(this.#varint()) : head >> 4;
        return { elementType: head & 15, elements: Array.from({ length }, () => this.#value(head & 15)) };
      }
      case STRUCT:
        return { fields: this.struct() };
      default:
        throw new RangeError(`type ${type} does not occur in Parquet's footers`);
    }
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new RangeError("a struct is cut short");
    return this.#bytes[this.#at++];
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError("a struct is cut short");
    return this.#bytes.slice(this.#at, this.#at += length);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }
}

/** The bytes of one struct, field by field, in the order of their numbers. */
export class StructBytes {
  readonly #parts: Uint8Array[] = [];
  #small: number[] = [];
  #last = 0;

  field({ id, type, value }: ThriftField): void {
    this.#head(id, typeof value === "boolean" ? (value ? TRUE : FALSE) : type);
    if (typeof value !== "boolean") this.#value(type, value);
  }

  /** A list of structs that are bytes already. */
  structs(id: number, encoded: readonly Uint8Array[]): void {
    this.#head(id, LIST);
    this.#listHead(STRUCT, encoded.length);
    for (const bytes of encoded) this.#append(bytes);
  }

  /** Ends the struct and answers its bytes. */
  end(): Uint8Array {
    this.#small.push(0);
    this.#append(new Uint8Array(0));
    const bytes = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #append(bytes: Uint8Array): void {
    this.#parts.push(Uint8Array.from(this.#small), bytes);
    this.#small = [];
  }

  #head(id: number, type: number): void {
    const delta = id - this.#last;
    if (delta >= 1 && delta <= 15) this.#small.push(delta << 4 | type);
    else {
      this.#small.push(type);
      this.#zigzag(BigInt(id));
    }
    this.#last = id;
  }

  #listHead(type: number, length: number): void {
    this.#small.push(Math.min(length, 15) << 4 | type);
    if (length >= 15) this.#varint(BigInt(length));
  }

  #value(type: number, value: ThriftValue): void {
    if (typeof value === "boolean") this.#small.push(value ? TRUE : FALSE);
    else if (typeof value === "bigint") type === BYTE ? this.#small.push(Number(value)) : this.#zigzag(value);
    else if (value instanceof Uint8Array) {
      if (type === BINARY) this.#varint(BigInt(value.length));
      this.#append(value);
    } else if ("elements" in value) {
      this.#listHead(value.elementType, value.elements.length);
      for (const element of value.elements) this.#value(value.elementType, element);
    } else {
      const struct = new StructBytes();
      for (const field of value.fields) struct.field(field);
      this.#append(struct.end());
    }
  }

  #zigzag(value: bigint): void {
    this.#varint(value < 0n ? -2n * value - 1n : 2n * value);
  }

  #varint(value: bigint): void {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#small.push(Number(rest & 127n) | 128);
    this.#small.push(Number(rest));
  }
}
