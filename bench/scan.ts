/**
 * One core, 286-byte records: JSON.parse alone, JSON.parse with minute aggregation into a Map, the scanner alone, and the
 * scanner with minute aggregation as the engine runs it, from record batches, checksums included.
 * Run: deno run -A bench/scan.ts
 */
import { RecordBatchBuilder, setBaseOffset } from "../core/log/record_batch.ts";
import { EventFields } from "../core/minutes/fields.ts";
import { PRESETS } from "../core/minutes/preset.ts";
import { PartitionAggregator } from "../engine/aggregation/partition_aggregator.ts";
import { Chunk } from "../engine/chunk.ts";
import { json } from "../engine/parsing/json.ts";
import { RECORD_BYTES, recordSource, SEED, START_MS } from "./records.ts";

const RECORDS = 200_000;
const ROUNDS = 15;
const BATCH_BYTES = 256 * 1024;

const source = recordSource();
const bytes = new TextEncoder().encode(Array.from({ length: RECORDS }, source).join("\n"));

function parseAlone(): number {
  const decoder = new TextDecoder();
  let read = 0;
  for (let i = 0; i < RECORDS; i++) {
    const start = i * (RECORD_BYTES + 1);
    const record = JSON.parse(decoder.decode(bytes.subarray(start, start + RECORD_BYTES)));
    if (record.status > 0) read++;
  }
  return read;
}

/** What one would write without much thought, less the quantiles. */
function parseAndAggregate(): number {
  const decoder = new TextDecoder();
  const cells = new Map<string, { count: number; errors: number; sum: number; min: number; max: number }>();
  for (let i = 0; i < RECORDS; i++) {
    const start = i * (RECORD_BYTES + 1);
    const record = JSON.parse(decoder.decode(bytes.subarray(start, start + RECORD_BYTES)));
    const minute = Math.floor(Date.parse(record["@timestamp"]) / 60_000);
    const key = `${minute}|${record.service}|${record.level}|${record.method}|${record.path}|${record.status}`;
    let cell = cells.get(key);
    if (cell === undefined) cells.set(key, cell = { count: 0, errors: 0, sum: 0, min: Infinity, max: -Infinity });
    const value = record.response_time_ms;
    cell.count++;
    if (record.level === "ERROR" || record.level === "FATAL") cell.errors++;
    cell.sum += value;
    cell.min = Math.min(cell.min, value);
    cell.max = Math.max(cell.max, value);
  }
  let counted = 0;
  for (const { count } of cells.values()) counted += count;
  return counted;
}

const parser = json.compile({ timeZone: "UTC", mapping: {} });
const out = new EventFields();

function scanAlone(): number {
  let read = 0;
  for (let i = 0; i < RECORDS; i++) {
    const start = i * (RECORD_BYTES + 1);
    if (parser.parse(bytes, start, start + RECORD_BYTES, 0, out) === null && out.measures[0] >= 0) read++;
  }
  return read;
}

/** The same records as a fetch of the engine answers them: record batches with checksums, back to back. */
function batches(): Uint8Array {
  const builder = new RecordBatchBuilder(BATCH_BYTES);
  const parts: Uint8Array[] = [];
  let first = 0;
  const finish = () => {
    const { bytes: batch, records } = builder.finish();
    setBaseOffset(batch, first);
    parts.push(batch);
    first += records;
  };
  for (let i = 0; i < RECORDS; i++) {
    const start = i * (RECORD_BYTES + 1);
    const add = () => builder.add(bytes, START_MS + 3_600_000, null, start, start + RECORD_BYTES);
    if (add()) continue;
    finish();
    add();
  }
  finish();
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const fetched = batches();

function scanAndAggregate(): number {
  const aggregator = new PartitionAggregator("bench", { checkpoint: 0, watermarkMs: null }, {
    parser,
    preset: PRESETS.apps,
    latenessMs: 60_000,
    futureMs: 600_000,
    recordBytesMax: 1_048_576,
    keepsEvents: false,
  });
  const chunk = new Chunk();
  chunk.reset(fetched);
  for (let bucket = chunk.applyTo(aggregator); bucket !== null; bucket = chunk.applyTo(aggregator)) {
    aggregator.addUnit({ bucket, upto: 0, writer: null, values: {} });
  }
  return aggregator.takeFlush()?.minutes.counts.reduce((sum, count) => sum + count, 0) ?? 0;
}

const CONTENDERS = {
  "JSON.parse": parseAlone,
  "JSON.parse + Map": parseAndAggregate,
  "scanner": scanAlone,
  "scanner + minute cells": scanAndAggregate,
};

const seconds = new Map<string, number[]>();
// Alternating, so that a slow moment of the machine meets all of them.
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(CONTENDERS)) {
    const before = performance.now();
    const read = run();
    if (read !== RECORDS) throw new Error(`${name}: expected ${RECORDS} records, counted ${read}`);
    seconds.set(name, [...seconds.get(name) ?? [], (performance.now() - before) / 1000]);
  }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const rates = Object.fromEntries(
  [...seconds].map(([name, times]) => [name, {
    median: RECORDS / median(times),
    best: RECORDS / Math.min(...times),
  }]),
);
const ratio = rates["scanner + minute cells"].median / rates["JSON.parse"].median;
if (Deno.args.includes("--json")) {
  console.log(JSON.stringify({ records: RECORDS, seed: SEED, rates, ratio }));
} else {
  console.log(`${RECORDS} records of ${RECORD_BYTES} bytes, seed ${SEED}, one core, ${ROUNDS} rounds\n`);
  console.log("| contender | median, M records/s | best |\n|---|---|---|");
  for (const [name, rate] of Object.entries(rates)) {
    console.log(`| ${name} | ${(rate.median / 1e6).toFixed(2)} | ${(rate.best / 1e6).toFixed(2)} |`);
  }
  console.log(`\nscanner + minute cells : JSON.parse alone = ${ratio.toFixed(2)}`);
}
