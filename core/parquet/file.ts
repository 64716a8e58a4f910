/** Encoded row groups as a Parquet file. */
import { writeAll } from "../durable_file.ts";
import { putUint32 } from "./byte_buffer.ts";
import type { EncodedRowGroup } from "./encoder.ts";
import { ThriftWriter } from "./thrift_writer.ts";

const MAGIC = new TextEncoder().encode("PAR1");
const REQUIRED = 0;
const OPTIONAL = 1;

/** The file's bytes in the order in which they are written. At least one group; all have the same columns. */
export function* fileParts(groups: readonly EncodedRowGroup[]): Generator<Uint8Array> {
  yield MAGIC;
  for (const { bytes } of groups) yield bytes;
  const footer = footerOf(groups);
  yield footer;
  const tail = new Uint8Array(8);
  putUint32(tail, 0, footer.length);
  tail.set(MAGIC, 4);
  yield tail;
}

function footerOf(groups: readonly EncodedRowGroup[]): Uint8Array {
  const { chunks: columns } = groups[0];
  let start = MAGIC.length;
  const placed = groups.map((group) => {
    const at = start;
    start += group.bytes.length;
    return { ...group, start: at };
  });
  const writer = new ThriftWriter();
  writer.i32(1, 1); // version of the format
  writer.structs(2, [null, ...columns], (column) => {
    if (column === null) { // the root
      writer.text(4, "rows");
      writer.i32(5, columns.length);
      return;
    }
    writer.i32(1, column.physicalType);
    writer.i32(3, column.isNullable ? OPTIONAL : REQUIRED);
    writer.text(4, column.name);
    if (column.convertedType !== null) writer.i32(6, column.convertedType);
  });
  writer.i64(3, groups.reduce((sum, { rows }) => sum + rows, 0));
  writer.structs(4, placed, ({ rows, chunks, bytes, start }) => {
    writer.structs(1, chunks, (chunk) => {
      writer.i64(2, start + (chunk.dictionaryOffset ?? chunk.dataOffset));
      writer.struct(3, () => {
        writer.i32(1, chunk.physicalType);
        writer.i32s(2, chunk.encodings);
        writer.texts(3, [chunk.name]);
        writer.i32(4, chunk.codec);
        writer.i64(5, rows);
        writer.i64(6, chunk.plainBytes);
        writer.i64(7, chunk.storedBytes);
        writer.i64(9, start + chunk.dataOffset);
        if (chunk.dictionaryOffset !== null) writer.i64(11, start + chunk.dictionaryOffset);
        const { bounds } = chunk;
        if (bounds === null) return;
        writer.struct(12, () => {
          writer.i64(3, 0); // nulls
          writer.bytes(5, bounds.max);
          writer.bytes(6, bounds.min);
        });
      });
    });
    writer.i64(2, bytes.length);
    writer.i64(3, rows);
  });
  // Bounds are in the order of the columns' types: readers pass over bounds of no known order.
  writer.structs(7, columns, () => writer.struct(1, () => {}));
  return writer.end();
}

/** Writes the groups as a file, and answers its size. The caller removes what a failure leaves. */
export async function writeParquetFile(
  path: string,
  groups: readonly EncodedRowGroup[],
  { isDurable }: { isDurable: boolean },
): Promise<number> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  let size = 0;
  for (const part of fileParts(groups)) {
    await writeAll(file, part);
    size += part.length;
  }
  if (isDurable) await file.syncData();
  return size;
}
