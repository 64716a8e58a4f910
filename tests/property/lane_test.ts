/**
 * Record batches of JSON through the engine's fastest way (engine/kernel), against a recount of the same records one by
 * one with JSON.parse: usual records, and among them whatever makes the kernel give way. Runs of both kinds matter, for
 * what is learnt from one record meets the next, and so do batches that end within the kernel's window or beyond it.
 */
import { expect } from "expect";
import fc from "fast-check";
import { RecordBatchBuilder } from "../../core/log/record_batch.ts";
import { PRESETS } from "../../core/minutes/preset.ts";
import type { MinuteRows } from "../../core/store/ports.ts";
import { PartitionAggregator } from "../../engine/aggregation/partition_aggregator.ts";
import { Chunk } from "../../engine/chunk.ts";
import { json } from "../../engine/parsing/json.ts";
import { USUAL_NAMES } from "../../engine/parsing/json_names.ts";
import { expectedReading } from "./json_oracle.ts";

const encoder = new TextEncoder();
const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 2, 1, 10);
const LATENESS_MS = 60_000;
const FUTURE_MS = 20_000;
const RECORD_BYTES_MAX = 600_000;
/** Longer than the kernel's window. */
const HUGE_BYTES = 300_000;

interface Input {
  readonly value: Uint8Array | null;
  readonly timeMs: number;
  readonly key: Uint8Array | null;
}

/** They differ in the middle alone. */
const LONG_NAMES = ["a-service-of-a-team-with-a-long-name-indeed", "a-service-of-a-team-with-x-long-name-indeed"];

const usual = fc.record({
  "@timestamp": fc.oneof(fc.integer({ min: -150_000, max: 50_000 }), fc.constantFrom(-120_000, -60_000, 0, 60_000))
    .map((ms) => new Date(NOW_MS + ms).toISOString()),
  level: fc.constantFrom("INFO", "INFO", "WARN", "ERROR", "DEBUG"),
  service: fc.constantFrom("cart", "checkout", ...LONG_NAMES, "x"),
  method: fc.constantFrom("GET", "POST"),
  path: fc.constantFrom("/", "/home", "/orders/recent", "/a/path/that/is/longer/than/two/vectors/of/sixteen/bytes"),
  status: fc.constantFrom(200, 404, 500),
  response_time_ms: fc.integer({ min: 0, max: 5_000_000 }).map((micros) => micros / 1000),
  message: fc.constantFrom("handled", "m".repeat(2000)),
});

const odd = fc.oneof(
  usual.map((record) => ({ ...record, level: record.level.toLowerCase() })),
  usual.map((record) => ({ ...record, message: 'said "no"\n\u2028 ä' })),
  usual.map((record) => ({ ...record, service: "dépôt" })),
  usual.map((record) => ({ ...record, "@timestamp": Date.parse(record["@timestamp"]) })),
  usual.map((record) => ({ ...record, "@timestamp": record["@timestamp"].replace("Z", "+00:00") })),
  usual.map((record) => ({ ...record, "@timestamp": new Date(NOW_MS + 2 * FUTURE_MS).toISOString() })),
  usual.map(({ "@timestamp": _none, ...record }) => record),
  usual.map(({ service: _none, ...record }) => record),
  usual.map(({ message, ...record }) => ({ message, ...record, extra: { deep: [1, { level: "FATAL" }] } })),
  usual.map((record) => ({ ...record, response_time_ms: -1.5 })),
  usual.map((record) => ({ ...record, response_time_ms: 12345678901 })),
  usual.map((record) => ({ ...record, status: "5xx" })),
);

const values = fc.oneof(
  { weight: 30, arbitrary: usual.map((record) => JSON.stringify(record)) },
  { weight: 6, arbitrary: odd.map((record) => JSON.stringify(record)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "{}",
      "{broken",
      "[1]",
      '{"level":"INFO"',
      "\0",
      `{"m":"${"x".repeat(HUGE_BYTES)}"}`,
    ),
  },
);
const notUtf8 = usual.map((record) => {
  const bytes = encoder.encode(JSON.stringify(record));
  bytes[bytes.length - 3] = 0xff; // in the message
  return bytes;
});
const inputs: fc.Arbitrary<Input> = fc.record({
  value: fc.option(
    fc.oneof({ weight: 60, arbitrary: values.map((text) => encoder.encode(text)) }, { weight: 1, arbitrary: notUtf8 }),
    { freq: 60 },
  ),
  timeMs: fc.integer({ min: -50, max: 40_000 }).map((ms) => NOW_MS + ms),
  key: fc.option(fc.constantFrom(encoder.encode("k"), new Uint8Array(0)), { freq: 3 }),
});

/** Back to back, as a fetch answers them. */
function batchesOf(records: readonly Input[], batchBytes: number): Uint8Array {
  const builder = new RecordBatchBuilder(batchBytes);
  const batches: Uint8Array[] = [];
  let first = 0;
  const finish = () => {
    const { bytes, records } = builder.finish();
    new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(first));
    batches.push(bytes);
    first += records;
  };
  for (const { value, timeMs, key } of records) {
    if (builder.add(value, timeMs, key)) continue;
    finish();
    builder.add(value, timeMs, key);
  }
  finish();
  return Uint8Array.from(batches.flatMap((batch) => [...batch]));
}

interface Recount {
  readonly cells: Record<string, number[]>;
  readonly totals: Record<string, number>;
}

function recount(records: readonly Input[], checkpoint: number, uptoOf: (bucket: number) => number): Recount {
  const cells: Record<string, number[]> = {};
  const totals = { consumed: 0, events: 0, unparsed: 0, late: 0, clockBad: 0 };
  let watermarkMs = -Infinity;
  records.forEach(({ value, timeMs }, offset) => {
    if (offset < checkpoint) return;
    totals.consumed++;
    const reading = value === null ? "empty" : expectedReading(value, USUAL_NAMES);
    let ms = timeMs;
    let key = "|UNPARSED|||";
    if (typeof reading === "string") totals.unparsed++;
    else {
      totals.events++;
      const { timestamp } = reading;
      if (typeof timestamp === "number" && timestamp / 1000 <= timeMs + FUTURE_MS) ms = timestamp / 1000;
      else totals.clockBad++;
      key = ["service", "level", "method", "endpoint", "status"].map((name) => reading[name] ?? "").join("|");
    }
    const minute = Math.floor(ms / MINUTE_MS);
    if (typeof reading !== "string") {
      if ((minute + 1) * MINUTE_MS <= watermarkMs) totals.late++;
      watermarkMs = Math.max(watermarkMs, ms - LATENESS_MS);
    }
    if (offset < uptoOf(Math.floor(minute / 60))) return;
    const cell = cells[`${minute}|${key}`] ??= [0, 0, 0, 0, 0, 0];
    cell[0]++;
    if (typeof reading === "string") return;
    if (["ERROR", "FATAL"].includes(String(reading.level)) || /^5\d\d$/.test(String(reading.status))) cell[1]++;
    const time = reading.response_time;
    if (typeof time !== "number") return;
    cell[4] = cell[2] === 0 ? time : Math.min(cell[4], time);
    cell[5] = cell[2] === 0 ? time : Math.max(cell[5], time);
    cell[2]++;
    cell[3] += time;
  });
  return { cells, totals };
}

function cellsOf(rows: MinuteRows | undefined): Recount["cells"] {
  const cells: Recount["cells"] = {};
  for (let row = 0; rows !== undefined && row < rows.rows; row++) {
    const text = (name: "service" | "level" | "method" | "endpoint" | "status") => {
      const column = rows.dimensions[name];
      return column === undefined ? "" : column.dictionary[column.ids[row]];
    };
    const names = ["service", "level", "method", "endpoint", "status"] as const;
    const time = rows.measures.response_time;
    const count = time?.counts[row] ?? 0;
    const measured = time === undefined || count === 0 ? [0, 0, 0, 0] : [
      count,
      time.sums[row],
      time.minima[row],
      time.maxima[row],
    ];
    cells[`${rows.minutes[row]}|${names.map(text).join("|")}`] = [rows.counts[row], rows.errors[row], ...measured];
  }
  return cells;
}

Deno.test("batches are counted as their records are one by one, whatever lies among the usual ones", () => {
  const parser = json.compile({ timeZone: "UTC", mapping: {} });
  fc.assert(
    fc.property(
      fc.array(inputs, { minLength: 1, maxLength: 250, size: "max" }),
      fc.constantFrom(100, 5000, 1_000_000),
      fc.nat(40),
      fc.nat(60),
      (records, batchBytes, checkpoint, upto) => {
        const aggregator = new PartitionAggregator("me", { checkpoint, watermarkMs: null }, {
          parser,
          preset: PRESETS.apps,
          latenessMs: LATENESS_MS,
          futureMs: FUTURE_MS,
          recordBytesMax: RECORD_BYTES_MAX,
          keepsEvents: false,
        });
        const uptoOf = (bucket: number) => bucket % 2 === 0 ? upto : 0;
        const chunk = new Chunk();
        chunk.reset(batchesOf(records, batchBytes));
        for (let bucket = chunk.applyTo(aggregator); bucket !== null; bucket = chunk.applyTo(aggregator)) {
          aggregator.addUnit({ bucket, upto: uptoOf(bucket), writer: null, values: {} });
        }
        const flush = aggregator.takeFlush();
        const expected = recount(records, checkpoint, uptoOf);
        expect(cellsOf(flush?.minutes)).toEqual(expected.cells);
        if (flush !== null) {
          expect(flush.totals).toEqual(expected.totals);
          expect(flush.at).toBe(records.length);
          expect(flush.quarantine?.offsets.length ?? 0).toBeLessThanOrEqual(expected.totals.unparsed);
        }
      },
    ),
    { numRuns: 120, endOnFailure: true }, // shrinking so many records takes minutes,
  );
});
