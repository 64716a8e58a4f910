/**
 * Columns of typed arrays and spans of bytes, as they come from the engine, as row groups of Parquet: no value becomes a
 * JavaScript string or object on the way (docs/adr/007). Only what our own rows need: flat columns, plain and dictionary
 * encodings, one page a column and row group, zstd where it pays.
 * Format: https://parquet.apache.org/docs/file-format/
 */
import { constants, zstdCompressSync } from "node:zlib";
import { ByteBuffer, putUint32 } from "./byte_buffer.ts";
import { ThriftWriter } from "./thrift_writer.ts";

/** A column of one row group. The columns of all row groups of a file have the same names and kinds, in one order. */
export type ParquetColumn =
  /** 32-bit integers; none is null. */
  | { readonly name: string; readonly kind: "int32"; readonly values: Int32Array }
  /** One 32-bit integer for all rows. */
  | { readonly name: string; readonly kind: "constant"; readonly value: number }
  /** Doubles; none is null. Integers are exact up to 2^53. */
  | { readonly name: string; readonly kind: "double"; readonly values: Float64Array }
  /** Doubles; NaN is null, and so are all where there are no values. */
  | { readonly name: string; readonly kind: "nullable double"; readonly values: Float64Array | null }
  /** 64-bit integers, from whole numbers up to 2^53; none is null. */
  | { readonly name: string; readonly kind: "int64"; readonly values: Float64Array }
  /** 64-bit integers; NaN is null, and so are all where there are no values. */
  | { readonly name: string; readonly kind: "nullable int64"; readonly values: Float64Array | null }
  /** Microseconds since 1970; none is null. */
  | { readonly name: string; readonly kind: "timestamp"; readonly values: Float64Array }
  /** Texts with repetitions: dictionary[ids[row]], or dictionary[0] for all rows where there are no ids. */
  | {
    readonly name: string;
    readonly kind: "dictionary";
    readonly dictionary: readonly string[];
    readonly ids: Uint32Array | null;
  }
  /** Spans of bytes, as UTF-8 text where `isText`; a negative start, or no spans at all, is null. */
  | { readonly name: string; readonly kind: "spans"; readonly isText: boolean; readonly spans: Spans | null };

/** The values bytes[starts[row], ends[row]) of a column. */
export interface Spans {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array | Uint32Array;
  readonly ends: Int32Array | Uint32Array;
}

/** How pages are stored: as they are, or by zstd (level 1, with its checksum) where they are long enough. */
export type Codec = "none" | "zstd";

/** What a footer says of one column chunk; positions are from the start of its row group. */
export interface ColumnChunk {
  readonly name: string;
  readonly physicalType: number;
  readonly convertedType: number | null;
  readonly isNullable: boolean;
  readonly codec: number;
  readonly encodings: readonly number[];
  readonly dictionaryOffset: number | null;
  readonly dataOffset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  /** Smallest and largest value in plain encoding, where readers may want to pass over the group by it. */
  readonly bounds: { readonly min: Uint8Array; readonly max: Uint8Array } | null;
}

/** Rows as the pages of all their columns, back to back: a file is some of these and a footer. */
export interface EncodedRowGroup {
  readonly rows: number;
  readonly bytes: Uint8Array;
  readonly chunks: readonly ColumnChunk[];
}

// Numbers of the format's enums.
const INT32 = 1;
const INT64 = 2;
const DOUBLE = 5;
const BYTE_ARRAY = 6;
const UTF8 = 0;
const TIMESTAMP_MICROS = 10;
const PLAIN = 0;
const RLE = 3;
const RLE_DICTIONARY = 8;
const UNCOMPRESSED = 0;
const ZSTD = 6;
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;

const PHYSICAL: Readonly<Record<ParquetColumn["kind"], number>> = {
  "int32": INT32,
  "constant": INT32,
  "double": DOUBLE,
  "nullable double": DOUBLE,
  "int64": INT64,
  "nullable int64": INT64,
  "timestamp": INT64,
  "dictionary": BYTE_ARRAY,
  "spans": BYTE_ARRAY,
};

/** Below it a call of zstd costs more time than it saves bytes (50 µs a call, mostly for its tables). */
const COMPRESS_FROM_BYTES = 512;
const ZSTD_PARAMETERS = {
  chunkSize: 65_536, // of what comes out: a quarter as many pieces as by default
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
};

const utf8 = new TextEncoder();

/** Encodes row groups, one at a time; its buffers are kept from one to the next. */
export class RowGroupEncoder {
  readonly #out = new ByteBuffer(1 << 18);
  readonly #page = new ByteBuffer(1 << 18);

  constructor(readonly codec: Codec = "none") {}

  /** The rows as a group whose bytes are a copy of their own. */
  encode(rows: number, columns: readonly ParquetColumn[]): EncodedRowGroup {
    this.#out.size = 0;
    const chunks = columns.map((column) => this.#columnChunk(rows, column));
    return { rows, bytes: this.#out.copy(), chunks };
  }

  #columnChunk(rows: number, column: ParquetColumn): ColumnChunk {
    const start = this.#out.size;
    const isDictionary = column.kind === "dictionary" || column.kind === "constant";
    // One codec for all pages of a chunk: a dictionary is compressed if its chunk is.
    const dictionary = isDictionary ? dictionaryPage(column) : null;
    this.#page.size = 0;
    fillPage(this.#page, rows, column);
    const isCompressed = this.codec === "zstd" &&
      this.#page.size + (dictionary?.bytes.length ?? 0) >= COMPRESS_FROM_BYTES;
    let plainBytes = 0;
    if (dictionary !== null) {
      plainBytes += this.#writePage(DICTIONARY_PAGE, dictionary.values, PLAIN, dictionary.bytes, isCompressed);
    }
    const dataOffset = this.#out.size;
    const page = this.#page.bytes.subarray(0, this.#page.size);
    plainBytes += this.#writePage(DATA_PAGE, rows, isDictionary ? RLE_DICTIONARY : PLAIN, page, isCompressed);
    return {
      name: column.name,
      physicalType: PHYSICAL[column.kind],
      convertedType: convertedType(column),
      isNullable: column.kind === "nullable double" || column.kind === "nullable int64" || column.kind === "spans",
      codec: isCompressed ? ZSTD : UNCOMPRESSED,
      encodings: isDictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE],
      dictionaryOffset: isDictionary ? start : null,
      dataOffset,
      storedBytes: this.#out.size - start,
      plainBytes,
      bounds: boundsOf(rows, column),
    };
  }

  /** Answers the size of the page before compression, its header included. */
  #writePage(type: number, values: number, encoding: number, page: Uint8Array, isCompressed: boolean): number {
    const stored = isCompressed ? zstdCompressSync(page, ZSTD_PARAMETERS) : page;
    const header = new ThriftWriter();
    header.i32(1, type);
    header.i32(2, page.length);
    header.i32(3, stored.length);
    header.struct(type === DATA_PAGE ? 5 : 7, () => {
      header.i32(1, values);
      header.i32(2, encoding);
      if (type !== DATA_PAGE) return;
      header.i32(3, RLE); // of the definition levels
      header.i32(4, RLE);
    });
    const head = header.end();
    this.#out.append(head);
    this.#out.append(stored);
    return head.length + page.length;
  }
}

function convertedType(column: ParquetColumn): number | null {
  if (column.kind === "timestamp") return TIMESTAMP_MICROS;
  return column.kind === "dictionary" || (column.kind === "spans" && column.isText) ? UTF8 : null;
}

function dictionaryPage(
  column: Extract<ParquetColumn, { kind: "dictionary" | "constant" }>,
): { values: number; bytes: Uint8Array } {
  if (column.kind === "constant") return { values: 1, bytes: bytesOf(Int32Array.of(column.value), 1) };
  const page = new ByteBuffer(1024);
  for (const text of column.dictionary) {
    const bytes = utf8.encode(text);
    page.uint32(bytes.length);
    page.append(bytes);
  }
  return { values: column.dictionary.length, bytes: page.copy() };
}

/** Bounds of whole numbers, and of a text that is the same in all rows: what files are pruned by. */
function boundsOf(rows: number, column: ParquetColumn): ColumnChunk["bounds"] {
  if (rows === 0) return null;
  switch (column.kind) {
    case "constant":
      return bounds(bytesOf(Int32Array.of(column.value), 1));
    case "dictionary":
      return column.ids === null ? bounds(utf8.encode(column.dictionary[0])) : null;
    case "int64":
    case "timestamp": {
      let min = Infinity;
      let max = -Infinity;
      for (let row = 0; row < rows; row++) {
        const value = column.values[row];
        if (!Number.isSafeInteger(value)) throw new RangeError(`${value} in column ${column.name} is no whole number`);
        if (value < min) min = value;
        if (value > max) max = value;
      }
      return bounds(int64Bytes(min), int64Bytes(max));
    }
    default:
      return null;
  }
}

const bounds = (min: Uint8Array, max = min) => ({ min, max });

function int64Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
  return bytes;
}

function fillPage(page: ByteBuffer, rows: number, column: ParquetColumn): void {
  switch (column.kind) {
    case "int32":
    case "double":
      return page.append(bytesOf(column.values, rows));
    case "int64":
    case "timestamp":
      return fillInt64(page, column.values, rows);
    case "nullable double":
    case "nullable int64":
      return fillNullable(page, rows, column.values, column.kind === "nullable int64");
    case "constant":
      return fillIds(page, rows, null, 1);
    case "dictionary":
      return fillIds(page, rows, column.ids, column.dictionary.length);
    case "spans":
      return fillSpans(page, rows, column.spans);
  }
}

/** A typed array's own bytes: Parquet is little-endian, as is every machine that Deno runs on. */
function bytesOf(values: Int32Array | Float64Array, length: number): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, length * values.BYTES_PER_ELEMENT);
}

const TWO_32 = 2 ** 32;

/** Whole numbers as 64-bit integers, in two halves: no BigInt a value, and no array a column. */
function fillInt64(page: ByteBuffer, values: Float64Array, count: number): void {
  page.reserve(count * 8);
  const { bytes } = page;
  let at = page.size;
  for (let i = 0; i < count; i++, at += 8) {
    const value = values[i];
    const high = Math.floor(value / TWO_32);
    putUint32(bytes, at, value - high * TWO_32);
    putUint32(bytes, at + 4, high);
  }
  page.size = at;
}

/** Reserves the definition levels (one bit a row, 1 for a value) and answers where their bits begin. */
function reserveLevels(page: ByteBuffer, rows: number): number {
  const groups = Math.ceil(rows / 8);
  const lengthAt = page.size;
  page.uint32(0);
  page.varint(groups << 1 | 1); // one bit-packed run of groups of eight
  const bitsAt = page.size;
  page.reserve(groups);
  page.bytes.fill(0, bitsAt, bitsAt + groups);
  page.size += groups;
  putUint32(page.bytes, lengthAt, page.size - lengthAt - 4);
  return bitsAt;
}

/** The definition levels of a column that is null in all rows: one run of zeros. */
function fillNulls(page: ByteBuffer, rows: number): void {
  const lengthAt = page.size;
  page.uint32(0);
  page.varint(rows * 2);
  page.append(Uint8Array.of(0));
  putUint32(page.bytes, lengthAt, page.size - lengthAt - 4);
}

function fillNullable(page: ByteBuffer, rows: number, values: Float64Array | null, isInteger: boolean): void {
  if (values === null) return fillNulls(page, rows);
  const bitsAt = reserveLevels(page, rows);
  const present = new Float64Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row];
    if (value !== value) continue;
    present[count++] = value;
    page.bytes[bitsAt + (row >>> 3)] |= 1 << (row & 7);
  }
  if (isInteger) fillInt64(page, present, count);
  else page.append(bytesOf(present, count));
}

/** Ids as one bit-packed run of 8, 16 or 32 bits each: then the packing is plain little-endian. */
function fillIds(page: ByteBuffer, rows: number, ids: Uint32Array | null, size: number): void {
  const width = size <= 1 << 8 ? 1 : size <= 1 << 16 ? 2 : 4;
  if (ids === null) { // one run of the same id
    page.append(Uint8Array.of(8));
    page.varint(rows * 2);
    page.append(Uint8Array.of(0));
    return;
  }
  const groups = Math.ceil(rows / 8);
  page.append(Uint8Array.of(width * 8));
  page.varint(groups << 1 | 1);
  const bytes = groups * 8 * width;
  page.reserve(bytes);
  const at = page.size;
  page.bytes.fill(0, at + rows * width, at + bytes);
  for (let row = 0; row < rows; row++) {
    const id = ids[row];
    const to = at + row * width;
    page.bytes[to] = id;
    if (width > 1) page.bytes[to + 1] = id >>> 8;
    if (width > 2) {
      page.bytes[to + 2] = id >>> 16;
      page.bytes[to + 3] = id >>> 24;
    }
  }
  page.size += bytes;
}

/** Short spans are copied byte by byte: a subarray and set() cost more than their bytes. */
const SHORT_BYTES = 24;

function fillSpans(page: ByteBuffer, rows: number, spans: Spans | null): void {
  if (spans === null) return fillNulls(page, rows);
  const bitsAt = reserveLevels(page, rows);
  const { bytes, starts, ends } = spans;
  for (let row = 0; row < rows; row++) {
    const start = starts[row];
    if (start < 0) continue;
    const end = ends[row];
    const length = end - start;
    page.reserve(length + 4);
    const out = page.bytes;
    out[bitsAt + (row >>> 3)] |= 1 << (row & 7);
    putUint32(out, page.size, length);
    let to = page.size + 4;
    if (length <= SHORT_BYTES) { for (let at = start; at < end; at++) out[to++] = bytes[at]; }
    else out.set(bytes.subarray(start, end), to);
    page.size += 4 + length;
  }
}
