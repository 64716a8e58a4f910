import avro from "avsc";
import { Buffer } from "node:buffer";
import { expect } from "expect";
import { EventFields, MEASURE_SCALE, MEASURE_SLOT, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { normalizeEndpointText } from "../../engine/parsing/endpoint.ts";
import { detectFormat } from "../../engine/parsing/registry.ts";
import { BROKEN_EVERY, LATE_EVERY, LATE_MS_MAX, LATE_MS_MIN } from "./api.ts";
import { API_ENDPOINTS } from "./api_endpoints.ts";
import { PAYMENT_AVRO } from "../schemas/payment.ts";
import { SCENARIOS, USUAL_SCENARIOS } from "./registry.ts";
import { RECORD_ROOM_BYTES, type Scenario } from "./scenario.ts";

const TIME_MS = Date.UTC(2026, 2, 1, 12);
const decoder = new TextDecoder();

/** Records [0, count) of one partition, a millisecond apart, each in bytes of its own. */
function* recordsOf(scenario: Scenario, count: number, partition = 2, seed = 11): Generator<Uint8Array> {
  const writer = scenario.create(seed);
  const out = new Uint8Array(RECORD_ROOM_BYTES + 5);
  for (let i = 0; i < count; i++) yield out.slice(5, writer.write(partition, i, TIME_MS + i, out, 5));
}

function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario;
}

Deno.test("scenarios have names and topics of their own, and share the whole rate", () => {
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  expect(new Set(SCENARIOS.map(({ topic }) => topic)).size).toBe(SCENARIOS.length);
  expect(USUAL_SCENARIOS.map(({ topic, share }) => [topic, share])).toEqual([
    ["app-logs", 0.8],
    ["access-logs", 0.15],
    ["payments", 0.05],
  ]);
});

for (const scenario of SCENARIOS) {
  const { name } = scenario;

  Deno.test(`${name}: a record is a function of seed, partition, index and time, whatever was written before`, () => {
    const inOrder = [...recordsOf(scenario, 3000)].map((record) => decoder.decode(record));
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    const writer = scenario.create(11);
    for (let i = 2999; i >= 0; i -= 7) {
      writer.write(5, i * 31, TIME_MS - i * 1000, out, 0); // another record in between leaves no trace
      expect(decoder.decode(out.subarray(0, writer.write(2, i, TIME_MS + i, out, 0)))).toBe(inOrder[i]);
    }
  });

  Deno.test(`${name}: other indexes, partitions and seeds give other records`, () => {
    const places = [[1, 0], [1, 1], [2, 0], [2 ** 40, 3]].flatMap(([seed, partition]) => {
      const writer = scenario.create(seed);
      const out = new Uint8Array(RECORD_ROOM_BYTES);
      return [0, 1, 2, 1000, 2 ** 32, 2 ** 32 + 1].map((i) =>
        decoder.decode(out.subarray(0, writer.write(partition, i, TIME_MS, out, 0)))
      );
    });
    expect(new Set(places).size).toBe(places.length);
  });

  Deno.test(`${name}: a record leaves half of the room that it is promised`, () => {
    let longest = 0;
    for (const record of recordsOf(scenario, 30_000)) longest = Math.max(longest, record.length);
    expect(longest).toBeLessThan(RECORD_ROOM_BYTES / 2);
  });
}

const FORMATS = { api: "json", access: "access", payment: "payments", mixed: "json" };

for (const [name, format] of Object.entries(FORMATS)) {
  Deno.test(`${name}: its format is detected, and every record but the broken ones is read`, () => {
    const records = [...recordsOf(scenarioOf(name), 20_000)];
    const parser = detectFormat(records.slice(0, 100));
    expect(parser?.name).toBe(format);
    const compiled = parser?.compile({ timeZone: "UTC", mapping: {} });
    const fields = new EventFields();
    const refused = records.flatMap((record, i) => {
      const reason = compiled?.parse(record, 0, record.length, TIME_MS + i, fields);
      if (reason !== null) return [reason];
      expect(Number.isNaN(fields.timestampMicros)).toBe(false);
      return [];
    });
    if (name === "mixed") return expect(new Set(refused)).toEqual(new Set(["invalid_json"]));
    expect(refused).toEqual(name === "api" ? new Array(20_000 / BROKEN_EVERY).fill("invalid_json") : []);
  });
}

/** What JSON.parse makes of a record, or null where it refuses it. */
function parsed(record: Uint8Array): Record<string, unknown> | null {
  try {
    return JSON.parse(decoder.decode(record));
  } catch {
    return null;
  }
}

function textOf(fields: EventFields, name: TextField): string {
  return decoder.decode(fields.bytes.subarray(fields.starts[SLOT[name]], fields.ends[SLOT[name]]));
}

Deno.test("api: JSON.parse and the engine's parser read the same from it", () => {
  const records = [...recordsOf(scenarioOf("api"), 5000)];
  const compiled = detectFormat(records)?.compile({ timeZone: "UTC", mapping: {} });
  const fields = new EventFields();
  for (const record of records) {
    const object = parsed(record);
    if (object === null) continue;
    expect(Object.keys(object).join(" ")).toBe(
      "timestamp level service host method path status response_time_ms trace_id message",
    );
    compiled?.parse(record, 0, record.length, TIME_MS, fields);
    expect(fields.timestampMicros).toBe(Date.parse(String(object.timestamp)) * 1000);
    for (const field of ["level", "service", "host", "method", "status", "trace_id", "message"] as const) {
      expect(textOf(fields, field)).toBe(String(object[field]));
    }
    expect(textOf(fields, "endpoint")).toBe(object.path);
    const { response_time: slot } = MEASURE_SLOT;
    expect(fields.measures[slot]).toBe(Math.round(Number(object.response_time_ms) * MEASURE_SCALE[slot]));
  }
});

Deno.test("api: of 100 000 records the promised ones are broken and late, and the mean size is about 286 bytes", () => {
  let [broken, late, bytes, i] = [0, 0, 0, 0];
  for (const record of recordsOf(scenarioOf("api"), 100_000)) {
    const timeMs = TIME_MS + i++;
    bytes += record.length;
    const object = parsed(record);
    if (object === null) broken++;
    // The timestamp of a broken record counts too: it comes first, and is never cut.
    const lateMs = timeMs - Date.parse(decoder.decode(record.subarray(14, 38)));
    if (lateMs !== 0) {
      late++;
      expect(lateMs).toBeGreaterThanOrEqual(LATE_MS_MIN);
      expect(lateMs).toBeLessThanOrEqual(LATE_MS_MAX);
    }
  }
  expect({ broken, late }).toEqual({ broken: 100_000 / BROKEN_EVERY, late: 100_000 / LATE_EVERY });
  expect(bytes / 100_000).toBeGreaterThan(270);
  expect(bytes / 100_000).toBeLessThan(300);
});

Deno.test("api: levels follow from statuses, with the shares that the endpoints' table says", () => {
  const levels: Record<string, number> = {};
  const failed: Record<string, number> = {};
  const pairs = new Set<string>();
  let records = 0;
  for (const record of recordsOf(scenarioOf("api"), 100_000)) {
    const object = parsed(record);
    if (object === null) continue;
    records++;
    const level = String(object.level);
    levels[level] = (levels[level] ?? 0) + 1;
    const status = Number(object.status);
    pairs.add(`${Math.floor(status / 100)}xx ${level}`);
    if (status >= 500) failed[String(object.service)] = (failed[String(object.service)] ?? 0) + 1;
  }
  expect([...pairs].sort()).toEqual(["2xx DEBUG", "2xx INFO", "2xx WARN", "4xx WARN", "5xx ERROR", "5xx FATAL"]);
  // Zipf's law with exponent 0.9 over the table's order.
  const weights = API_ENDPOINTS.map((_, rank) => (rank + 1) ** -0.9);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shareOf = (chance: (endpoint: typeof API_ENDPOINTS[number]) => number): number =>
    API_ENDPOINTS.reduce((sum, endpoint, rank) => sum + weights[rank] * chance(endpoint), 0) / total;
  const isNear = (count: number, share: number): boolean =>
    Math.abs(count - records * share) < 4 * Math.sqrt(records * share * (1 - share));
  expect(isNear(levels.ERROR + (levels.FATAL ?? 0), shareOf((endpoint) => endpoint.serverErrors))).toBe(true);
  expect(isNear(failed.payments, shareOf(({ service, serverErrors }) => service === "payments" ? serverErrors : 0)))
    .toBe(true);
  const clientErrors = shareOf((endpoint) => endpoint.clientErrors);
  expect(levels.WARN / records).toBeGreaterThan(clientErrors);
  expect(levels.WARN / records).toBeLessThan(clientErrors + 0.05);
  expect(levels.INFO / records).toBeGreaterThan(0.85);
  expect(levels.DEBUG / records).toBeCloseTo(0.04, 2);
});

Deno.test("api: endpoints are skewed, few once their ids are gone, and some are slower than others", () => {
  const times = new Map<string, number[]>();
  for (const record of recordsOf(scenarioOf("api"), 30_000)) {
    const object = parsed(record);
    if (object === null) continue;
    const key = `${object.method} ${normalizeEndpointText(String(object.path))}`;
    const list = times.get(key) ?? [];
    list.push(Number(object.response_time_ms));
    times.set(key, list);
  }
  expect(times.size).toBe(API_ENDPOINTS.length);
  const counts = [...times.values()].map((list) => list.length).sort((a, b) => b - a);
  expect(counts[0] / 30_000).toBeGreaterThan(0.15);
  expect(counts[0] / counts[counts.length - 1]).toBeGreaterThan(8);
  const median = (key: string): number =>
    (times.get(key) ?? []).sort((a, b) => a - b)[(times.get(key) ?? []).length >> 1];
  expect(median("GET /api/v1/reports/occupancy")).toBeGreaterThan(20 * median("GET /api/v2/fares/:id"));
});

Deno.test("payment: cards are masked, failures have reasons, amounts are positive", () => {
  const seen = new Set<string>();
  for (const record of recordsOf(scenarioOf("payment"), 20_000)) {
    const object = parsed(record);
    if (object === null) throw new Error(`not JSON: ${decoder.decode(record)}`);
    seen.add(`${object.event_type} ${object.status}`);
    expect(Number(object.amount)).toBeGreaterThan(0);
    expect(object.currency).toMatch(/^[A-Z]{3}$/);
    if (object.payment_method === "card") expect(object.card).toMatch(/^\*{4} \*{4} \*{4} \d{4}$/);
    else expect(object.card).toBeUndefined();
    expect(object.failure_reason !== undefined).toBe(!["succeeded", "pending"].includes(String(object.status)));
  }
  expect([...seen].sort()).toEqual([
    "payment declined",
    "payment expired",
    "payment failed",
    "payment pending",
    "payment succeeded",
    "refund failed",
    "refund pending",
    "refund succeeded",
  ]);
});

Deno.test("access: lines are in the combined format, with a hyphen for the size where there is no body", () => {
  const combined = /^[\d.]+ - \S+ \[[^\]]+\] "(GET|HEAD|POST) \S+ HTTP\/1\.1" (\d{3}) (\d+|-) "[^"]+" "[^"]+"$/;
  const statuses = new Set<string>();
  for (const record of recordsOf(scenarioOf("access"), 20_000)) {
    const [, , status, size] = combined.exec(decoder.decode(record)) ?? [];
    statuses.add(status);
    expect([status, size === "-"]).toEqual([status, status === "304" || status === "204"]);
  }
  for (const status of ["200", "304", "404", "500"]) expect(statuses).toContain(status);
});

Deno.test("mixed: applications, accesses and payments have the shares that they have alone", () => {
  const counts = { applications: 0, accesses: 0, payments: 0 };
  for (const record of recordsOf(scenarioOf("mixed"), 20_000)) {
    const object = parsed(record);
    if (object === null) continue;
    if (object.event_id !== undefined) counts.payments++;
    else if (object.remote_addr !== undefined) counts.accesses++;
    else counts.applications++;
  }
  expect(counts.applications / 20_000).toBeCloseTo(0.8, 1);
  expect(counts.accesses / 20_000).toBeCloseTo(0.15, 1);
  expect(counts.payments / 20_000).toBeCloseTo(0.05, 2);
});

for (const scenario of SCENARIOS) {
  Deno.test(`${scenario.name}: a target has the endpoint that the engine's parser reads from its records`, () => {
    const records = [...recordsOf(scenario, 3_000)];
    const parser = detectFormat(records.slice(0, 100));
    const compiled = parser?.compile({ timeZone: "UTC", mapping: {} });
    const writer = scenario.create(11);
    const fields = new EventFields();
    records.forEach((record, i) => {
      if (compiled?.parse(record, 0, record.length, TIME_MS + i, fields) !== null) return;
      const { method, endpoint, service } = writer.draw(2, i, TIME_MS + i);
      if (method === "") return;
      const path = textOf(fields, "endpoint");
      const pattern = new RegExp(`^${endpoint.replaceAll(/:(?!id)\w+/g, "[\\w.-]+").replaceAll(".", "\\.")}$`);
      expect(textOf(fields, "method")).toBe(method);
      expect(normalizeEndpointText(path)).toMatch(pattern);
      if (parser?.name === "json") expect(textOf(fields, "service")).toBe(service);
    });
  });
}

Deno.test("payment: Avro and JSON with a registered schema say the same as plain JSON, to avsc", () => {
  const type = avro.Type.forSchema(structuredClone(PAYMENT_AVRO) as unknown as avro.Schema, { wrapUnions: true });
  const reason = 'Ledger "west" <id> <lost>';
  const incident = { kind: "new_error", service: null, method: null, endpoint: null, fromMs: 0, toMs: Infinity };
  const incidents = [{ ...incident, settings: { message: reason, share: 0.2 } }];
  const writers = [null, "json_schema" as const, "avro" as const].map((encoding) =>
    scenarioOf("payment").create(11, incidents, encoding === null ? null : { encoding, schemaId: 70_000 })
  );
  const [plain, json, avroOnes] = writers;
  const record = (writer: typeof plain, i: number): Uint8Array => {
    const out = new Uint8Array(RECORD_ROOM_BYTES);
    return out.slice(0, writer.write(1, i, TIME_MS + i, out, 0));
  };
  const optional = (value: unknown) => value === undefined ? null : { string: value };
  for (let i = 0; i < 3_000; i++) {
    const expected = parsed(record(plain, i));
    if (expected === null) throw new Error("plain JSON that is none");
    const framed = record(json, i);
    expect([...framed.subarray(0, 5)]).toEqual([0, 0, 1, 17, 112]);
    expect(parsed(framed.subarray(5))).toEqual(expected);
    const value = type.fromBuffer(Buffer.from(record(avroOnes, i).subarray(5)));
    const { timestamp, card_brand, card, failure_reason, ...rest } = expected;
    expect({ ...value }).toEqual({
      ...rest,
      timestamp: Date.parse(String(timestamp)),
      card_brand: optional(card_brand),
      card: optional(card),
      failure_reason: optional(failure_reason),
    });
  }
});
