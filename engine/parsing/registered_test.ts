import avro from "avsc";
import { Buffer } from "node:buffer";
import { expect } from "expect";
import fc from "fast-check";
import { EventFields, MEASURE_SLOT, SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { writeFrame } from "../../core/schemas/framing.ts";
import type { RegisteredSchema } from "../../core/schemas/registry.ts";
import { registered, registeredPayments } from "./registered.ts";
import { Schemas } from "./schemas.ts";

const TIME_MS = Date.UTC(2026, 2, 1);
const decoder = new TextDecoder();

const ORDER: avro.Schema = {
  type: "record",
  name: "Order",
  namespace: "shop",
  fields: [
    { name: "tags", type: { type: "array", items: "string" } },
    { name: "ts", type: { type: "long", logicalType: "timestamp-micros" } },
    { name: "attempts", type: { type: "map", values: { type: "array", items: ["null", "long"] } } },
    { name: "level", type: { type: "enum", name: "Level", symbols: ["DEBUG", "WARN", "ERROR"] } },
    {
      name: "http",
      type: {
        type: "record",
        name: "Http",
        fields: [
          { name: "digest", type: { type: "fixed", name: "Digest", size: 6 } },
          { name: "method", type: "string" },
          { name: "status_code", type: "int" },
        ],
      },
    },
    { name: "service", type: ["null", "string"], default: null },
    { name: "isRetry", type: "boolean" },
    { name: "latency_ms", type: ["null", "float", "double", "long"] },
    { name: "payload", type: "bytes" },
    { name: "parent", type: ["null", "shop.Order"], default: null },
    { name: "message", type: "string" },
  ],
};

const text = (schema: avro.Schema): RegisteredSchema => ({
  type: "AVRO",
  text: JSON.stringify(schema),
  references: [],
});

function schemasOf(known: Readonly<Record<number, RegisteredSchema>>): Schemas {
  return new Schemas({ schemaOf: (id) => Promise.resolve(known[id] ?? null) }, () => 0);
}

function framed(id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length);
  bytes.set(payload, writeFrame(id, bytes, 0));
  return bytes;
}

/** What was read: text fields, measures in units, and the time. */
function seen(fields: EventFields): Record<string, unknown> {
  const texts = TEXT_FIELDS.flatMap((name) => {
    const slot = SLOT[name];
    return fields.starts[slot] < 0
      ? []
      : [[name, decoder.decode(fields.bytes.subarray(fields.starts[slot], fields.ends[slot]))]];
  });
  const measures = Object.entries(MEASURE_SLOT).flatMap(([name, slot]) =>
    Number.isNaN(fields.measures[slot]) ? [] : [[name, fields.measures[slot]]]
  );
  return { ...Object.fromEntries([...texts, ...measures]), micros: fields.timestampMicros };
}

/** What avsc writes as a long at most: one less than a safe integer. */
const LONG_MAX = Number.MAX_SAFE_INTEGER - 1;

const order = fc.record({
  tags: fc.array(fc.string(), { maxLength: 3 }),
  ts: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
  attempts: fc.dictionary(
    fc.string(),
    fc.array(fc.option(fc.integer({ min: -LONG_MAX, max: LONG_MAX }).map((long) => ({ long }))), { maxLength: 3 }),
    { maxKeys: 3 },
  ),
  level: fc.constantFrom("DEBUG", "WARN", "ERROR"),
  http: fc.record({
    digest: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    method: fc.constantFrom("GET", "POST"),
    status_code: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  }),
  service: fc.option(fc.stringMatching(/^[a-zé]{1,12}$/).map((string) => ({ string }))),
  isRetry: fc.boolean(),
  latency_ms: fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 9_000_000 }).map((thousandths) => ({ double: thousandths / 1000 })),
    fc.integer({ min: 0, max: 100_000 }).map((long) => ({ long })),
  ),
  payload: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  parent: fc.constant(null),
  message: fc.stringMatching(/^[\w "\\é€🙂-]{1,30}$/u),
});

Deno.test("what avsc writes is read: wanted fields wherever they stand, others stepped over", async () => {
  const type = avro.Type.forSchema(ORDER, { wrapUnions: true });
  const schemas = schemasOf({ 7: text(ORDER) });
  await schemas.load(7);
  const parser = registered.compile({ timeZone: "UTC", mapping: {}, schemas });
  const fields = new EventFields();
  fc.assert(fc.property(order, order, (value, parent) => {
    const record = { ...value, parent: { "shop.Order": parent } };
    const bytes = framed(7, type.toBuffer(record));
    const padded = new Uint8Array(bytes.length + 9).fill(0x41);
    padded.set(bytes, 4);
    expect(parser.parse(padded, 4, 4 + bytes.length, TIME_MS, fields)).toBeNull();
    const { latency_ms } = value;
    const latency = latency_ms === null ? null : "double" in latency_ms ? latency_ms.double : latency_ms.long;
    expect(seen(fields)).toEqual({
      level: value.level,
      method: value.http.method,
      ...(value.service === null ? {} : { service: value.service.string }),
      message: value.message,
      ...(latency === null ? {} : { response_time: Math.round(latency * 1000) }),
      micros: value.ts,
      ...{ status: String(value.http.status_code) },
    });
  }));
});

Deno.test("bytes that are no value of their schema go to quarantine, whatever they are", async () => {
  const type = avro.Type.forSchema(ORDER, { wrapUnions: true });
  const schemas = schemasOf({ 7: text(ORDER) });
  await schemas.load(7);
  const parser = registered.compile({ timeZone: "UTC", mapping: {}, schemas });
  const fields = new EventFields();
  fc.assert(fc.property(order, fc.nat(), fc.uint8Array({ maxLength: 3 }), (value, cut, more) => {
    const whole = framed(7, type.toBuffer(value));
    const short = whole.subarray(0, 5 + cut % (whole.length - 5));
    expect(parser.parse(short, 0, short.length, TIME_MS, fields)).toBe("invalid_avro");
    const long = Buffer.concat([whole, more]);
    expect(parser.parse(long, 0, long.length, TIME_MS, fields)).toBe(more.length === 0 ? null : "invalid_avro");
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
    const bytes = framed(7, payload);
    expect([null, "invalid_avro"]).toContain(parser.parse(bytes, 0, bytes.length, TIME_MS, fields));
  }));
});

Deno.test("a union's branch, a decimal and a float become the number that was meant", async () => {
  const schemaOf = (amount: avro.Schema): avro.Schema => ({
    type: "record",
    name: "Payment",
    fields: [
      { name: "amount", type: amount },
      { name: "currency", type: "string" },
      { name: "status", type: "string" },
    ],
  });
  const decimal = { type: "bytes", logicalType: "decimal", precision: 12, scale: 2 } as const;
  const schemas = schemasOf({ 1: text(schemaOf(decimal)) });
  await schemas.load(1);
  const parser = registeredPayments.compile({ timeZone: "UTC", mapping: {}, schemas });
  const type = avro.Type.forSchema(schemaOf("bytes"));
  const fields = new EventFields();
  const read = (amount: readonly number[], status: string) => {
    const bytes = framed(1, type.toBuffer({ amount: Buffer.from(amount), currency: "eur", status }));
    expect(parser.parse(bytes, 0, bytes.length, TIME_MS, fields)).toBeNull();
    return seen(fields);
  };
  expect(read([0x04, 0xd2], "succeeded")).toMatchObject({ amount: 123_400, currency: "EUR", level: "INFO" }); // 12.34
  expect(read([0xff, 0x85], "declined")).toMatchObject({ amount: -12_300, level: "ERROR" }); // -1.23
});

Deno.test("JSON with a registered schema is read as JSON, between records in Avro too", async () => {
  const schemas = schemasOf({ 7: text(ORDER), 8: { type: "JSON", text: "{}", references: [] } });
  await Promise.all([schemas.load(7), schemas.load(8)]);
  const parser = registered.compile({ timeZone: "UTC", mapping: {}, schemas });
  const type = avro.Type.forSchema(ORDER, { wrapUnions: true });
  const [value] = fc.sample(order, { numRuns: 1, seed: 1 });
  const fields = new EventFields();
  const json = new TextEncoder().encode('{"service":"cart","level":"warn","message":"x","latency_ms":1.5}');
  for (let round = 0; round < 3; round++) {
    const one = framed(8, json);
    expect(parser.parse(one, 0, one.length, TIME_MS, fields)).toBeNull();
    expect(seen(fields)).toMatchObject({ service: "cart", level: "WARN", message: "x", response_time: 1500 });
    const other = framed(7, type.toBuffer(value));
    expect(parser.parse(other, 0, other.length, TIME_MS, fields)).toBeNull();
    expect(seen(fields)).toMatchObject({ method: value.http.method, micros: value.ts });
  }
});

Deno.test("what names no schema, an unknown one, or one that cannot be used has its reason", async () => {
  const schemas = schemasOf({
    2: { type: "PROTOBUF", text: "syntax = 'proto3';", references: [] },
    3: { type: "AVRO", text: '"string"', references: [] },
    4: { type: "AVRO", text: "{", references: [] },
  });
  for (const id of [1, 2, 3, 4]) await schemas.load(id);
  const parser = registered.compile({ timeZone: "UTC", mapping: {}, schemas });
  const fields = new EventFields();
  const reasonOf = (bytes: Uint8Array) => parser.parse(bytes, 0, bytes.length, TIME_MS, fields);
  const payload = Uint8Array.of(2, 0x41);
  expect([1, 2, 3, 4].map((id) => reasonOf(framed(id, payload)))).toEqual([
    "unknown_schema",
    "unsupported_schema",
    "unsupported_schema",
    "unsupported_schema",
  ]);
  expect(reasonOf(new TextEncoder().encode("{}"))).toBe("no_schema_id");
  expect(reasonOf(Uint8Array.of(0, 0, 0))).toBe("no_schema_id");
  expect(reasonOf(new Uint8Array(0))).toBe("empty");
});

Deno.test("a schema that is not loaded is asked for, once, and an unknown one again after a while", async () => {
  let nowMs = 0;
  const asked: number[] = [];
  const schemas = new Schemas({
    schemaOf: (id) => {
      asked.push(id);
      return Promise.resolve(asked.length > 1 ? text(ORDER) : null);
    },
  }, () => nowMs);
  expect(() => schemas.find(9)).toThrow("schema 9 is not loaded");
  await Promise.all([schemas.load(9), schemas.load(9)]);
  expect(schemas.find(9)).toBeNull();
  nowMs += 60_000;
  expect(() => schemas.find(9)).toThrow("schema 9 is not loaded");
  await schemas.load(9);
  expect(schemas.find(9)).toEqual(text(ORDER));
  expect(asked).toEqual([9, 9]);
});
