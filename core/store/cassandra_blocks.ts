/** Blocks of events and quarantined records as bytes in Cassandra, and what a unit says of those that it has committed. */
import { z } from "zod";
import type { ColumnChunk } from "../parquet/encoder.ts";
import type { RecordBlock } from "./record_blocks.ts";
import type { RecordTable } from "./segment_catalog.ts";

/** Cassandra's values should stay well below its 16 MiB. */
export const CHUNK_BYTES = 1_048_576;

/** What is committed of a block. */
export interface BlockEntry {
  readonly table: RecordTable;
  readonly id: string;
  readonly chunks: number;
  readonly rows: number;
  readonly bytes: number;
  readonly firstMicros: number;
  readonly lastMicros: number;
  readonly lastRecordMs: number;
}

const entrySchema = z.object({
  chunks: z.int(),
  rows: z.int(),
  bytes: z.int(),
  firstMicros: z.number(),
  lastMicros: z.number(),
  lastRecordMs: z.number(),
});

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeEntry({ table: _table, id: _id, ...rest }: BlockEntry): Uint8Array {
  return encoder.encode(JSON.stringify(rest));
}

export function decodeEntry(table: RecordTable, id: string, data: Uint8Array): BlockEntry {
  return { table, id, ...entrySchema.parse(JSON.parse(decoder.decode(data))) };
}

/** The footer's facts of a block, in front of its row group: what a Parquet file of several blocks is made of. */
const headSchema = z.object({
  rows: z.int(),
  chunks: z.array(z.object({
    name: z.string(),
    physicalType: z.int(),
    convertedType: z.int().nullable(),
    isNullable: z.boolean(),
    codec: z.int(),
    encodings: z.array(z.int()),
    dictionaryOffset: z.int().nullable(),
    dataOffset: z.int(),
    storedBytes: z.int(),
    plainBytes: z.int(),
    bounds: z.object({ min: z.string(), max: z.string() }).nullable(),
  })),
});

/** Length of the head (u32), the head as JSON, the row group's bytes: cut into chunks. */
export function encodeBlock({ group }: RecordBlock): Uint8Array[] {
  const chunks = group.chunks.map(({ bounds, ...chunk }) => ({
    ...chunk,
    bounds: bounds === null ? null : { min: bounds.min.toBase64(), max: bounds.max.toBase64() },
  }));
  const head = encoder.encode(JSON.stringify({ rows: group.rows, chunks }));
  const bytes = new Uint8Array(4 + head.length + group.bytes.length);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  bytes.set(group.bytes, 4 + head.length);
  const count = Math.ceil(bytes.length / CHUNK_BYTES);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
}

export function decodeBlock(
  entry: Pick<BlockEntry, "firstMicros" | "lastMicros" | "lastRecordMs">,
  parts: readonly Uint8Array[],
): RecordBlock {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const headLength = new DataView(bytes.buffer).getUint32(0, true);
  const head = headSchema.parse(JSON.parse(decoder.decode(bytes.subarray(4, 4 + headLength))));
  const chunks = head.chunks.map(({ bounds, ...chunk }): ColumnChunk => ({
    ...chunk,
    bounds: bounds === null ? null : { min: Uint8Array.fromBase64(bounds.min), max: Uint8Array.fromBase64(bounds.max) },
  }));
  const { firstMicros, lastMicros, lastRecordMs } = entry;
  const group = { rows: head.rows, bytes: bytes.subarray(4 + headLength), chunks };
  return { group, firstMicros, lastMicros, lastRecordMs };
}
