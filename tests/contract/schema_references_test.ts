/** Schemas that refer to others, in a real registry: Protobuf, Avro and JSON Schema, read by the engine. */
import avro from "avsc";
import { Buffer } from "node:buffer";
import { expect } from "expect";
import { configSchema } from "../../core/config/schema.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { writeFrame } from "../../core/schemas/framing.ts";
import { SchemaRegistry } from "../../core/schemas/registry.ts";
import type { Store } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { IMPORTS, ORDER, ORDER_VALUE, PAYMENT_VALUE } from "../../engine/parsing/test_protobuf.ts";
import { serviceForTests } from "../services/for_tests.ts";
import { until } from "./kafka_for_tests.ts";

const access = await serviceForTests("registry");
const NOW_MS = Date.now();

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** Registers as other clients do; answers the id. */
async function register(subject: string, type: string, schema: string, references: readonly Reference[] = []) {
  const response = await fetch(`${access?.url}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: "POST",
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
    body: JSON.stringify({ schema, schemaType: type, references }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${subject}: ${JSON.stringify(answer)}`);
  return Number(answer.id);
}

/** The order of the Protobuf fixtures with its imports, each under a subject of its own. */
async function registerOrder(): Promise<number> {
  const run = crypto.randomUUID();
  const reference = (name: string): Reference => ({ name, subject: `${run}/${name}`, version: 1 });
  const [level, http] = IMPORTS;
  await register(`${run}/${level.name}`, "PROTOBUF", level.text);
  await register(`${run}/${http.name}`, "PROTOBUF", http.text, [reference(level.name)]);
  return await register(`${run}-value`, "PROTOBUF", ORDER, [reference(level.name), reference(http.name)]);
}

function framed(id: number, path: readonly number[], value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + path.length + value.length);
  bytes.set(path, writeFrame(id, bytes, 0));
  bytes.set(value, 5 + path.length);
  return bytes;
}

/** Counts records in an engine of their own, and hands on what it has stored. */
async function count(
  records: readonly Uint8Array[],
  check: (store: Store, topicId: string) => Promise<void>,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const data = await Deno.makeTempDir({ prefix: "millrace-references-" });
  opened.defer(() => Deno.remove(data, { recursive: true }));
  const schemaRegistry = { url: access?.url, requestTimeoutMs: 20_000 };
  const config = configSchema.parse({ data, schemaRegistry, engine: { workers: 1, flushIntervalMs: 50 } });
  const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
  opened.defer(() => log.close());
  const store = await openStore("duckdb", config);
  opened.defer(() => store.close());
  const topic = await log.createTopic("orders", { partitions: 1, format: "registry" });
  const writer = new TopicWriter(log, topic, {});
  for (const record of records) await writer.write(record, NOW_MS);
  await writer.flush();
  const membership = new SoleMembership(log, () => {});
  const engine = await startEngine({ config, log, membership, store, onNotice: () => {} });
  opened.defer(() => engine.stop());
  await until(
    "all are counted",
    async () => (await store.partitions(topic.id))[0]?.totals.consumed === records.length,
  );
  await check(store, topic.id);
}

async function counts(store: Store, topicId: string): Promise<Record<string, number>> {
  const range = { fromMs: Date.UTC(2026, 0, 1), toMs: NOW_MS + 3_600_000 };
  const by = ["service", "level", "status"] as const;
  const { series } = await store.series({
    ...{ topicId, range, stepMinutes: 60, by, where: [], seriesMax: 50, statistic: "count" },
  });
  return Object.fromEntries(series.map(({ dimensions: { service, level, status }, points }) => [
    [service, level, status].join(" "),
    points.reduce((sum, [, value]) => sum + (value ?? 0), 0),
  ]));
}

function referenceTest(claim: string, run: () => Promise<void>): void {
  Deno.test({ name: `schema registry: ${claim}`, ignore: access === null, fn: run });
}

referenceTest("Protobuf is read with the files that it imports, by the message that each value names", async () => {
  const id = await registerOrder();
  const order = framed(id, [4, 0, 2], ORDER_VALUE);
  const records = [order, order, framed(id, [2, 2], PAYMENT_VALUE), framed(id, [2, 8], PAYMENT_VALUE)];
  await count(records, async (store, topicId) => {
    expect(await counts(store, topicId)).toMatchObject({ "cart ERROR -5": 2, "  declined": 1 });
    const range = { fromMs: NOW_MS - 3_600_000, toMs: NOW_MS + 3_600_000 };
    const kept = await store.quarantine({ topicId, range, limit: 10 });
    expect(kept.map(({ offset, reason }) => [offset, reason])).toEqual([[3, "invalid_protobuf"]]);
  });
});

referenceTest("references are answered in the order in which they need each other", async () => {
  const config = configSchema.parse({ schemaRegistry: { url: access?.url, requestTimeoutMs: 20_000 } });
  const schema = await new SchemaRegistry(config.schemaRegistry).schemaOf(await registerOrder());
  expect(schema?.type).toBe("PROTOBUF");
  expect(schema?.references.map(({ name }) => name)).toEqual(["shared/level.proto", "shared/http.proto"]);
});

referenceTest("Avro and JSON are read where their schemas name types of other subjects", async () => {
  const run = crypto.randomUUID();
  const level: avro.Schema = { type: "enum", name: "Level", namespace: "shop.shared", symbols: ["INFO", "ERROR"] };
  const http: avro.Schema = {
    type: "record",
    name: "Http",
    namespace: "shop.shared",
    fields: [{ name: "status_code", type: "int" }, { name: "worst", type: "shop.shared.Level" }],
  };
  const order: avro.Schema = {
    type: "record",
    name: "Order",
    namespace: "shop",
    fields: [
      { name: "http", type: "shop.shared.Http" },
      { name: "service", type: "string" },
      { name: "level", type: "shop.shared.Level" },
    ],
  };
  const reference = (name: string, file: string): Reference => ({ name, subject: `${run}-${file}`, version: 1 });
  const [levels, https] = [reference("shop.shared.Level", "level"), reference("shop.shared.Http", "http")];
  await register(`${run}-level`, "AVRO", JSON.stringify(level));
  await register(`${run}-http`, "AVRO", JSON.stringify(http), [levels]);
  const avroId = await register(`${run}-order`, "AVRO", JSON.stringify(order), [levels, https]);
  const registry = {};
  for (const schema of [level, http]) avro.Type.forSchema(structuredClone(schema), { registry });
  const type = avro.Type.forSchema(order, { registry });
  const value = type.toBuffer({ service: "cart", level: "ERROR", http: { status_code: 503, worst: "INFO" } });

  const money = { $schema: "http://json-schema.org/draft-07/schema#", type: "object", properties: {} };
  await register(`${run}-money`, "JSON", JSON.stringify(money));
  const jsonOrder = { ...money, properties: { price: { $ref: "money.json" } } };
  const jsonId = await register(`${run}-json`, "JSON", JSON.stringify(jsonOrder), [reference("money.json", "money")]);
  const json = Buffer.from('{"service":"till","level":"INFO","status":200,"price":{}}');

  await count([framed(avroId, [], value), framed(jsonId, [], json)], async (store, topicId) => {
    expect(await counts(store, topicId)).toEqual({ "cart ERROR 503": 1, "till INFO 200": 1 });
  });
});
