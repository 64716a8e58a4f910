import { expect } from "expect";
import fc from "fast-check";
import protobuf from "protobufjs";
import { EventFields, MEASURE_SLOT, SLOT, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { writeFrame } from "../../core/schemas/framing.ts";
import type { RegisteredSchema, SchemaReference } from "../../core/schemas/registry.ts";
import type { CompiledParser } from "./parser.ts";
import { IMPORTS, INNER_VALUE, ORDER, ORDER_VALUE, PAYMENT_VALUE, PING_VALUE } from "./test_protobuf.ts";
import { registered, registeredPayments } from "./registered.ts";
import { Schemas } from "./schemas.ts";

const TIME_MS = Date.UTC(2026, 2, 1);
const decoder = new TextDecoder();

const schema = (text: string, references: readonly SchemaReference[] = []): RegisteredSchema => ({
  type: "PROTOBUF",
  text,
  references,
});

async function parserOf(known: Readonly<Record<number, RegisteredSchema>>, kind = registered): Promise<CompiledParser> {
  const schemas = new Schemas({ schemaOf: (id) => Promise.resolve(known[id] ?? null) }, () => 0);
  for (const id of Object.keys(known)) await schemas.load(Number(id));
  return kind.compile({ timeZone: "UTC", mapping: {}, schemas });
}

/** The frame, the path of the message (its count and indexes, with folded signs; a single zero for the first), the value. */
function framed(id: number, path: readonly number[], value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + path.length + value.length);
  bytes.set(path, writeFrame(id, bytes, 0));
  bytes.set(value, 5 + path.length);
  return bytes;
}

/** What was read, or the reason why not. */
function read(parser: CompiledParser, bytes: Uint8Array): Record<string, unknown> | string {
  const fields = new EventFields();
  const reason = parser.parse(bytes, 0, bytes.length, TIME_MS, fields);
  if (reason !== null) return reason;
  const { starts, ends } = fields;
  const texts = TEXT_FIELDS.filter((name) => starts[SLOT[name]] >= 0)
    .map((name) => [name, decoder.decode(fields.bytes.subarray(starts[SLOT[name]], ends[SLOT[name]]))]);
  const measures = Object.entries(MEASURE_SLOT).filter(([, slot]) => !Number.isNaN(fields.measures[slot]))
    .map(([name, slot]) => [name, fields.measures[slot]]);
  return { ...Object.fromEntries([...texts, ...measures]), micros: fields.timestampMicros };
}

Deno.test("what Python's protobuf wrote is read: times, durations, wrappers, enums, nested messages; lists are stepped over", async () => {
  const parser = await parserOf({ 7: schema(ORDER, IMPORTS) });
  expect(read(parser, framed(7, [4, 0, 2], ORDER_VALUE))).toEqual({
    ...{ service: "cart", level: "ERROR", message: "no stock: é", user: "-7" },
    ...{ response_time: 1_250_000, content_size: 123_456_789_012, micros: 1_772_366_400_123_456 },
    ...{ method: "POST", status: "-5" },
  });
});

Deno.test("the path before a value names its message, in the order of the file, imports left out", async () => {
  const known = { 7: schema(ORDER, IMPORTS) };
  const parser = await parserOf(known);
  expect(read(parser, framed(7, [0], PING_VALUE))).toMatchObject({ message: "first" });
  expect(read(parser, framed(7, [2, 0], PING_VALUE))).toMatchObject({ message: "first" });
  expect(read(parser, framed(7, [4, 0, 0], INNER_VALUE))).toMatchObject({ service: "inner" });
  const payments = await parserOf(known, registeredPayments);
  expect(read(payments, framed(7, [2, 2], PAYMENT_VALUE))).toEqual({
    ...{ level: "ERROR", event_type: "payment", status: "declined", currency: "EUR" },
    ...{ amount: 125_000, micros: 1_772_366_400_123_000 },
  });
  for (const path of [[2, 4], [4, 0, 4], [1], [6, 0, 0, 0]]) {
    expect(read(parser, framed(7, path, PING_VALUE))).toBe("invalid_protobuf");
  }
});

Deno.test("a schema with an import that is missing, or without a message, is none that can be read", async () => {
  const parser = await parserOf({
    1: schema(ORDER, IMPORTS.slice(0, 1)),
    2: schema('syntax = "proto3"; enum A { B = 0; }'),
    3: schema("message {"),
  });
  for (const id of [1, 2, 3]) expect(read(parser, framed(id, [0], PING_VALUE))).toBe("unsupported_schema");
});

Deno.test("values that are cut short, or any bytes, are read or refused, and never more is read than there is", async () => {
  const parser = await parserOf({ 7: schema(ORDER, IMPORTS) });
  for (let length = 0; length < ORDER_VALUE.length; length++) {
    const cut = framed(7, [4, 0, 2], ORDER_VALUE.subarray(0, length));
    // Between two fields a value may end.
    if (typeof read(parser, cut) === "string") expect(read(parser, cut)).toBe("invalid_protobuf");
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
    const seen = read(parser, framed(7, [], payload));
    if (typeof seen === "string") expect(seen).toBe("invalid_protobuf");
  }));
  // Groups within groups, deeper than a stack is.
  const groups = Uint8Array.from({ length: 100_000 }, (_, i) => i % 2 === 0 ? 0xfb : 0x01);
  expect(read(parser, framed(7, [0], groups))).toBe("invalid_protobuf");
});

const NUMBERS = `syntax = "proto2";
message Numbers {
  optional group Skipped = 30 { optional string message = 1; optional group Deeper = 2 { optional int32 n = 1; } }
  optional int32 status = 1;
  optional sint64 content_size = 2;
  optional float latency_ms = 3;
  optional uint64 timestamp = 4;
  optional fixed32 user_id = 5;
  optional sfixed64 code = 6;
  repeated sint32 tags = 7 [packed = true];
  optional string message = 8;
}`;

Deno.test("numbers of all kinds are those that protobufjs wrote, in any order of their fields", async () => {
  const parser = await parserOf({ 1: schema(NUMBERS) });
  const type = protobuf.parse(NUMBERS, { keepCase: true }).root.lookupType("Numbers");
  const numbers = fc.record({
    status: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    content_size: fc.maxSafeInteger().filter((size) => Math.abs(size) < 2 ** 45),
    latency_ms: fc.integer({ min: 0, max: 79_999 }).map((eighths) => eighths / 8),
    timestamp: fc.integer({ min: 1_000_000_000_000, max: 4_000_000_000_000 }),
    user_id: fc.nat(2 ** 32 - 1),
    message: fc.stringMatching(/^[\w é🙂]{1,20}$/u),
    skipped: fc.record({ message: fc.string(), deeper: fc.record({ n: fc.integer() }) }),
    tags: fc.array(fc.integer(), { maxLength: 3 }),
  });
  fc.assert(fc.property(numbers, fc.boolean(), (value, isTwice) => {
    const encoded = type.encode(type.fromObject(value)).finish();
    // A field that comes twice counts as it was last.
    const bytes = isTwice ? new Uint8Array([...type.encode({ message: "before" }).finish(), ...encoded]) : encoded;
    expect(read(parser, framed(1, [0], bytes))).toEqual({
      ...{ status: String(value.status), user: String(value.user_id), message: value.message },
      ...{ content_size: value.content_size, micros: value.timestamp * 1000 },
      response_time: Math.round(value.latency_ms * 1000),
    });
  }));
});
