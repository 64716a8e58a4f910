import { expect } from "expect";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { lz4Compress, snappyCompress } from "@platformatic/wasm-utils";
import {
  BatchHeader,
  CorruptBatch,
  isCrcValid,
  readBatchHeader,
  RecordBatchBuilder,
  RecordWalker,
  setBaseOffset,
} from "./record_batch.ts";
import { batchOf, recordsOf } from "./test_batches.ts";

const encoder = new TextEncoder();

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.trim().split(/\s+/), (byte) => parseInt(byte, 16));
}

// Written by hand after the format's specification; its checksum by a bitwise CRC32C in another language.
const TWO_RECORDS = fromHex(`
  00 00 00 00 00 00 00 00  00 00 00 42  ff ff ff ff  02  47 ce 99 22  00 00  00 00 00 01
  00 00 00 00 00 00 03 e8  00 00 00 00 00 00 03 e8
  ff ff ff ff ff ff ff ff  ff ff  ff ff ff ff  00 00 00 02
  10 00 00 00 01 04 68 69 00
  0e 00 01 02 02 6b 00 00`);

/** The same batch with other records (say, compressed) and attributes. */
function withRecords(batch: Uint8Array, records: Uint8Array, attributes: number): Uint8Array {
  const bytes = new Uint8Array(61 + records.length);
  bytes.set(batch.subarray(0, 61));
  bytes.set(records, 61);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  view.setInt16(21, attributes);
  return bytes;
}

Deno.test("a batch is written byte for byte as the format says", () => {
  const builder = new RecordBatchBuilder();
  builder.add(encoder.encode("hi"), 1000);
  builder.add(new Uint8Array(0), 999, encoder.encode("k"));
  expect(builder.finish()).toEqual({ bytes: TWO_RECORDS, records: 2 });
});

Deno.test("a batch is read as the format says", () => {
  const header = new BatchHeader();
  expect(readBatchHeader(TWO_RECORDS, 0, header)).toBe(78);
  expect(header).toMatchObject({
    baseOffset: 0,
    batchLength: 66,
    magic: 2,
    crc: 0x47ce9922,
    lastOffsetDelta: 1,
    baseTimestampMs: 1000,
    maxTimestampMs: 1000,
    producerId: -1,
    recordCount: 2,
    isControl: false,
    isTransactional: false,
    codec: 0,
  });
  expect(isCrcValid(TWO_RECORDS, 0, 78)).toBe(true);
  expect(recordsOf(TWO_RECORDS)).toEqual([
    { offset: 0, timestampMs: 1000, key: null, value: encoder.encode("hi") },
    { offset: 1, timestampMs: 999, key: encoder.encode("k"), value: new Uint8Array(0) },
  ]);
});

Deno.test("the base offset can be set without touching the checksum, up to 2^53", () => {
  const bytes = TWO_RECORDS.slice();
  setBaseOffset(bytes, Number.MAX_SAFE_INTEGER - 1);
  expect(isCrcValid(bytes, 0, bytes.length)).toBe(true);
  expect(recordsOf(bytes).map((record) => record.offset)).toEqual([
    Number.MAX_SAFE_INTEGER - 1,
    Number.MAX_SAFE_INTEGER,
  ]);
});

Deno.test("a full builder refuses a record and takes it after finish", () => {
  const builder = new RecordBatchBuilder(200);
  const value = new Uint8Array(60);
  expect([builder.add(value, 1), builder.add(value, 2), builder.add(value, 3)]).toEqual([true, true, false]);
  expect(builder.sizeBytes).toBeLessThanOrEqual(200);
  expect(builder.finish().records).toBe(2);
  expect(builder.records).toBe(0);
  expect(builder.add(value, 3)).toBe(true);
  expect(recordsOf(builder.finish().bytes).map((record) => record.timestampMs)).toEqual([3]);
});

Deno.test("a single record larger than the limit is taken into an empty builder only", () => {
  const builder = new RecordBatchBuilder(1000);
  const large = new Uint8Array(5000).fill(7);
  builder.add(new Uint8Array(1), 1);
  expect(builder.add(large, 2)).toBe(false);
  builder.finish();
  expect(builder.add(large, 2)).toBe(true);
  expect(recordsOf(builder.finish().bytes)[0].value).toEqual(large);
});

Deno.test("a part of a buffer can be a record's value", () => {
  const builder = new RecordBatchBuilder();
  builder.add(encoder.encode("one two three"), 1, null, 4, 7);
  expect(recordsOf(builder.finish().bytes)[0].value).toEqual(encoder.encode("two"));
});

Deno.test("a record that is written in place makes the same bytes as one that is copied", () => {
  const lengths = fc.oneof(fc.nat(70), fc.constantFrom(8_180, 8_190, 8_191, 8_192, 9_000));
  const times = fc.oneof(fc.nat(20_000), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }));
  fc.assert(fc.property(fc.array(fc.tuple(lengths, times), { minLength: 1, maxLength: 200 }), (records) => {
    const copied = new RecordBatchBuilder(16 * 1024 * 1024);
    const inPlace = new RecordBatchBuilder(16 * 1024 * 1024);
    for (const [length, timestampMs] of records) {
      const value = Uint8Array.from({ length }, (_, at) => 1 + at % 251);
      copied.add(value, timestampMs);
      const start = inPlace.begin(timestampMs, 10_000);
      inPlace.bytes.set(value, start);
      inPlace.end(start + length);
      expect(inPlace.sizeBytes).toBe(copied.sizeBytes);
    }
    expect(inPlace.finish()).toEqual(copied.finish());
  }));
});

Deno.test("a batch may be handed out in the bytes that it was written in, and others are filled next", () => {
  const builder = new RecordBatchBuilder(200);
  builder.add(encoder.encode("hi"), 1000);
  builder.add(new Uint8Array(0), 999, encoder.encode("k"));
  const next = new Uint8Array(200).fill(0x55);
  const first = builder.finish(next);
  expect(first).toEqual({ bytes: TWO_RECORDS, records: 2 });
  const start = builder.begin(5, 2);
  builder.bytes.set(encoder.encode("yo"), start);
  builder.end(start + 2);
  expect(first.bytes).toEqual(TWO_RECORDS);
  const second = builder.finish(first.bytes);
  expect(second.bytes.buffer).toBe(next.buffer);
  expect(recordsOf(second.bytes)).toMatchObject([{ value: encoder.encode("yo"), timestampMs: 5 }]);
});

Deno.test("finished bytes are not touched by the next batch", () => {
  const builder = new RecordBatchBuilder();
  builder.add(encoder.encode("first"), 1);
  const first = builder.finish().bytes;
  builder.add(encoder.encode("other"), 1);
  builder.finish();
  expect(recordsOf(first)[0].value).toEqual(encoder.encode("first"));
});

Deno.test("a time that is not a whole number of milliseconds is refused", () => {
  const builder = new RecordBatchBuilder();
  expect(() => builder.add(new Uint8Array(1), 1.5)).toThrow(RangeError);
  expect(() => builder.add(new Uint8Array(1), NaN)).toThrow(RangeError);
});

Deno.test("a header that is not wholly there yet is incomplete, and so is a batch", () => {
  const header = new BatchHeader();
  for (let end = 0; end < TWO_RECORDS.length; end++) {
    expect(readBatchHeader(TWO_RECORDS.subarray(0, end), 0, header)).toBe(-1);
  }
});

Deno.test("the old message formats are refused", () => {
  const bytes = TWO_RECORDS.slice();
  bytes[16] = 1;
  expect(() => readBatchHeader(bytes, 0, new BatchHeader())).toThrow(/magic 1, expected 2/);
});

Deno.test("where the broker stamped the batch, each record has the broker's time", () => {
  const bytes = withRecords(TWO_RECORDS, TWO_RECORDS.subarray(61), 8);
  new DataView(bytes.buffer).setBigInt64(35, 5000n);
  expect(recordsOf(bytes).map((record) => record.timestampMs)).toEqual([5000, 5000]);
});

Deno.test("headers of a record are stepped over", () => {
  // length 15: attributes, times, no key, "v", one header "a" = "bcd"
  const record = fromHex("1a 00 00 00 01 02 76 02 02 61 06 62 63 64");
  const bytes = withRecords(TWO_RECORDS, record, 0);
  const view = new DataView(bytes.buffer);
  view.setInt32(23, 0);
  view.setInt32(57, 1);
  expect(recordsOf(bytes)).toEqual([{ offset: 0, timestampMs: 1000, key: null, value: encoder.encode("v") }]);
});

Deno.test("flags of transactions and control batches are read", () => {
  const header = new BatchHeader();
  readBatchHeader(withRecords(TWO_RECORDS, TWO_RECORDS.subarray(61), 0x30), 0, header);
  expect([header.isTransactional, header.isControl]).toEqual([true, true]);
});

const lz4 = (bytes: Uint8Array) => lz4Compress(Buffer.from(bytes));
const snappy = (bytes: Uint8Array) => snappyCompress(Buffer.from(bytes));

/** As Java's client frames snappy: a header of 16 bytes, then blocks, each after its length. */
function xerial(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1)];
  for (let at = 0; at < bytes.length; at += 32_768) {
    const block = snappy(bytes.subarray(at, at + 32_768));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

const CODECS: readonly (readonly [string, number, (bytes: Uint8Array) => Uint8Array])[] = [
  ["gzip", 1, gzipSync],
  ["snappy", 2, snappy],
  ["framed snappy", 2, xerial],
  ["lz4", 3, lz4],
  ["zstd", 4, zstdCompressSync],
];

for (const [name, codec, compress] of CODECS) {
  Deno.test(`${name} batches are read as plain ones are`, () => {
    const bytes = withRecords(TWO_RECORDS, compress(TWO_RECORDS.subarray(61)), codec);
    expect(recordsOf(bytes)).toEqual(recordsOf(TWO_RECORDS));
  });

  Deno.test(`a ${name} batch that would fill the memory is refused`, () => {
    const bomb = withRecords(TWO_RECORDS, compress(new Uint8Array(65 * 1024 * 1024)), codec);
    expect(() => recordsOf(bomb)).toThrow(CorruptBatch);
  });

  Deno.test(`a ${name} batch that ends early is refused`, () => {
    const noise = Uint8Array.from({ length: 300_000 }, (_, index) => Math.imul(index, 0x9e3779b1) >>> 13);
    const whole = compress(batchOf(noise).bytes.subarray(61));
    const bytes = withRecords(batchOf(noise).bytes, whole.subarray(0, whole.length / 2), codec);
    expect(() => recordsOf(bytes)).toThrow(CorruptBatch);
  });
}

Deno.test("a codec that Kafka does not have, and bytes that are none of their codec, are refused", () => {
  for (const codec of [1, 2, 3, 4, 5, 7]) {
    for (
      const bytes of [new Uint8Array(0), new Uint8Array(3), TWO_RECORDS.subarray(61), new Uint8Array(100).fill(255)]
    ) {
      expect(() => recordsOf(withRecords(TWO_RECORDS, bytes, codec))).toThrow(CorruptBatch);
    }
  }
});

Deno.test("an lz4 frame as its specification has it is read, with or without checksums and content size", () => {
  // Magic; version 1, independent blocks, and the options; blocks of 64 KiB; a checksum of the header that nobody checks.
  const records = TWO_RECORDS.subarray(61);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, records.length | 0x8000_0000, true); // stored as it is
  const plain = Uint8Array.of(4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, ...size, ...records, 0, 0, 0, 0);
  expect(recordsOf(withRecords(TWO_RECORDS, plain, 3))).toEqual(recordsOf(TWO_RECORDS));
});

/** Changes one byte of the records and walks them. */
function walkWith(at: number, byte: number): void {
  const bytes = TWO_RECORDS.slice();
  bytes[61 + at] = byte;
  const header = new BatchHeader();
  readBatchHeader(bytes, 0, header);
  const walker = new RecordWalker();
  walker.reset(bytes, header);
  while (walker.next());
}

for (
  const [name, at, byte] of [
    ["a record longer than the batch", 0, 0x7e],
    ["a record shorter than its fields", 0, 0x06],
    ["a value longer than its record", 5, 0x20],
    ["a field of negative length", 5, 0x03],
    ["offsets that go back", 12, 0x00],
    ["an offset beyond the batch's last", 12, 0x04],
  ] as const
) {
  Deno.test(`${name} is corrupt`, () => {
    expect(() => walkWith(at, byte)).toThrow(CorruptBatch);
  });
}

Deno.test("a number that never ends is corrupt", () => {
  expect(() => recordsOf(withRecords(TWO_RECORDS, new Uint8Array(17).fill(0xff), 0))).toThrow(/malformed number/);
});

Deno.test("bytes after the last record are corrupt, as is a record too few", () => {
  for (const count of [1, 3]) {
    const bytes = TWO_RECORDS.slice();
    const view = new DataView(bytes.buffer);
    view.setInt32(57, count);
    view.setInt32(23, 5);
    expect(() => recordsOf(bytes)).toThrow(CorruptBatch);
  }
});
