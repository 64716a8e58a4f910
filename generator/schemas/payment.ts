/** The registered schemas of payments: the same event in Avro and in JSON Schema. Field by field as payment.ts writes it. */

/** In the order in which they are written. */
export const PAYMENT_AVRO = {
  type: "record",
  name: "Payment",
  namespace: "millrace.payments",
  doc: "A payment or a refund, and how it ended.",
  fields: [
    { name: "timestamp", type: { type: "long", logicalType: "timestamp-millis" } },
    { name: "event_id", type: "string" },
    { name: "event_type", type: "string", doc: "payment or refund" },
    { name: "order_id", type: "string" },
    { name: "customer_id", type: "string" },
    { name: "customer_name", type: "string" },
    { name: "customer_email", type: "string" },
    { name: "amount", type: "double", doc: "in whole units of the currency" },
    { name: "currency", type: "string", doc: "ISO 4217" },
    { name: "payment_method", type: "string" },
    { name: "card_brand", type: ["null", "string"], default: null },
    { name: "card", type: ["null", "string"], default: null, doc: "all digits but the last four masked" },
    { name: "status", type: "string" },
    { name: "failure_reason", type: ["null", "string"], default: null },
  ],
} as const;

const text = { type: "string" } as const;

export const PAYMENT_JSON_SCHEMA = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Payment",
  description: "A payment or a refund, and how it ended.",
  type: "object",
  properties: {
    timestamp: { type: "string", format: "date-time" },
    event_id: text,
    event_type: { enum: ["payment", "refund"] },
    order_id: text,
    customer_id: text,
    customer_name: text,
    customer_email: text,
    amount: { type: "number", exclusiveMinimum: 0 },
    currency: { type: "string", pattern: "^[A-Z]{3}$" },
    payment_method: text,
    card_brand: text,
    card: text,
    status: text,
    failure_reason: text,
  },
  required: ["timestamp", "event_id", "event_type", "order_id", "customer_id", "amount", "currency", "status"],
} as const;
