/**
 * Columns of typed arrays and spans of bytes, as they come from the engine, as a Parquet file: no value becomes a
 * JavaScript string or object on the way (docs/adr/007). Only what our own flushes need: flat columns, plain and
 * dictionary encodings, no compression, one page a column and row group.
 * Format: https://parquet.apache.org/docs/file-format/
 */
import { ThriftWriter } from "./parquet_thrift.ts";

/** A column of one row group. The columns of all row groups of a file have the same names and kinds, in one order. */
export type ParquetColumn =
  /** 32-bit integers; none is null. */
  | { readonly name: string; readonly kind: "int32"; readonly values: Int32Array }
  /** Doubles; none is null. Integers are exact up to 2^53. */
  | { readonly name: string; readonly kind: "double"; readonly values: Float64Array }
  /** Doubles; NaN is null, and so are all where there are no values. */
  | { readonly name: string; readonly kind: "nullable double"; readonly values: Float64Array | null }
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

const MAGIC = new TextEncoder().encode("PAR1");
// Numbers of the format's enums.
const TYPE = { int32: 1, double: 5, "nullable double": 5, dictionary: 6, spans: 6 } as const;
const PLAIN = 0;
const RLE = 3;
const RLE_DICTIONARY = 8;
const REQUIRED = 0;
const OPTIONAL = 1;
const UTF8 = 0;
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;

interface ColumnChunk {
  readonly column: ParquetColumn;
  readonly dictionaryOffset: number | null;
  readonly dataOffset: number;
  readonly bytes: number;
}

interface RowGroup {
  readonly rows: number;
  readonly chunks: readonly ColumnChunk[];
}

/** Bytes that grow by doubling, and are kept from file to file. */
class Buffer {
  bytes = new Uint8Array(1 << 20);
  size = 0;

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
}

function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Encodes files one after the other: {@link begin}, {@link rowGroup} for each group of rows, {@link end}. */
export class ParquetEncoder {
  readonly #out = new Buffer();
  readonly #page = new Buffer();
  #groups: RowGroup[] = [];
  /** Where in the file #out begins. */
  #offset = 0;

  /** Begins a file. Like all three, it answers bytes to write that are valid until the next call. */
  begin(): Uint8Array {
    this.#groups = [];
    this.#offset = 0;
    this.#out.size = 0;
    this.#out.append(MAGIC);
    return this.#take();
  }

  rowGroup(rows: number, columns: readonly ParquetColumn[]): Uint8Array {
    this.#groups.push({ rows, chunks: columns.map((column) => this.#columnChunk(rows, column)) });
    return this.#take();
  }

  /** The footer. A file needs at least one row group. */
  end(): Uint8Array {
    const footer = footerOf(this.#groups);
    this.#out.append(footer);
    this.#out.uint32(footer.length);
    this.#out.append(MAGIC);
    return this.#take();
  }

  #take(): Uint8Array {
    const bytes = this.#out.bytes.subarray(0, this.#out.size);
    this.#offset += this.#out.size;
    this.#out.size = 0;
    return bytes;
  }

  #columnChunk(rows: number, column: ParquetColumn): ColumnChunk {
    const start = this.#offset + this.#out.size;
    let dictionaryOffset: number | null = null;
    if (column.kind === "dictionary") {
      dictionaryOffset = start;
      this.#dictionaryPage(column.dictionary);
    }
    const dataOffset = this.#offset + this.#out.size;
    this.#page.size = 0;
    fillPage(this.#page, rows, column);
    this.#writePage(DATA_PAGE, rows, column.kind === "dictionary" ? RLE_DICTIONARY : PLAIN);
    return { column, dictionaryOffset, dataOffset, bytes: this.#offset + this.#out.size - start };
  }

  #dictionaryPage(dictionary: readonly string[]): void {
    this.#page.size = 0;
    const utf8 = new TextEncoder();
    for (const text of dictionary) {
      const bytes = utf8.encode(text);
      this.#page.uint32(bytes.length);
      this.#page.append(bytes);
    }
    this.#writePage(DICTIONARY_PAGE, dictionary.length, PLAIN);
  }

  #writePage(type: number, values: number, encoding: number): void {
    const header = new ThriftWriter();
    header.i32(1, type);
    header.i32(2, this.#page.size);
    header.i32(3, this.#page.size);
    header.struct(type === DATA_PAGE ? 5 : 7, () => {
      header.i32(1, values);
      header.i32(2, encoding);
      if (type !== DATA_PAGE) return;
      header.i32(3, RLE); // of the definition levels
      header.i32(4, RLE);
    });
    this.#out.append(header.end());
    this.#out.append(this.#page.bytes.subarray(0, this.#page.size));
  }
}

function fillPage(page: Buffer, rows: number, column: ParquetColumn): void {
  switch (column.kind) {
    case "int32":
    case "double":
      return page.append(bytesOf(column.values, rows));
    case "nullable double":
      return fillNullable(page, rows, column.values);
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

/** Reserves the definition levels (one bit a row, 1 for a value) and answers where their bits begin. */
function reserveLevels(page: Buffer, rows: number): number {
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

function fillNullable(page: Buffer, rows: number, values: Float64Array | null): void {
  const bitsAt = reserveLevels(page, rows);
  if (values === null) return;
  const present = new Float64Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const value = values[row];
    if (value !== value) continue;
    present[count++] = value;
    page.bytes[bitsAt + (row >>> 3)] |= 1 << (row & 7);
  }
  page.append(bytesOf(present, count));
}

/** Ids as one bit-packed run of 8, 16 or 32 bits each: then the packing is plain little-endian. */
function fillIds(page: Buffer, rows: number, ids: Uint32Array | null, size: number): void {
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

function fillSpans(page: Buffer, rows: number, spans: Spans | null): void {
  const bitsAt = reserveLevels(page, rows);
  if (spans === null) return;
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

function footerOf(groups: readonly RowGroup[]): Uint8Array {
  const columns = groups[0].chunks.map(({ column }) => column);
  const writer = new ThriftWriter();
  writer.i32(1, 1); // version of the format
  writer.structs(2, [null, ...columns], (column) => {
    if (column === null) { // the root
      writer.text(4, "rows");
      writer.i32(5, columns.length);
      return;
    }
    writer.i32(1, TYPE[column.kind]);
    writer.i32(3, column.kind === "nullable double" || column.kind === "spans" ? OPTIONAL : REQUIRED);
    writer.text(4, column.name);
    if (column.kind === "dictionary" || (column.kind === "spans" && column.isText)) writer.i32(6, UTF8);
  });
  writer.i64(3, groups.reduce((sum, { rows }) => sum + rows, 0));
  writer.structs(4, groups, ({ rows, chunks }) => {
    writer.structs(1, chunks, ({ column, dictionaryOffset, dataOffset, bytes }) => {
      writer.i64(2, dictionaryOffset ?? dataOffset);
      writer.struct(3, () => {
        writer.i32(1, TYPE[column.kind]);
        writer.i32s(2, column.kind === "dictionary" ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE]);
        writer.texts(3, [column.name]);
        writer.i32(4, 0); // not compressed
        writer.i64(5, rows);
        writer.i64(6, bytes);
        writer.i64(7, bytes);
        writer.i64(9, dataOffset);
        if (dictionaryOffset !== null) writer.i64(11, dictionaryOffset);
      });
    });
    writer.i64(2, chunks.reduce((sum, { bytes }) => sum + bytes, 0));
    writer.i64(3, rows);
  });
  return writer.end();
}
