import { expect } from "expect";
import { EventFields, MEASURE_SLOT, SLOT } from "../../core/minutes/fields.ts";
import type { TextField } from "../../core/minutes/fields.ts";
import { payments } from "./payments.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const parser = payments.compile({ timeZone: "UTC", mapping: {} });

function read(record: object): EventFields {
  const bytes = encoder.encode(JSON.stringify(record));
  const out = new EventFields();
  expect(parser.parse(bytes, 0, bytes.length, 0, out)).toBeNull();
  return out;
}

function texts(out: EventFields, ...fields: TextField[]): (string | null)[] {
  return fields.map((field) => {
    const slot = SLOT[field];
    return out.starts[slot] < 0 ? null : decoder.decode(out.bytes.subarray(out.starts[slot], out.ends[slot]));
  });
}

Deno.test("a payment's kind, status, method, currency and amount are read", () => {
  const out = read({
    event_type: "payment",
    timestamp: "2026-03-01T10:00:00Z",
    order_id: "o-1",
    status: "succeeded",
    payment_method: "card",
    amount: 19.99,
    currency: "eur",
  });
  expect(texts(out, "event_type", "status", "method", "currency", "level")).toEqual([
    "payment",
    "succeeded",
    "card",
    "EUR",
    "INFO",
  ]);
  expect(out.measures[MEASURE_SLOT.amount]).toBe(199_900);
  expect(out.timestampMicros).toBe(Date.UTC(2026, 2, 1, 10) * 1000);
});

Deno.test("a payment that did not go through is an error, unless it says its level", () => {
  const level = (record: object) => texts(read({ event_type: "payment", amount: 1, ...record }), "level")[0];
  for (const status of ["failed", "FAILED", "Declined", "rejected", "expired", "timeout"]) {
    expect(level({ status })).toBe("ERROR");
  }
  for (const status of ["succeeded", "pending", "fail", "failedx", ""]) expect(level({ status })).toBe("INFO");
  expect(level({})).toBe("INFO");
  expect(level({ status: "fa\u00efled\n" })).toBe("INFO");
  expect(level({ status: "failed", level: "warning" })).toBe("WARN");
  expect(level({ status: "ok", level: "ERROR" })).toBe("ERROR");
});

Deno.test("amounts are taken from strings, minor units and objects", () => {
  const amount = (record: object) => read({ type: "refund", ...record }).measures[MEASURE_SLOT.amount];
  expect(amount({ amount: "12.34" })).toBe(123_400);
  expect(amount({ amount_cents: 1234 })).toBe(123_400);
  expect(amount({ total: -5 })).toBe(-50_000);
  expect(amount({ amount: { value: "7.5", currency: "usd" } })).toBe(75_000);
  expect(amount({ amount: 0.00005 })).toBe(1);
  expect(amount({ amount: "a lot" })).toBeNaN();
  expect(texts(read({ type: "refund", amount: { value: "7.5", currency: "usd" } }), "event_type", "currency")).toEqual([
    "refund",
    "USD",
  ]);
});

Deno.test("the kind is found under the usual names", () => {
  for (
    const record of [{ type: "refund" }, { event: "refund" }, { event: { type: "refund" } }, {
      eventType: "refund",
      type: "x",
    }]
  ) {
    expect(texts(read({ ...record, amount: 1 }), "event_type")).toEqual(["refund"]);
  }
});

Deno.test("a sample is of payments by the share that have a kind and an amount", () => {
  const sample = [
    { event_type: "payment", amount: 1 },
    { type: "refund", total: "3" },
    { event: "payment.failed", amount_cents: 5 },
    { event_type: "login", amount: 1 },
    { event_type: "payment" },
    { level: "INFO", message: "payment" },
  ].map((record) => encoder.encode(JSON.stringify(record)));
  expect(payments.detect(sample)).toBe(0.5);
  expect(payments.detect([...sample, encoder.encode("payment 5")])).toBeCloseTo(3 / 7);
});
