/**
 * Parquet files of one schema as one: their row groups follow each other as they are, and one footer names them all.
 * DuckDB holds a row group in memory until it is complete; a file per group lets each be as small as its rows ask for.
 */
import { writeAll } from "../durable_file.ts";
import { parseStruct, StructBytes, type ThriftField } from "./thrift_struct.ts";

const MAGIC = new TextEncoder().encode("PAR1");
/** Length of the footer and magic. */
const TAIL_BYTES = 8;

/** Numbers of the fields in the structs of Parquet's footer. */
const FILE = { schema: 2, rows: 3, rowGroups: 4 } as const;
const ROW_GROUP = { columns: 1, rows: 3, fileOffset: 5, ordinal: 7 } as const;
const COLUMN_CHUNK = { fileOffset: 2, metaData: 3, offsetIndex: 4, columnIndex: 6 } as const;
const COLUMN_METADATA = { dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14 } as const;

const I64 = 6;

/** Some of a file's row groups, which follow each other. */
export interface GroupRange {
  readonly first: number;
  readonly count: number;
}

/** Where the pages of row groups are in their file: between these positions. */
export interface ParquetBody {
  readonly start: number;
  readonly end: number;
}

/** Takes the footers of files in turn, and answers the one of them all. */
export class ParquetMerger {
  #first: readonly ThriftField[] | null = null;
  #rows = 0n;
  readonly #groups: Uint8Array[] = [];
  #position = MAGIC.length;

  /** Row groups so far. */
  get groups(): number {
    return this.#groups.length;
  }

  /** What the merged file begins with. */
  get head(): Uint8Array {
    return MAGIC;
  }

  /**
   * Reads a file's footer, and answers which of its bytes come next in the merged file: those of `range`, or of all its row
   * groups. Throws RangeError where it is no Parquet file, or has no such groups.
   */
  async add(file: Deno.FsFile, range?: GroupRange): Promise<ParquetBody> {
    const footer = await readFooter(file);
    const { first, count } = range ?? { first: 0, count: footer.groups.length };
    const groups = footer.groups.slice(first, first + count);
    if (groups.length !== count) throw new RangeError(`the file has ${footer.groups.length} row groups`);
    const start = range === undefined ? MAGIC.length : startOf(groups[0]);
    const end = first + count === footer.groups.length ? footer.start : startOf(footer.groups[first + count]);
    const shift = BigInt(this.#position - start);
    for (const group of groups) {
      this.#groups.push(encoded(shiftRowGroup(group, shift)));
      this.#rows += integerOf(group, ROW_GROUP.rows);
    }
    this.#first ??= footer.fields;
    this.#position += end - start;
    return { start, end };
  }

  /** What the merged file ends with. */
  end(): Uint8Array {
    const fields = this.#first ?? [];
    const out = new StructBytes();
    for (const field of fields) {
      if (field.id === FILE.rows) out.field({ id: field.id, type: I64, value: this.#rows });
      else if (field.id === FILE.rowGroups) out.structs(field.id, this.#groups);
      else out.field(field);
    }
    const footer = out.end();
    const bytes = new Uint8Array(footer.length + TAIL_BYTES);
    bytes.set(footer);
    new DataView(bytes.buffer).setUint32(footer.length, footer.length, true);
    bytes.set(MAGIC, footer.length + 4);
    return bytes;
  }
}

type Fields = readonly ThriftField[];

interface Footer {
  readonly fields: Fields;
  readonly groups: readonly Fields[];
  /** Where it begins in its file. */
  readonly start: number;
}

async function readFooter(file: Deno.FsFile): Promise<Footer> {
  const { bytes, start } = await readFooterBytes(file);
  const fields = parseStruct(bytes);
  return { fields, groups: structsOf(fields, FILE.rowGroups), start };
}

async function readFooterBytes(file: Deno.FsFile): Promise<{ readonly bytes: Uint8Array; readonly start: number }> {
  const { size } = await file.stat();
  const tail = await readAt(file, size - TAIL_BYTES, TAIL_BYTES);
  if (MAGIC.some((byte, i) => tail[4 + i] !== byte)) throw new RangeError("the file does not end like Parquet");
  const length = new DataView(tail.buffer).getUint32(0, true);
  const start = size - TAIL_BYTES - length;
  return { bytes: await readAt(file, start, length), start };
}

/** Where the first page of a row group begins in its file. */
function startOf(group: Fields): number {
  const positions = structsOf(group, ROW_GROUP.columns).flatMap((column) => {
    const metaData = fieldsOf(column.find(({ id }) => id === COLUMN_CHUNK.metaData)?.value ?? false);
    return metaData.filter(({ id, value }) =>
      (id === COLUMN_METADATA.dataPage || id === COLUMN_METADATA.dictionaryPage) && value !== 0n
    ).map(({ value }) => Number(value));
  });
  return Math.min(...positions);
}

/** Whether all files have the same columns, stored in the same way: only then can they be concatenated. */
export async function haveSameColumns(paths: readonly string[]): Promise<boolean> {
  let first: string | null = null;
  for (const path of paths) {
    using file = await Deno.open(path, { read: true });
    const fields = parseStruct((await readFooterBytes(file)).bytes, FILE.schema); // its row groups are most of it
    const columns = encoded(fields.filter(({ id }) => id === FILE.schema)).toHex();
    first ??= columns;
    if (columns !== first || fields.every(({ id }) => id !== FILE.schema)) return false;
  }
  return true;
}

/** How many row groups a file has. */
export async function countRowGroups(path: string): Promise<number> {
  using file = await Deno.open(path, { read: true });
  return (await readFooter(file)).groups.length;
}

/** Rows and row groups of a file. */
export async function countRows(path: string): Promise<{ readonly rows: number; readonly groups: number }> {
  using file = await Deno.open(path, { read: true });
  const { fields, groups } = await readFooter(file);
  return { rows: Number(integerOf(fields, FILE.rows)), groups: groups.length };
}

/** Row groups of a file. */
export interface FileGroups extends GroupRange {
  readonly path: string;
}

const CHUNK_BYTES = 256 * 1024;

/**
 * Writes row groups of files, which have the same columns, to one file: byte for byte, no value is read. Answers how many they
 * are.
 */
export async function concatenateFiles(inputs: readonly FileGroups[], output: string): Promise<number> {
  const merger = new ParquetMerger();
  using out = await Deno.open(output, { write: true, create: true, truncate: true });
  await writeAll(out, merger.head);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (const { path, ...range } of inputs) {
    using file = await Deno.open(path, { read: true });
    const { start, end } = await merger.add(file, range);
    await file.seek(start, Deno.SeekMode.Start);
    for (let left = end - start; left > 0;) {
      const read = await file.read(chunk.subarray(0, Math.min(CHUNK_BYTES, left)));
      if (read === null) throw new RangeError(`${path} ended before its footer`);
      await writeAll(out, chunk.subarray(0, read));
      left -= read;
    }
  }
  await writeAll(out, merger.end());
  return merger.groups;
}

function encoded(fields: Fields): Uint8Array {
  const out = new StructBytes();
  for (const field of fields) out.field(field);
  return out.end();
}

function integerOf(fields: Fields, id: number): bigint {
  const value = fields.find((field) => field.id === id)?.value;
  if (typeof value !== "bigint") throw new RangeError(`field ${id} of the footer is no integer`);
  return value;
}

function structsOf(fields: Fields, id: number): readonly Fields[] {
  const value = fields.find((field) => field.id === id)?.value;
  if (typeof value !== "object" || !("elements" in value)) throw new RangeError(`field ${id} of the footer is no list`);
  return value.elements.map(fieldsOf);
}

function fieldsOf(value: ThriftField["value"]): Fields {
  if (typeof value !== "object" || !("fields" in value)) throw new RangeError("expected a struct in the footer");
  return value.fields;
}

/** Moves all positions; the group's number within its file is left out, as it may be. */
function shiftRowGroup(group: Fields, shift: bigint): Fields {
  return group.filter(({ id }) => id !== ROW_GROUP.ordinal).map((field) => {
    if (field.id === ROW_GROUP.fileOffset) return moved(field, shift);
    if (field.id !== ROW_GROUP.columns) return field;
    const columns = structsOf(group, ROW_GROUP.columns).map((column) => ({ fields: shiftColumn(column, shift) }));
    return { ...field, value: { elementType: 12, elements: columns } };
  });
}

function shiftColumn(column: Fields, shift: bigint): Fields {
  return column.map((field) => {
    switch (field.id) {
      case COLUMN_CHUNK.fileOffset:
      case COLUMN_CHUNK.offsetIndex:
      case COLUMN_CHUNK.columnIndex:
        return moved(field, shift);
      case COLUMN_CHUNK.metaData:
        return { ...field, value: { fields: fieldsOf(field.value).map((of) => shiftMetaData(of, shift)) } };
      default:
        return field;
    }
  });
}

function shiftMetaData(field: ThriftField, shift: bigint): ThriftField {
  const positions: readonly number[] = Object.values(COLUMN_METADATA);
  return positions.includes(field.id) ? moved(field, shift) : field;
}

/** 0 stands for none where a writer sets the field all the same. */
function moved(field: ThriftField, shift: bigint): ThriftField {
  if (typeof field.value !== "bigint") throw new RangeError(`field ${field.id} of the footer is no position`);
  return field.value === 0n ? field : { ...field, value: field.value + shift };
}

async function readAt(file: Deno.FsFile, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  if (position < 0) throw new RangeError("the file is too short for Parquet");
  await file.seek(position, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const read = await file.read(bytes.subarray(at));
    if (read === null) throw new RangeError("the file ended before its footer");
    at += read;
  }
  return bytes;
}
