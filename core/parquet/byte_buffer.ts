/** Bytes that grow by doubling. */

export class ByteBuffer {
  bytes: Uint8Array;
  size = 0;

  constructor(firstBytes: number) {
    this.bytes = new Uint8Array(firstBytes);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    if (this.size + more <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.size + more, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.size));
    this.bytes = bytes;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.size);
    this.size += bytes.length;
  }

  /** Little-endian. */
  uint32(value: number): void {
    this.reserve(4);
    putUint32(this.bytes, this.size, value);
    this.size += 4;
  }

  varint(value: number): void {
    this.reserve(5);
    let rest = value;
    for (; rest >= 128; rest >>>= 7) this.bytes[this.size++] = rest & 127 | 128;
    this.bytes[this.size++] = rest;
  }

  /** What was written, in a buffer of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }
}

export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
