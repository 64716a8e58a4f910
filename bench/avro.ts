/**
 * How many payments a second one core reads: in Avro by our plan and by avsc into objects, in Protobuf by ours and by
 * protobufjs, in JSON by our scanner and by JSON.parse. By the CPU time of this process: other work on the machine does not count.
 * Run: deno run -A bench/avro.ts
 */
import avro from "avsc";
import { Buffer } from "node:buffer";
import process from "node:process";
import protobuf from "protobufjs";
import { EventFields } from "../core/minutes/fields.ts";
import type { RegisteredSchema } from "../core/schemas/registry.ts";
import type { CompiledParser } from "../engine/parsing/parser.ts";
import { registeredPayments } from "../engine/parsing/registered.ts";
import { Schemas } from "../engine/parsing/schemas.ts";
import { payment } from "../generator/scenarios/payment.ts";
import { RECORD_ROOM_BYTES } from "../generator/scenarios/scenario.ts";
import { PAYMENT_AVRO } from "../generator/schemas/payment.ts";

const RECORDS = 200_000;
const ROUNDS = 9;
const NOW_MS = Date.UTC(2026, 2, 1);
const FRAME_BYTES = 5;

const PAYMENT_PROTOBUF = `syntax = "proto3";
message Payment {
  int64 timestamp = 1;
  ${
  ["event_id", "event_type", "order_id", "customer_id", "customer_name", "customer_email", "currency", "payment_method"]
    .concat(["card_brand", "card", "status", "failure_reason"]).map((name, i) => `string ${name} = ${i + 3};`).join(
      "\n  ",
    )
}
  double amount = 2;
}`;

const KNOWN: Readonly<Record<number, RegisteredSchema>> = {
  1: { type: "AVRO", text: JSON.stringify(PAYMENT_AVRO), references: [] },
  2: { type: "JSON", text: "{}", references: [] },
  3: { type: "PROTOBUF", text: PAYMENT_PROTOBUF, references: [] },
};
const schemas = new Schemas({ schemaOf: (id) => Promise.resolve(KNOWN[id] ?? null) }, () => 0);
await schemas.load(1);
await schemas.load(2);
await schemas.load(3);

/** Records back to back, as in a batch. */
function records(encoding: "avro" | "json_schema", schemaId: number): { bytes: Uint8Array; ends: Int32Array } {
  const writer = payment.create(1, [], { encoding, schemaId });
  const bytes = new Uint8Array(RECORDS * 512 + RECORD_ROOM_BYTES);
  const ends = new Int32Array(RECORDS + 1);
  for (let i = 0; i < RECORDS; i++) ends[i + 1] = writer.write(0, i, NOW_MS + i, bytes, ends[i]);
  return { bytes: bytes.slice(0, ends[RECORDS]), ends };
}

/** The payments of JSON as messages, framed: a zero, the id, the path of the first message, the value. */
function protobufOf({ bytes, ends }: ReturnType<typeof records>): ReturnType<typeof records> {
  const text = new TextDecoder();
  const whole = new Uint8Array(bytes.length);
  const wholeEnds = new Int32Array(RECORDS + 1);
  for (let i = 0; i < RECORDS; i++) {
    const { timestamp, ...rest } = JSON.parse(text.decode(bytes.subarray(ends[i] + FRAME_BYTES, ends[i + 1])));
    const value = message.encode(message.fromObject({ ...rest, timestamp: Date.parse(timestamp) })).finish();
    whole.set([0, 0, 0, 0, 3, 0], wholeEnds[i]);
    whole.set(value, wholeEnds[i] + FRAME_BYTES + 1);
    wholeEnds[i + 1] = wholeEnds[i] + FRAME_BYTES + 1 + value.length;
  }
  return { bytes: whole.slice(0, wholeEnds[RECORDS]), ends: wholeEnds };
}

const inAvro = records("avro", 1);
const inJson = records("json_schema", 2);
const message = protobuf.parse(PAYMENT_PROTOBUF, { keepCase: true }).root.lookupType("Payment");
const inProtobuf = protobufOf(inJson);
const out = new EventFields();
const type = avro.Type.forSchema(JSON.parse(JSON.stringify(PAYMENT_AVRO)));
const decoder = new TextDecoder();

function parse(parser: CompiledParser, { bytes, ends }: typeof inAvro): void {
  for (let i = 0; i < RECORDS; i++) {
    if (parser.parse(bytes, ends[i], ends[i + 1], NOW_MS, out) !== null) throw new Error("a payment that is none");
  }
}

const parser = registeredPayments.compile({ timeZone: "UTC", mapping: {}, schemas });
const buffer = Buffer.from(inAvro.bytes.buffer);
const ways: Readonly<Record<string, () => void>> = {
  "Avro, ours": () => parse(parser, inAvro),
  "Avro, avsc into objects": () => {
    for (let i = 0; i < RECORDS; i++) {
      type.fromBuffer(buffer.subarray(inAvro.ends[i] + FRAME_BYTES, inAvro.ends[i + 1]));
    }
  },
  "Protobuf, ours": () => parse(parser, inProtobuf),
  "Protobuf, protobufjs into objects": () => {
    const { bytes, ends } = inProtobuf;
    for (let i = 0; i < RECORDS; i++) message.decode(bytes.subarray(ends[i] + FRAME_BYTES + 1, ends[i + 1]));
  },
  "JSON, ours": () => parse(parser, inJson),
  "JSON, JSON.parse": () => {
    const { bytes, ends } = inJson;
    for (let i = 0; i < RECORDS; i++) JSON.parse(decoder.decode(bytes.subarray(ends[i] + FRAME_BYTES, ends[i + 1])));
  },
};

const rates = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(ways)) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    rates.get(name)?.push(RECORDS / (user + system));
  }
}
const bytesOf = ({ bytes }: typeof inAvro) => Math.round(bytes.length / RECORDS);
console.log(`bytes a record: Avro ${bytesOf(inAvro)}, Protobuf ${bytesOf(inProtobuf)}, JSON ${bytesOf(inJson)}\n`);
console.log("| way | million records/s of one core, median |\n| --- | --- |");
for (const [name, found] of rates) console.log(`| ${name} | ${found.sort((a, b) => a - b)[ROUNDS >> 1].toFixed(2)} |`);
