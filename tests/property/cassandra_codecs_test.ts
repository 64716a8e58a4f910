/** What is written to Cassandra is read as it was: minute cells, and blocks as files that another reader opens. */
import { expect } from "expect";
import fc from "fast-check";
import { zstdDecompressSync } from "node:zlib";
import { parquetReadObjects } from "hyparquet";
import { type Dimension, DIMENSIONS, type Measure, MEASURES } from "../../core/minutes/fields.ts";
import { Sketch } from "../../core/minutes/sketch.ts";
import { fileParts } from "../../core/parquet/file.ts";
import { type BlockEntry, decodeBlock, encodeBlock } from "../../core/store/cassandra_blocks.ts";
import { cellsOf, dimensionsOf, rowsOfCells } from "../../core/store/cassandra_cells.ts";
import { eventsByHour, quarantineByHour } from "../../core/store/rows_by_hour.ts";
import { encodeQuarantine } from "../../core/store/record_blocks.ts";
import { cellsToRows, eventsToRows, quarantineToRows } from "../contract/store_fixtures.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }).map((value) => value.toWellFormed()),
  fc.constant("x".repeat(5_000)),
);

const measure = fc.array(fc.integer({ min: -1_000_000, max: 1_000_000 }), { maxLength: 4 });

const cell = fc.record({
  minute: fc.integer({ min: -100, max: 100 }),
  fromOffset: fc.integer({ min: 0, max: 2 ** 53 - 1 }),
  count: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
  errors: fc.integer({ min: 0, max: 1000 }),
  dimensions: fc.dictionary(fc.constantFrom(...DIMENSIONS), text) as fc.Arbitrary<Partial<Record<Dimension, string>>>,
  values: fc.dictionary(fc.constantFrom(...MEASURES.map(({ name }) => name)), measure) as fc.Arbitrary<
    Partial<Record<Measure, number[]>>
  >,
});

/** A cell plainly, whatever way it came. */
function plainCells(rows: ReturnType<typeof rowsOfCells>): unknown[] {
  return Array.from({ length: rows.rows }, (_, row) => ({
    minute: rows.minutes[row],
    fromOffset: rows.fromOffsets[row],
    count: rows.counts[row],
    errors: rows.errors[row],
    dimensions: DIMENSIONS.map((name) => {
      const column = rows.dimensions[name];
      return column === undefined ? "" : column.dictionary[column.ids[row]];
    }),
    measures: MEASURES.map(({ name }) => {
      const columns = rows.measures[name];
      if (columns === undefined || columns.counts[row] === 0) return null;
      const { counts, sums, minima, maxima, m2, sketches, sketchEnds } = columns;
      const sketch = new Sketch();
      sketch.mergeEncoded(sketches.subarray(row === 0 ? 0 : sketchEnds[row - 1], sketchEnds[row]));
      return [counts, sums, minima, maxima, m2].map((values) => values[row]).concat(sketch.quantile(0.5) ?? NaN);
    }),
  }));
}

Deno.test("minute cells are read as they were written, each in its hour", () => {
  fc.assert(fc.property(fc.array(cell, { maxLength: 20 }), (cells) => {
    const rows = cellsToRows(cells);
    const buckets = [...new Set(cells.map(({ minute }) => Math.floor(minute / 60)))];
    const stored = buckets.flatMap((bucket) => [...cellsOf(rows, bucket)]);
    const byText = (all: unknown[]) => all.map((each) => JSON.stringify(each)).sort();
    expect(byText(plainCells(rowsOfCells(stored)))).toEqual(byText(plainCells(rows)));
    for (const { key, data, minute } of stored) {
      expect(key.length).toBeLessThanOrEqual(2_000);
      expect(JSON.stringify(dimensionsOf(data)) === key || key.startsWith("#")).toBe(true);
      expect(buckets).toContain(Math.floor(minute / 60));
    }
  }));
});

const quarantined = fc.record({
  offset: fc.integer({ min: 0, max: 1_000_000 }),
  recordTimeMs: fc.integer({ min: 0, max: 10 * 3_600_000 }),
  reason: fc.constantFrom("no_match", "too_large"),
  raw: fc.uint8Array({ maxLength: 200 }),
});

Deno.test("blocks are the same files after their way through Cassandra, split by hour without loss", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(quarantined, { minLength: 1, maxLength: 50 }), async (records) => {
      const rows = quarantineToRows(records);
      const read: { offset: number; raw: string }[] = [];
      for (const hour of quarantineByHour(rows)) {
        const hours = new Set([...hour.recordTimesMs.subarray(0, hour.rows)].map((ms) => Math.floor(ms / 3_600_000)));
        expect(hours.size).toBe(1);
        for (const block of encodeQuarantine("topic", 3, hour)) {
          const { firstMicros, lastMicros, lastRecordMs } = block;
          const parts = encodeBlock(block);
          const entry: BlockEntry = {
            table: "quarantine",
            id: "id",
            chunks: parts.length,
            rows: block.group.rows,
            bytes: 0,
            firstMicros,
            lastMicros,
            lastRecordMs,
          };
          const again = decodeBlock(entry, parts);
          expect(again).toEqual(block);
          const file = await new Blob([...fileParts([again.group])] as BlobPart[]).arrayBuffer();
          for (
            const row of await parquetReadObjects({
              file,
              utf8: false,
              compressors: { ZSTD: (input) => Uint8Array.from(zstdDecompressSync(input)) },
            })
          ) {
            read.push({ offset: Number(row.offset), raw: new Uint8Array(row.raw).toBase64() });
          }
        }
      }
      const byOffset = (a: { offset: number; raw: string }, b: typeof a) =>
        a.offset - b.offset || (a.raw < b.raw ? -1 : 1);
      const truth = records.map(({ offset, raw }) => ({ offset, raw: raw.toBase64() }));
      expect(read.sort(byOffset)).toEqual(truth.sort(byOffset));
    }),
    { numRuns: 40 },
  );
});

Deno.test("events are split by the hour of their time, in their order", () => {
  const times = fc.array(fc.integer({ min: 0, max: 5 * 3_600_000 }), { minLength: 1, maxLength: 60 });
  fc.assert(fc.property(times, (timesMs) => {
    const events = timesMs.map((ms, offset) => ({
      offset,
      micros: ms * 1000,
      recordTimeMs: ms,
      fields: { service: `s${offset}` },
      measures: { response_time: offset },
      isError: false,
      raw: new TextEncoder().encode(`event ${offset}`),
    }));
    const hours = eventsByHour(eventsToRows(events));
    expect(hours.length).toBe(new Set(timesMs.map((ms) => Math.floor(ms / 3_600_000))).size);
    const found = hours.flatMap(({ rows, offsets, timestampMicros, bytes, rawStarts, rawEnds, text, measures }) => {
      const hour = Array.from({ length: rows }, (_, row) => ({
        offset: offsets[row],
        micros: timestampMicros[row],
        raw: new TextDecoder().decode(bytes.subarray(rawStarts[row], rawEnds[row])),
        service: new TextDecoder().decode(bytes.subarray(text.service?.starts[row], text.service?.ends[row])),
        measure: measures.response_time?.[row],
      }));
      expect(hour.map(({ offset }) => offset)).toEqual(hour.map(({ offset }) => offset).toSorted((a, b) => a - b));
      return hour;
    });
    expect(found.sort((a, b) => a.offset - b.offset)).toEqual(events.map(({ offset, micros }) => ({
      offset,
      micros,
      raw: `event ${offset}`,
      service: `s${offset}`,
      measure: offset,
    })));
  }));
});
