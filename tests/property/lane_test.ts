/**
 * Record batches of JSON through the engine's fastest way (engine/kernel), against a recount of the same records one by
 * one with JSON.parse: usual records, and among them whatever makes the kernel give way. Runs of both kinds matter, for
 * what is learnt from one record meets the next, and so do batches that end within the kernel's window or beyond it.
 */
import fc from "fast-check";
import { json } from "../../engine/parsing/json.ts";
import { USUAL_NAMES } from "../../engine/parsing/json_names.ts";
import { expectedReading } from "./json_oracle.ts";
import { expectRecount, FUTURE_MS, type Input, type Reading } from "./lane_batches.ts";

const encoder = new TextEncoder();
const NOW_MS = Date.UTC(2026, 2, 1, 10);
/** Longer than the kernel's window. */
const HUGE_BYTES = 300_000;

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

function read({ value }: Input): Reading | null {
  const reading = value === null ? "empty" : expectedReading(value, USUAL_NAMES);
  if (typeof reading === "string") return null;
  const { timestamp, response_time: time, level, status } = reading;
  const text = Object.fromEntries(
    ["service", "level", "method", "endpoint", "status"].map((name) => [name, String(reading[name] ?? "")]),
  );
  return {
    ms: typeof timestamp === "number" ? timestamp / 1000 : NaN,
    isError: ["ERROR", "FATAL"].includes(String(level)) || /^5\d\d$/.test(String(status)),
    text,
    measures: typeof time === "number" ? { response_time: time } : {},
  };
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
        expectRecount(records, read, { parser, preset: "apps" }, { batchBytes, checkpoint, upto });
      },
    ),
    { numRuns: 120, endOnFailure: true }, // shrinking so many records takes minutes,
  );
});
