/**
 * Parquet files of one schema as one: their row groups follow each other as they are, and one footer names them all.
 * DuckDB holds a row group in memory until it is complete; a file per group lets each be as small as its rows ask for.
 */
import { parseStruct, StructBytes, type ThriftField } from "./thrift_struct.ts";

const MAGIC = new TextEncoder().encode("PAR1");
/** Length of the footer and magic. */
const TAIL_BYTES = 8;

/** Numbers of the fields in the structs of Parquet's footer. */
const FILE = { rows: 3, rowGroups: 4 } as const;
const ROW_GROUP = { columns: 1, fileOffset: 5, ordinal: 7 } as const;
const COLUMN_CHUNK = { fileOffset: 2, metaData: 3, offsetIndex: 4, columnIndex: 6 } as const;
const COLUMN_METADATA = { dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14 } as const;

const I64 = 6;

/** Where the pages of a file are: between these positions. */
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

  /** What the merged file begins with. */
  get head(): Uint8Array {
    return MAGIC;
  }

  /**
   * Reads a file's footer, and answers which of its bytes come next in the merged file. Throws RangeError where it is no
   * Parquet file.
   */
  async add(file: Deno.FsFile): Promise<ParquetBody> {
    const { size } = await file.stat();
    const tail = await readAt(file, size - TAIL_BYTES, TAIL_BYTES);
    if (MAGIC.some((byte, i) => tail[4 + i] !== byte)) throw new RangeError("the file does not end like Parquet");
    const length = new DataView(tail.buffer).getUint32(0, true);
    const body = { start: MAGIC.length, end: size - TAIL_BYTES - length };
    const fields = parseStruct(await readAt(file, body.end, length));
    const shift = BigInt(this.#position - body.start);
    for (const group of structsOf(fields, FILE.rowGroups)) this.#groups.push(encoded(shiftRowGroup(group, shift)));
    this.#rows += integerOf(fields, FILE.rows);
    this.#first ??= fields;
    this.#position += body.end - body.start;
    return body;
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
