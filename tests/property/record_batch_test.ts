import fc from "fast-check";
import { expect } from "expect";
import {
  BatchHeader,
  CorruptBatch,
  isCrcValid,
  readBatchHeader,
  RecordBatchBuilder,
  RecordWalker,
} from "../../core/log/record_batch.ts";
import { recordsOf } from "../../core/log/test_batches.ts";

const record = fc.record({
  value: fc.oneof(
    { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 10_000, maxLength: 20_000 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  key: fc.option(fc.uint8Array({ maxLength: 100 })),
  timestampMs: fc.oneof(
    fc.integer({ min: -1, max: 2 ** 32 }),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.constantFrom(0, -1, 2 ** 51, -(2 ** 51), 253_402_300_799_999),
  ),
});
const records = fc.array(record, { minLength: 1, maxLength: 40 });
type Records = typeof records extends fc.Arbitrary<infer T> ? T : never;

function encode(input: Records, bytesMax = 1024 * 1024): Uint8Array {
  const builder = new RecordBatchBuilder(bytesMax);
  for (const { value, timestampMs, key } of input) builder.add(value, timestampMs, key);
  return builder.finish().bytes;
}

Deno.test("records come back byte for byte with their times and keys", () => {
  fc.assert(fc.property(records, (input) => {
    const bytes = encode(input);
    expect(recordsOf(bytes)).toEqual(input.map((each, offset) => ({ offset, ...each })));
    expect(isCrcValid(bytes, 0, bytes.length)).toBe(true);
  }));
});

Deno.test("a stream cut into batches by size loses and reorders nothing", () => {
  fc.assert(fc.property(records, fc.integer({ min: 62, max: 2000 }), (input, bytesMax) => {
    const builder = new RecordBatchBuilder(bytesMax);
    const batches: Uint8Array[] = [];
    for (const { value, timestampMs, key } of input) {
      if (builder.add(value, timestampMs, key)) continue;
      expect(builder.sizeBytes).toBeLessThanOrEqual(Math.max(bytesMax, builder.records === 1 ? Infinity : 0));
      batches.push(builder.finish().bytes);
      expect(builder.add(value, timestampMs, key)).toBe(true);
    }
    batches.push(builder.finish().bytes);
    const got = batches.flatMap((bytes) => recordsOf(bytes)).map(({ value, timestampMs, key }) => ({
      value,
      timestampMs,
      key,
    }));
    expect(got).toEqual(input.map(({ value, timestampMs, key }) => ({ value, timestampMs, key })));
  }));
});

Deno.test("a changed bit anywhere under the checksum is found", () => {
  fc.assert(fc.property(records, fc.nat(), fc.integer({ min: 0, max: 7 }), (input, place, bit) => {
    const bytes = encode(input);
    bytes[17 + place % (bytes.length - 17)] ^= 1 << bit;
    expect(isCrcValid(bytes, 0, bytes.length)).toBe(false);
  }));
});

/** Walks whatever these bytes are; fails for a span outside of the batch, and for anything thrown but CorruptBatch. */
function walkHostile(bytes: Uint8Array): void {
  const header = new BatchHeader();
  const walker = new RecordWalker();
  try {
    const length = readBatchHeader(bytes, 0, header);
    if (length < 0 || header.codec !== 0) return;
    walker.reset(bytes, header);
    while (walker.next()) {
      for (const [start, end] of [[walker.keyStart, walker.keyEnd], [walker.valueStart, walker.valueEnd]]) {
        if (start === -1 && end === -1) continue;
        expect(start).toBeGreaterThanOrEqual(header.recordsStart);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(length);
      }
      expect(walker.offset).toBeLessThanOrEqual(header.baseOffset + header.lastOffsetDelta);
    }
  } catch (error) {
    if (!(error instanceof CorruptBatch)) throw error;
  }
}

Deno.test("no damage makes a walk leave its batch or never end", () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(records, damage, fc.boolean(), (input, changes, isHeaderHit) => {
      const bytes = encode(input);
      const from = isHeaderHit ? 0 : 57;
      for (const [place, byte] of changes) bytes[from + place % (bytes.length - from)] = byte;
      walkHostile(bytes);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("arbitrary bytes behind a sound header never make a walk leave its batch", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 50 }), (noise, count) => {
      const bytes = new Uint8Array(61 + noise.length);
      bytes.set(noise, 61);
      const view = new DataView(bytes.buffer);
      view.setInt32(8, bytes.length - 12);
      view.setInt8(16, 2);
      view.setInt32(23, 1000);
      view.setInt32(57, count);
      walkHostile(bytes);
    }),
    { numRuns: 1000 },
  );
});
