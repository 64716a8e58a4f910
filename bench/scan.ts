/**
 * One core: records a second by JSON.parse and by the scanner alone, on seeded 286-byte application records that lie
 * one after the other in a buffer, as in a fetched batch. Run: deno run -A bench/scan.ts
 */
import { EventFields } from "../core/minutes/fields.ts";
import { json } from "../engine/parsing/json.ts";

const RECORDS = 200_000;
const RECORD_BYTES = 286;
const ROUNDS = 15;
const SEED = 20_260_301;

/** Mulberry32: the same numbers in [0, 1) on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = (mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed)) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

const random = seededRandom(SEED);
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)];
const hex = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");

function record(index: number): string {
  const fields = {
    "@timestamp": new Date(Date.UTC(2026, 2, 1) + index * 3).toISOString(),
    level: random() < 0.9 ? "INFO" : pick(["WARN", "ERROR", "DEBUG"]),
    service: pick(["checkout", "catalog", "search", "auth", "payments"]),
    host: `web-${Math.floor(random() * 12)}`,
    method: pick(["GET", "POST", "PUT"]),
    path: pick(["/api/v1/orders", "/api/v1/cart/items", "/api/v1/products/search", "/login", "/health"]),
    status: pick([200, 200, 200, 201, 304, 404, 500]),
    response_time_ms: Math.round(random() * 500_000) / 1000,
    trace_id: hex(32),
    message: "",
  };
  const message = "request handled by the worker pool ".repeat(4);
  const bare = JSON.stringify(fields).length;
  return JSON.stringify({ ...fields, message: message.slice(0, RECORD_BYTES - bare) });
}

const texts = Array.from({ length: RECORDS }, (_, index) => record(index));
const bytes = new TextEncoder().encode(texts.join("\n"));
const starts = Array.from({ length: RECORDS }, (_, index) => index * (RECORD_BYTES + 1));

/** Records a second in the best round: the least disturbed one. */
function best(round: () => number): number {
  let bestSeconds = Infinity;
  for (let i = 0; i < ROUNDS; i++) {
    const before = performance.now();
    const read = round();
    bestSeconds = Math.min(bestSeconds, (performance.now() - before) / 1000);
    if (read !== RECORDS) throw new Error(`expected ${RECORDS} records to be read, found ${read}`);
  }
  return RECORDS / bestSeconds;
}

function parseAll(): number {
  const decoder = new TextDecoder();
  let read = 0;
  for (const start of starts) {
    const value = JSON.parse(decoder.decode(bytes.subarray(start, start + RECORD_BYTES)));
    if (value.status > 0) read++;
  }
  return read;
}

const parser = json.compile({ timeZone: "UTC", mapping: {} });
const out = new EventFields();

function scanAll(): number {
  let read = 0;
  for (let i = 0; i < RECORDS; i++) {
    const start = starts[i];
    if (parser.parse(bytes, start, start + RECORD_BYTES, 0, out) === null && out.measures[0] >= 0) read++;
  }
  return read;
}

const million = (rate: number): string => `${(rate / 1e6).toFixed(2)} M records/s (${Math.round(1e9 / rate)} ns each)`;
const parsed = best(parseAll);
const scanned = best(scanAll);
console.log(`${RECORDS} records of ${RECORD_BYTES} bytes, seed ${SEED}, one core, best of ${ROUNDS} rounds`);
console.log(`JSON.parse  ${million(parsed)}`);
console.log(`scanner     ${million(scanned)}`);
console.log(`ratio       ${(scanned / parsed).toFixed(1)}`);
