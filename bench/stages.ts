/**
 * Where the time of a record goes, one core: fetching from the embedded log, checksums, decompression, walking, parsing,
 * aggregation, the rows of a flush, and the store. Each stage is measured with all before it; the difference is its own.
 * Run: deno run -A bench/stages.ts [--json]
 */
import { lz4Compress } from "@platformatic/wasm-utils";
import { Buffer } from "node:buffer";
import { zstdCompressSync } from "node:zlib";
import { openEmbeddedLog, openReader } from "../core/log/registry.ts";
import { BatchHeader, decompressRecords, isCrcValid, readBatchHeader, RecordWalker } from "../core/log/record_batch.ts";
import { CODEC, decompress } from "../core/log/record_codecs.ts";
import { configSchema } from "../core/config/schema.ts";
import { TopicWriter } from "../core/log/topic_writer.ts";
import { EventFields } from "../core/minutes/fields.ts";
import { PRESETS } from "../core/minutes/preset.ts";
import { openStore } from "../core/store/registry.ts";
import { PartitionAggregator } from "../engine/aggregation/partition_aggregator.ts";
import { Chunk } from "../engine/chunk.ts";
import { json } from "../engine/parsing/json.ts";
import { RECORD_BYTES, recordSource, START_MS } from "./records.ts";

const RECORDS = 300_000;
const ROUNDS = 9;
const FETCH_BYTES = 1_048_576;

const directory = await Deno.makeTempDir({ prefix: "millrace-stages-" });
const settings = configSchema.parse({ data: directory });
const log = await openEmbeddedLog({ dataDirectory: directory, settings: settings.log });
const topic = await log.createTopic("stages", { partitions: 1, format: "json" });
const writer = new TopicWriter(log, topic, { batchBytes: 256 * 1024 });
const [next, encoder] = [recordSource(), new TextEncoder()];
for (let i = 0; i < RECORDS; i++) await writer.write(encoder.encode(next()), START_MS + 3_600_000);
await writer.flush();

async function fetchAll(): Promise<Uint8Array[]> {
  const reader = openReader(log.readerSpec(topic, 0));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < RECORDS;) {
    const { bytes, next } = await reader.fetch(at, FETCH_BYTES, 0);
    chunks.push(bytes.slice());
    at = next;
  }
  reader.close();
  return chunks;
}
const chunks = await fetchAll();
const header = new BatchHeader();

function eachBatch(visit: (bytes: Uint8Array, start: number, length: number) => void): void {
  for (const bytes of chunks) {
    for (let at = 0; at < bytes.length;) {
      const length = readBatchHeader(bytes, at, header);
      visit(bytes, at, length);
      at += length;
    }
  }
}

function checksums(): void {
  eachBatch((bytes, start, length) => {
    if (!isCrcValid(bytes, start, length)) throw new Error("a wrong checksum");
  });
}

const walker = new RecordWalker();
function walk(): number {
  let records = 0;
  eachBatch((bytes) => {
    walker.reset(decompressRecords(bytes, header), header);
    while (walker.next()) records++;
  });
  return records;
}

const parser = json.compile({ timeZone: "UTC", mapping: {} });
const fields = new EventFields();
function walkAndScan(): void {
  eachBatch((bytes) => {
    const records = decompressRecords(bytes, header);
    parser.kernel?.forget();
    walker.reset(records, header);
    while (walker.next()) parser.parse(records, walker.valueStart, walker.valueEnd, walker.timestampMs, fields);
  });
}

function aggregate(): PartitionAggregator {
  const aggregator = new PartitionAggregator("stages", { checkpoint: 0, watermarkMs: null }, {
    parser,
    preset: PRESETS.apps,
    latenessMs: 60_000,
    futureMs: 600_000,
    recordBytesMax: 1_048_576,
    keepsEvents: false,
  });
  const chunk = new Chunk();
  for (const bytes of chunks) {
    chunk.reset(bytes);
    for (let bucket = chunk.applyTo(aggregator); bucket !== null; bucket = chunk.applyTo(aggregator)) {
      aggregator.addUnit({ bucket, upto: 0, writer: null, values: {} });
    }
  }
  return aggregator;
}

/** The same bytes compressed, 256 KB at a time as batches are. */
function compressedWith(compress: (bytes: Uint8Array) => Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const bytes of chunks) {
    for (let at = 0; at < bytes.length; at += 262_144) parts.push(bytes.subarray(at, at + 262_144));
  }
  return parts.map(compress);
}
const lz4 = compressedWith((bytes) => lz4Compress(Buffer.from(bytes)));
const zstd = compressedWith((bytes) => zstdCompressSync(bytes));

const seconds = new Map<string, number[]>();
async function timed(name: string, run: () => unknown): Promise<void> {
  const before = performance.now();
  await run();
  seconds.set(name, [...seconds.get(name) ?? [], (performance.now() - before) / 1000]);
}

for (let round = 0; round < ROUNDS; round++) {
  await timed("fetch", fetchAll);
  await timed("checksum", checksums);
  await timed("lz4", () => lz4.forEach((bytes) => decompress(CODEC.lz4, bytes)));
  await timed("zstd", () => zstd.forEach((bytes) => decompress(CODEC.zstd, bytes)));
  await timed("walk", walk);
  await timed("walk and scan", walkAndScan);
  let aggregator: PartitionAggregator | null = null;
  await timed("all but the flush", () => {
    aggregator = aggregate();
  });
  const content = (aggregator as PartitionAggregator | null)?.takeFlush();
  if (content === null || content === undefined) throw new Error("nothing to flush");
  const store = await openStore("duckdb", configSchema.parse({ data: `${directory}/store-${round}` }));
  await timed("flush", async () => {
    const outcome = await store.flush({
      topicId: topic.id,
      partition: 0,
      writer: "stages",
      ...content,
      events: [],
      quarantine: [],
      gaps: [],
    });
    if (outcome.kind !== "applied") throw new Error(`the flush was not applied: ${outcome.kind}`);
  });
  await store.close();
}
await log.close();
await Deno.remove(directory, { recursive: true });

const nanos = (name: string) => {
  const times = (seconds.get(name) ?? []).toSorted((a, b) => a - b);
  return times[times.length >> 1] / RECORDS * 1e9;
};
const rows: [string, number][] = [
  ["fetch (embedded log, pages in memory)", nanos("fetch")],
  ["checksum", nanos("checksum")],
  ["decompress, lz4", nanos("lz4")],
  ["decompress, zstd", nanos("zstd")],
  ["walk", nanos("walk")],
  ["scan of the fields, one at a time", nanos("walk and scan") - nanos("walk")],
  ["checksum, walk, scan and aggregate, as the engine does", nanos("all but the flush")],
  ["flush of the minutes to DuckDB, once for all", nanos("flush")],
];
if (Deno.args.includes("--json")) {
  console.log(JSON.stringify({ records: RECORDS, nanosPerRecord: Object.fromEntries(rows) }));
} else {
  console.log(`${RECORDS} records of ${RECORD_BYTES} bytes, one core, medians of ${ROUNDS} rounds\n`);
  console.log("| stage | ns a record | limit, M records/s |\n|---|---|---|");
  for (const [name, value] of rows) console.log(`| ${name} | ${value.toFixed(0)} | ${(1000 / value).toFixed(1)} |`);
}
