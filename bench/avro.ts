/**
 * How many payments a second one core reads: in Avro by our plan and by avsc into objects, in JSON by our scanner and by
 * JSON.parse. By the CPU time of this process: other work on the machine does not count.
 * Run: deno run -A bench/avro.ts
 */
import avro from "avsc";
import { Buffer } from "node:buffer";
import process from "node:process";
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

const KNOWN: Readonly<Record<number, RegisteredSchema>> = {
  1: { type: "AVRO", text: JSON.stringify(PAYMENT_AVRO), hasReferences: false },
  2: { type: "JSON", text: "{}", hasReferences: false },
};
const schemas = new Schemas({ schemaOf: (id) => Promise.resolve(KNOWN[id] ?? null) }, () => 0);
await schemas.load(1);
await schemas.load(2);

/** Records back to back, as in a batch. */
function records(encoding: "avro" | "json_schema", schemaId: number): { bytes: Uint8Array; ends: Int32Array } {
  const writer = payment.create(1, [], { encoding, schemaId });
  const bytes = new Uint8Array(RECORDS * 512 + RECORD_ROOM_BYTES);
  const ends = new Int32Array(RECORDS + 1);
  for (let i = 0; i < RECORDS; i++) ends[i + 1] = writer.write(0, i, NOW_MS + i, bytes, ends[i]);
  return { bytes: bytes.slice(0, ends[RECORDS]), ends };
}

const inAvro = records("avro", 1);
const inJson = records("json_schema", 2);
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
console.log(`bytes a record: Avro ${bytesOf(inAvro)}, JSON ${bytesOf(inJson)}\n`);
console.log("| way | million records/s of one core, median |\n| --- | --- |");
for (const [name, found] of rates) console.log(`| ${name} | ${found.sort((a, b) => a - b)[ROUNDS >> 1].toFixed(2)} |`);
