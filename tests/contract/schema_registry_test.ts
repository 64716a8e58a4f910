/** Payments with registered schemas, against a real registry: checked at start, evolved, read by the engine, and missed. */
import avro from "avsc";
import { Buffer } from "node:buffer";
import { expect } from "expect";
import { readTraffic } from "../../cli/generate/traffic.ts";
import { type Config, configSchema } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import type { EmbeddedLog } from "../../core/log/embedded.ts";
import { openEmbeddedLog } from "../../core/log/registry.ts";
import { SoleMembership } from "../../core/log/sole_membership.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { writeFrame } from "../../core/schemas/framing.ts";
import { SchemaRegistry } from "../../core/schemas/registry.ts";
import type { Store } from "../../core/store/ports.ts";
import { openStore } from "../../core/store/registry.ts";
import { startEngine } from "../../engine/main.ts";
import { payment } from "../../generator/scenarios/payment.ts";
import { RECORD_ROOM_BYTES } from "../../generator/scenarios/scenario.ts";
import { PAYMENT_AVRO } from "../../generator/schemas/payment.ts";
import { serviceForTests } from "../services/for_tests.ts";

const access = await serviceForTests("registry");
const NOW_MS = Date.now();
const RANGE = { fromMs: NOW_MS - 3_600_000, toMs: NOW_MS + 3_600_000 };

interface Parts {
  readonly config: Config;
  readonly log: EmbeddedLog;
  readonly store: Store;
  readonly opened: AsyncDisposableStack;
}

function registryTest(claim: string, run: (parts: Parts) => Promise<void>, url = access?.url ?? ""): void {
  Deno.test({
    name: `schema registry: ${claim}`,
    ignore: access === null,
    async fn() {
      await using opened = new AsyncDisposableStack();
      const data = await Deno.makeTempDir({ prefix: "millrace-registry-" });
      opened.defer(() => Deno.remove(data, { recursive: true }));
      const schemaRegistry = { url, requestTimeoutMs: 20_000 };
      const config = configSchema.parse({ data, schemaRegistry, engine: { workers: 1, flushIntervalMs: 50 } });
      const log = await openEmbeddedLog({ dataDirectory: data, settings: config.log });
      opened.defer(() => log.close());
      const store = await openStore("duckdb", config);
      opened.defer(() => store.close());
      await run({ config, log, store, opened });
    },
  });
}

/** A subject that no other test has. */
const newSubject = () => `payments-${crypto.randomUUID()}-value`;
const registryOf = ({ config }: Parts) => new SchemaRegistry(config.schemaRegistry);
const schemaOf = (schema: object) => structuredClone(schema) as avro.Schema;

const EVOLVED = {
  ...PAYMENT_AVRO,
  fields: [
    ...PAYMENT_AVRO.fields.slice(0, 3),
    { name: "channel", type: ["null", "string"], default: null },
    ...PAYMENT_AVRO.fields.slice(3),
  ],
};

function framed(id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + payload.length);
  bytes.set(payload, writeFrame(id, bytes, 0));
  return bytes;
}

const PAID = {
  ...{ timestamp: NOW_MS, event_id: "evt_1", event_type: "payment", order_id: "ORD-1", customer_id: "cus_1" },
  ...{ customer_name: "A", customer_email: "a@example.com", amount: 12.5, currency: "EUR", payment_method: "card" },
  ...{ card_brand: null, card: null, status: "succeeded", failure_reason: null },
};
const encoded = (schema: object, value: object): Uint8Array =>
  avro.Type.forSchema(schemaOf(schema), { wrapUnions: true }).toBuffer(value);

async function write({ log }: Parts, name: string, partition: number, records: readonly Uint8Array[]): Promise<string> {
  const topic = await log.createTopic(name, { partitions: 2 });
  const writer = new TopicWriter(log, topic, { firstPartition: partition });
  for (const record of records) await writer.write(record, NOW_MS);
  await writer.flush();
  return topic.id;
}

async function start({ config, log, store, opened }: Parts): Promise<string[]> {
  const notices: string[] = [];
  const membership = new SoleMembership(log, () => {});
  const engine = await startEngine({ config, log, membership, store, onNotice: (notice) => notices.push(notice) });
  opened.defer(() => engine.stop());
  return notices;
}

async function until(claim: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!await isTrue()) {
    if (performance.now() > deadlineMs) throw new Error(`never: ${claim}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const consumed = async ({ store }: Parts, topicId: string, partition: number): Promise<number> =>
  (await store.partitions(topicId)).find((state) => state.partition === partition)?.totals.consumed ?? 0;

async function summed({ store }: Parts, topicId: string, statistic: "count" | "sum"): Promise<Record<string, number>> {
  const query = { topicId, range: RANGE, stepMinutes: 1, by: ["status"] as const, where: [], seriesMax: 50 };
  const measured = statistic === "sum" ? { measure: "amount" as const } : {};
  const { series } = await store.series({ ...query, statistic, ...measured });
  return Object.fromEntries(series.map(({ dimensions, points }) => [
    dimensions.status,
    points.reduce((sum, [, value]) => sum + (value ?? 0), 0),
  ]));
}

/** The generator's subject is of whichever test ran last. */
async function forgetSubject(subject: string): Promise<void> {
  const response = await fetch(`${access?.url}/subjects/${subject}`, { method: "DELETE" });
  await response.body?.cancel();
}

registryTest("a schema that is registered keeps its id, and one that breaks readers is refused", async (parts) => {
  const registry = registryOf(parts);
  const subject = newSubject();
  const id = await registry.register(subject, "AVRO", PAYMENT_AVRO);
  expect(await registry.register(subject, "AVRO", PAYMENT_AVRO)).toBe(id);
  const found = await registry.schemaOf(id);
  expect([found?.type, JSON.parse(found?.text ?? "").name]).toEqual(["AVRO", "Payment"]);
  // A field that old records don't have, without a default.
  const broken = { ...PAYMENT_AVRO, fields: [...PAYMENT_AVRO.fields, { name: "region", type: "string" }] };
  const refusal = await registry.register(subject, "AVRO", broken).then(() => null, (error) => error);
  expect(refusal).toBeInstanceOf(MillraceError);
  expect([refusal.code, refusal.message]).toEqual(["REFUSED", expect.stringContaining(`${subject} is not compatible`)]);
  expect(await registry.schemaOf(123_456_789)).toBeNull();
});

registryTest(
  "with a field added old readers read new payments, and the engine reads both in one topic",
  async (parts) => {
    const registry = registryOf(parts);
    const subject = newSubject();
    const [first, second] = [
      await registry.register(subject, "AVRO", PAYMENT_AVRO),
      await registry.register(subject, "AVRO", EVOLVED),
    ];
    expect(second).not.toBe(first);
    const newer = encoded(EVOLVED, { ...PAID, amount: 7.25, status: "declined", channel: { string: "app" } });
    const [oldType, newType] = [PAYMENT_AVRO, EVOLVED].map((schema) =>
      avro.Type.forSchema(schemaOf(schema), { wrapUnions: true })
    );
    const asOld = oldType.fromBuffer(Buffer.from(newer), oldType.createResolver(newType));
    expect([asOld.amount, asOld.status, "channel" in asOld]).toEqual([7.25, "declined", false]);
    const records = [framed(first, encoded(PAYMENT_AVRO, PAID)), framed(second, newer)];
    const topicId = await write(parts, "payments", 0, records);
    await start(parts);
    await until("both are counted", async () => await consumed(parts, topicId, 0) === 2);
    expect(await summed(parts, topicId, "sum")).toEqual({ succeeded: 12.5, declined: 7.25 });
  },
);

for (const payments of ["avro", "json_schema"] as const) {
  registryTest(`the generator's payments in ${payments} are counted as those in plain JSON`, async (parts) => {
    const generator = { payments, scenarios: ["payment"] };
    const config = configSchema.parse({ ...parts.config, generator });
    await forgetSubject(`${payment.topic}-value`);
    const { framing } = await readTraffic(config, {}, NOW_MS);
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    const recordsOf = (writer: ReturnType<typeof payment.create>) =>
      Array.from({ length: 2_000 }, (_, i) => out.slice(0, writer.write(0, i, NOW_MS, out, 0)));
    const framedId = await write(parts, "framed", 0, recordsOf(payment.create(3, [], framing)));
    const plainId = await write(parts, "plain", 0, recordsOf(payment.create(3)));
    await start(parts);
    for (const id of [framedId, plainId]) {
      await until("all are counted", async () => await consumed(parts, id, 0) === 2_000);
    }
    expect(await summed(parts, framedId, "count")).toEqual(await summed(parts, plainId, "count"));
    expect(await summed(parts, framedId, "sum")).toEqual(await summed(parts, plainId, "sum"));
    const [{ totals }] = await parts.store.partitions(framedId);
    expect(totals.unparsed).toBe(0);
  });
}

registryTest("an id that is nobody's goes to quarantine with its reason, and the rest is counted", async (parts) => {
  const id = await registryOf(parts).register(newSubject(), "AVRO", PAYMENT_AVRO);
  const value = encoded(PAYMENT_AVRO, PAID);
  const cut = framed(id, value).subarray(0, 30);
  const records = [
    framed(id, value),
    framed(99_999_999, value),
    cut,
    new TextEncoder().encode("{}"),
    framed(id, value),
  ];
  const topicId = await write(parts, "payments", 0, records);
  await start(parts);
  await until("all are counted", async () => await consumed(parts, topicId, 0) === 5);
  const kept = await parts.store.quarantine({ topicId, range: RANGE, limit: 10 });
  expect(kept.map(({ offset, reason }) => [offset, reason]).sort()).toEqual([
    [1, "unknown_schema"],
    [2, "invalid_avro"],
    [3, "no_schema_id"],
  ]);
  expect(await summed(parts, topicId, "count")).toMatchObject({ succeeded: 2 });
});

/** A registry that may be down: what is asked meanwhile is answered by 503. */
function unsteadyRegistry(): { readonly url: string; isDown: boolean; end(): Promise<void> } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    if (state.isDown) return new Response("", { status: 503 });
    const { pathname, search } = new URL(request.url);
    const init = { method: request.method, headers: request.headers, body: await request.arrayBuffer() };
    return await fetch(`${access?.url}${pathname}${search}`, request.method === "GET" ? {} : init);
  });
  const state = { url: `http://127.0.0.1:${server.addr.port}`, isDown: false, end: () => server.shutdown() };
  return state;
}

registryTest("while the registry is down its records wait, others go on, and nothing is lost", async (whole) => {
  const registry = unsteadyRegistry();
  whole.opened.defer(() => registry.end());
  const config = configSchema.parse({ ...whole.config, schemaRegistry: { url: registry.url } });
  const parts = { ...whole, config };
  const id = await registryOf(parts).register(newSubject(), "AVRO", PAYMENT_AVRO);
  registry.isDown = true;
  const topicId = await write(parts, "payments", 0, [framed(id, encoded(PAYMENT_AVRO, PAID))]);
  const plainId = await write(parts, "plain", 0, [new TextEncoder().encode('{"level":"INFO","message":"on"}')]);
  const notices = await start(parts);
  await until("it is told", () => notices.some((notice) => notice.includes(`records wait for schema ${id}`)));
  expect(notices.join()).toContain("(schemaRegistry.url) did not answer");
  await until("the other topic is counted", async () => await consumed(parts, plainId, 0) === 1);
  expect(await consumed(parts, topicId, 0)).toBe(0);
  registry.isDown = false;
  await until("what waited is counted", async () => await consumed(parts, topicId, 0) === 1);
  expect(await summed(parts, topicId, "count")).toEqual({ succeeded: 1 });
  expect(notices.some((notice) => notice.includes("the schema registry answers again"))).toBe(true);
});

Deno.test("schema registry: payments in Avro without one are refused, with the setting to set", async () => {
  const config = configSchema.parse({ generator: { payments: "avro" } });
  await expect(readTraffic(config, {}, NOW_MS)).rejects.toThrow("generator.payments: avro needs a schema registry");
});

Deno.test("schema registry: one that does not answer, or is none, is told with its address", async () => {
  const registryAt = (url: string) =>
    new SchemaRegistry(configSchema.parse({ schemaRegistry: { url } }).schemaRegistry);
  const told = async (url: string) => await registryAt(url).schemaOf(1).then(() => null, (error) => error);
  const silent = await told("http://127.0.0.1:1");
  expect([silent.code, silent.message]).toEqual(["UNREACHABLE", expect.stringContaining("http://127.0.0.1:1")]);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("<html>"));
  const other = await told(`http://127.0.0.1:${server.addr.port}`);
  await server.shutdown();
  expect([other.code, other.message]).toEqual(["REFUSED", expect.stringContaining("none of a schema registry")]);
});
