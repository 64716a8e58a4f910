/** Payments and refunds in JSON: orders, customers, amounts by currency, methods, statuses, and why some failed. */
import { faker } from "@faker-js/faker/locale/en";
import { FAILED_PAYMENT_STATUSES } from "../../core/minutes/preset.ts";
import type { Influence } from "../incidents/incident.ts";
import { Random, Weighted } from "../random.ts";
import {
  compileTemplate,
  type Hole,
  IsoTime,
  type Template,
  writeBytes,
  writeDigits,
  writeFixed,
  writeHex,
  writeInteger,
} from "../template.ts";
import { defineScenario } from "../record_writer.ts";
import { writeFrame } from "../../core/schemas/framing.ts";
import { writeDouble, writeLong, writeOptionalText, writeText } from "../schemas/avro_writer.ts";
import type { DrawnEvent, Framing, Scenario, Scene } from "./scenario.ts";

/** Who pays. */
interface Customer {
  readonly id: number;
  readonly name: Uint8Array;
  readonly email: Uint8Array;
}
const CUSTOMERS = 1_000;

/** The customers of a seed; all scenes of it have the same. */
function customersOf(seed: number): readonly Customer[] {
  faker.seed(seed % 2 ** 32);
  return Array.from({ length: CUSTOMERS }, (_, index) => {
    const [firstName, lastName] = [faker.person.firstName(), faker.person.lastName()];
    const email = faker.internet.exampleEmail({ firstName, lastName }).toLowerCase();
    const text = (value: string) => encoder.encode(JSON.stringify(value).slice(1, -1));
    return { id: 100_000 + index * 877 % 900_000, name: text(`${firstName} ${lastName}`), email: text(email) };
  });
}

class Values {
  timeMs = 0;
  order = 0;
  customer: Customer = NOBODY;
  eventHigh = 0;
  eventLow = 0;
  lastDigits = 0;
  amount = 0;
  currency: Currency = CURRENCIES.items[0];
  readonly time = new IsoTime();
}

interface Currency {
  readonly code: Uint8Array;
  readonly weight: number;
  /** Digits after the point: the yen has none. */
  readonly decimals: number;
  /** Median of a payment, in the currency's smallest unit. */
  readonly median: number;
}

const encoder = new TextEncoder();
const NOBODY: Customer = { id: 0, name: new Uint8Array(0), email: new Uint8Array(0) };
const currency = (code: string, weight: number, decimals: number, median: number): Currency => ({
  code: encoder.encode(code),
  weight,
  decimals,
  median,
});
const CURRENCIES = new Weighted([
  currency("EUR", 46, 2, 18_900),
  currency("USD", 24, 2, 21_500),
  currency("GBP", 14, 2, 16_400),
  currency("CHF", 6, 2, 24_000),
  currency("JPY", 5, 0, 31_000),
  currency("SEK", 3, 2, 215_000),
  currency("PLN", 2, 2, 82_000),
], ({ weight }) => weight);

const HOLES: Readonly<Record<string, Hole<Values>>> = {
  time: (values, out, at) => values.time.write(values.timeMs, out, at),
  event: (values, out, at) => writeHex(values.eventLow, out, writeHex(values.eventHigh, out, at)),
  order: (values, out, at) => writeInteger(values.order, out, at),
  id: (values, out, at) => writeInteger(values.order, out, at),
  customer: (values, out, at) => writeInteger(values.customer.id, out, at),
  name: (values, out, at) => writeBytes(values.customer.name, out, at),
  email: (values, out, at) => writeBytes(values.customer.email, out, at),
  amount: ({ amount, currency: { decimals } }, out, at) =>
    decimals === 0 ? writeInteger(amount, out, at) : writeFixed(amount, decimals, out, at),
  currency: (values, out, at) => writeBytes(values.currency.code, out, at),
  digits: (values, out, at) => writeDigits(values.lastDigits, 4, out, at),
};

/** One kind of event: what the customer paid with, and how it ended. */
interface Kind {
  readonly weight: number;
  readonly isFailed: boolean;
  readonly line: Template<Values>;
  /** The same in the order of the Avro schema. */
  readonly avro: Template<Values>;
}

/** Shares of payment methods; cards come with a brand and their last digits. */
const METHODS: readonly (readonly [weight: number, method: string, brand: string | null])[] = [
  [40, "card", "visa"],
  [27, "card", "mastercard"],
  [6, "card", "amex"],
  [12, "paypal", null],
  [8, "apple_pay", null],
  [7, "bank_transfer", null],
];

/** Shares of endings: type, status and, where it failed, the reason. */
const ENDINGS: readonly (readonly [weight: number, type: string, status: string, reason: string | null])[] = [
  [81, "payment", "succeeded", null],
  [4, "payment", "pending", null],
  [2.4, "payment", "declined", "insufficient funds"],
  [1.4, "payment", "declined", "card declined by the issuer"],
  [0.6, "payment", "declined", "suspected fraud"],
  [0.9, "payment", "failed", "3-D Secure authentication failed"],
  [0.5, "payment", "failed", "acquirer timed out after 30 s"],
  [0.4, "payment", "expired", "checkout was not finished within 20 minutes"],
  [7.9, "refund", "succeeded", null],
  [0.7, "refund", "pending", null],
  [0.2, "refund", "failed", "the original payment is too old to refund"],
];

interface KindParts {
  readonly type: string;
  readonly status: string;
  readonly method: string;
  readonly brand: string | null;
  readonly reason: string | null;
}

function lineOf({ type, status, method, brand, reason }: KindParts): string {
  const card = brand === null ? "" : `,"card_brand":"${brand}","card":"**** **** **** <digits>"`;
  // A bracket that is no hole's must not look like one.
  const literal = JSON.stringify(reason).replaceAll(/<(?!id>)/g, "\\u003c");
  const failure = reason === null ? "" : `,"failure_reason":${literal}`;
  return `{"timestamp":"<time>","event_id":"evt_<event>","event_type":"${type}","order_id":"ORD-<order>",` +
    `"customer_id":"cus_<customer>","customer_name":"<name>","customer_email":"<email>","amount":<amount>,"currency":"<currency>","payment_method":"${method}"${card},` +
    `"status":"${status}"${failure}}`;
}

/** The event as PAYMENT_AVRO has it. */
function compileAvro({ type, status, method, brand, reason }: KindParts): Template<Values> {
  const [typeText, statusText, methodText] = [type, status, method].map((text) => encoder.encode(text));
  const brandText = brand === null ? null : encoder.encode(brand);
  const [before, after = null] = reason === null ? [null] : reason.split("<id>").map((text) => encoder.encode(text));
  return (values, out, at) => {
    const { customer, currency, amount } = values;
    at = writeLong(values.timeMs, out, at);
    at = writeText(written(writeId(EVENT, values.eventHigh, values.eventLow, scratch)), out, at);
    at = writeText(typeText, out, at);
    at = writeText(written(writeInteger(values.order, scratch, writeBytes(ORDER, scratch, 0))), out, at);
    at = writeText(written(writeInteger(customer.id, scratch, writeBytes(CUSTOMER, scratch, 0))), out, at);
    at = writeText(customer.name, out, at);
    at = writeText(customer.email, out, at);
    at = writeDouble(amount / 10 ** currency.decimals, out, at);
    at = writeText(currency.code, out, at);
    at = writeText(methodText, out, at);
    at = writeOptionalText(brandText, out, at);
    const card = brandText === null
      ? null
      : written(writeDigits(values.lastDigits, 4, scratch, writeBytes(MASK, scratch, 0)));
    at = writeOptionalText(card, out, at);
    at = writeText(statusText, out, at);
    if (before === null || after === null) return writeOptionalText(before, out, at);
    const id = writeInteger(values.order, scratch, writeBytes(before, scratch, 0));
    return writeOptionalText(written(writeBytes(after, scratch, id)), out, at);
  };
}

/** Texts whose length is written before them are made here. */
const scratch = new Uint8Array(512);
const written = (end: number) => scratch.subarray(0, end);
const EVENT = encoder.encode("evt_");
const ORDER = encoder.encode("ORD-");
const CUSTOMER = encoder.encode("cus_");
const MASK = encoder.encode("**** **** **** ");

function writeId(prefix: Uint8Array, high: number, low: number, out: Uint8Array): number {
  return writeHex(low, out, writeHex(high, out, writeBytes(prefix, out, 0)));
}

const TYPES = ["payment", "refund"] as const;

function kindOf(weight: number, parts: KindParts): Kind {
  const { status } = parts;
  return {
    weight,
    isFailed: FAILED_PAYMENT_STATUSES.has(status),
    line: compileTemplate(lineOf(parts), HOLES),
    avro: compileAvro(parts),
  };
}

/** The kinds of events of one type. */
function kindsOf(type: string): Kind[] {
  return ENDINGS.filter(([, ofType]) => ofType === type).flatMap(([share, , status, reason]) =>
    METHODS.map(([weight, method, brand]) => kindOf(share * weight, { type, status, method, brand, reason }))
  ).sort((a, b) => b.weight - a.weight);
}

const weighted = (kinds: readonly Kind[]): Weighted<Kind> => new Weighted(kinds, ({ weight }) => weight);
const USUAL = TYPES.map((type) => weighted(kindsOf(type)));
const FAILED = TYPES.map((type) => weighted(kindsOf(type).filter(({ isFailed }) => isFailed)));

/** The failures of an incident, for each type; `reason` is any text, in which <id> is a hole. */
function newFailures(reason: string): Weighted<Kind>[] {
  return TYPES.map((type) =>
    weighted(
      METHODS.map(([weight, method, brand]) => kindOf(weight, { type, status: "failed", method, brand, reason })),
    )
  );
}

class PaymentScene implements Scene {
  readonly #values = new Values();
  readonly #customers: readonly Customer[];
  readonly #newFailures: ReadonlyMap<number, readonly Weighted<Kind>[]>;
  #kind: Kind = USUAL[0].items[0];

  constructor(seed: number, messages: ReadonlyMap<number, string>, private readonly framing: Framing | null) {
    this.#customers = customersOf(seed);
    this.#newFailures = new Map([...messages].map(([incident, message]) => [incident, newFailures(message)]));
  }

  draw(random: Random, target: number, { fails, newError }: Influence, event: DrawnEvent): void {
    const failed = this.#newFailures.get(newError)?.[target] ?? FAILED[target];
    this.#kind = (fails ? failed : USUAL[target]).pick(random);
    this.#values.timeMs = event.timeMs;
    event.isError = this.#kind.isFailed;
    event.level = event.isError ? "ERROR" : "INFO";
    event.latencyMs = NaN;
  }

  write(random: Random, out: Uint8Array, at: number): number {
    const values = this.#values;
    values.currency = CURRENCIES.pick(random);
    values.amount = Math.max(1, Math.round(random.logNormal(values.currency.median, 0.8)));
    values.order = 10_000_000 + random.below(90_000_000);
    values.customer = this.#customers[random.below(CUSTOMERS)];
    values.lastDigits = random.below(10_000);
    values.eventHigh = random.next();
    values.eventLow = random.next();
    const { framing } = this;
    if (framing === null) return this.#kind.line(values, out, at);
    at = writeFrame(framing.schemaId, out, at);
    return (framing.encoding === "avro" ? this.#kind.avro : this.#kind.line)(values, out, at);
  }
}

export const payment: Scenario = defineScenario({
  name: "payment",
  description: "payments and refunds in JSON",
  topic: "payments",
  share: 0.05,
  salt: 0x706179,
  targets: TYPES.map((type, index) => ({
    service: "payments",
    method: "",
    endpoint: type,
    weight: USUAL[index].items.reduce((sum, { weight }) => sum + weight, 0),
  })),
  open: (seed, messages, framing) => new PaymentScene(seed, messages, framing),
});
