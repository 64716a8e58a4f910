/** The little of Thrift's compact protocol that Parquet's page headers and footer need. */

/** Types of fields and elements. Booleans, doubles, maps and sets do not occur in what we write. */
const I32 = 5;
const I64 = 6;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

const utf8 = new TextEncoder();

/** Writes one struct; fields must come in the order of their numbers. */
export class ThriftWriter {
  readonly #bytes: number[] = [];
  /** The number of the last field, per open struct. */
  readonly #fields: number[] = [0];

  i32(field: number, value: number): void {
    this.#head(field, I32);
    this.#zigzag(value);
  }

  /** A non-negative integer, exact up to 2^53. */
  i64(field: number, value: number): void {
    this.#head(field, I64);
    this.#zigzag(value);
  }

  text(field: number, value: string): void {
    this.#head(field, BINARY);
    this.#text(value);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#head(field, BINARY);
    this.#binary(value);
  }

  struct(field: number, write: () => void): void {
    this.#head(field, STRUCT);
    this.#struct(write);
  }

  structs<T>(field: number, values: readonly T[], write: (value: T) => void): void {
    this.#listHead(field, STRUCT, values.length);
    for (const value of values) this.#struct(() => write(value));
  }

  i32s(field: number, values: readonly number[]): void {
    this.#listHead(field, I32, values.length);
    for (const value of values) this.#zigzag(value);
  }

  texts(field: number, values: readonly string[]): void {
    this.#listHead(field, BINARY, values.length);
    for (const value of values) this.#text(value);
  }

  /** Ends the struct and answers its bytes. */
  end(): Uint8Array {
    this.#bytes.push(0);
    return Uint8Array.from(this.#bytes);
  }

  #head(field: number, type: number): void {
    const delta = field - this.#fields[this.#fields.length - 1];
    if (delta < 1 || delta > 15) throw new RangeError(`field ${field} does not follow the one before`);
    this.#bytes.push(delta << 4 | type);
    this.#fields[this.#fields.length - 1] = field;
  }

  #listHead(field: number, type: number, length: number): void {
    this.#head(field, LIST);
    if (length < 15) this.#bytes.push(length << 4 | type);
    else {
      this.#bytes.push(0xf0 | type);
      this.#varint(length);
    }
  }

  #struct(write: () => void): void {
    this.#fields.push(0);
    write();
    this.#fields.pop();
    this.#bytes.push(0);
  }

  #text(value: string): void {
    this.#binary(utf8.encode(value));
  }

  #binary(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
  }

  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Without shifts, which are of 32 bits. */
  #varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes.push(rest % 128 | 128);
    this.#bytes.push(rest);
  }
}
