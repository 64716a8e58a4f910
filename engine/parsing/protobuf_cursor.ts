/** Where the reading of Protobuf's bytes stands: numbers, tags, and steps over what is not wanted. */
import { ByteCursor } from "./byte_cursor.ts";

/** The bytes are no value of the schema. */
export class ProtobufFault extends Error {
  override readonly name = "ProtobufFault";
}

/** Forms of a field in the bytes. */
export const WIRE = { varint: 0, fixed64: 1, length: 2, start: 3, end: 4, fixed32: 5 } as const;

/** Groups within groups. */
const DEEPEST = 64;

export class ProtobufCursor extends ByteCursor {
  /** An unsigned number of up to 64 bits. */
  varint(): bigint {
    const { bytes, end } = this;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= end) throw new ProtobufFault("cut short");
      const byte = bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufFault("a number without an end");
  }

  /** A signed number of 64 bits, exact up to 2^53. */
  int(): number {
    const { bytes, end } = this;
    let at = this.at;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= end) throw new ProtobufFault("cut short");
      const byte = bytes[at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
    }
    return this.#longer();
  }

  #longer(): number {
    // By multiplication: shifts know 32 bits only.
    let [value, factor, at] = [0, 1, this.at];
    for (let index = 0; index < 7 && at < this.end; index++, factor *= 128) {
      const byte = this.bytes[at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        this.at = at;
        return value;
      }
    }
    return Number(BigInt.asIntN(64, this.varint()));
  }

  /** A number of 32 bits, the signs of which are folded. */
  zigzag(): number {
    const raw = this.int();
    return raw >>> 1 ^ -(raw & 1);
  }

  /** A field's number and its form. */
  tag(): number {
    const tag = this.int();
    if (tag < 8 || tag > 0xffff_ffff) throw new ProtobufFault(`there is no field ${tag >>> 3}`);
    return tag >>> 0;
  }

  /** A length; it is within what is left. */
  size(): number {
    const size = this.int();
    if (size < 0 || size > this.end - this.at) throw new ProtobufFault("cut short");
    return size;
  }

  /** Steps over so many bytes and answers where they began. */
  take(length: number): number {
    const start = this.at;
    if (length > this.end - start) throw new ProtobufFault("cut short");
    this.at = start + length;
    return start;
  }

  /** Steps over the value of a tag. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.int();
        return;
      case WIRE.fixed64:
        this.take(8);
        return;
      case WIRE.length:
        this.take(this.size());
        return;
      case WIRE.fixed32:
        this.take(4);
        return;
      case WIRE.start:
        this.#skipGroup(tag);
        return;
      default:
        throw new ProtobufFault(`a field of form ${tag & 7}`);
    }
  }

  #skipGroup(start: number): void {
    if (++this.depth > DEEPEST) throw new ProtobufFault("nested too deeply");
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) === WIRE.end) {
        if (tag >>> 3 !== start >>> 3) throw new ProtobufFault("a group that another one ends");
        break;
      }
      this.skip(tag);
    }
    this.depth--;
  }
}
