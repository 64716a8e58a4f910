/** Payments and refunds in JSON: amounts by currency, methods, statuses, and why some failed. */
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
import type { Scenario, ScenarioWriter } from "./scenario.ts";

/** Keeps the numbers of scenarios with the same seed apart. */
const SALT = 0x706179;

class Values {
  timeMs = 0;
  order = 0;
  customer = 0;
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
  customer: (values, out, at) => writeInteger(values.customer, out, at),
  amount: ({ amount, currency: { decimals } }, out, at) =>
    decimals === 0 ? writeInteger(amount, out, at) : writeFixed(amount, decimals, out, at),
  currency: (values, out, at) => writeBytes(values.currency.code, out, at),
  digits: (values, out, at) => writeDigits(values.lastDigits, 4, out, at),
};

/** One kind of event: what the customer paid with, and how it ended. */
interface Kind {
  readonly weight: number;
  readonly line: Template<Values>;
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

function lineOf(type: string, status: string, method: string, brand: string | null, reason: string | null): string {
  const card = brand === null ? "" : `,"card_brand":"${brand}","card":"**** **** **** <digits>"`;
  const failure = reason === null ? "" : `,"failure_reason":"${reason}"`;
  return `{"timestamp":"<time>","event_id":"evt_<event>","event_type":"${type}","order_id":"ORD-<order>",` +
    `"customer_id":"cus_<customer>","amount":<amount>,"currency":"<currency>","payment_method":"${method}"${card},` +
    `"status":"${status}"${failure}}`;
}

const KINDS = new Weighted(
  ENDINGS.flatMap(([share, type, status, reason]) =>
    METHODS.map(([weight, method, brand]): Kind => ({
      weight: share * weight,
      line: compileTemplate(lineOf(type, status, method, brand, reason), HOLES),
    }))
  ).sort((a, b) => b.weight - a.weight),
  ({ weight }) => weight,
);

class PaymentWriter implements ScenarioWriter {
  readonly #random = new Random(SALT);
  readonly #values = new Values();

  constructor(private readonly seed: number) {}

  write(partition: number, i: number, timestampMs: number, out: Uint8Array, at: number): number {
    const random = this.#random;
    const values = this.#values;
    random.seat(this.seed, partition, i);
    const { line } = KINDS.pick(random);
    values.timeMs = timestampMs;
    values.currency = CURRENCIES.pick(random);
    values.amount = Math.max(1, Math.round(random.logNormal(values.currency.median, 0.8)));
    values.order = 10_000_000 + random.below(90_000_000);
    values.customer = 100_000 + random.below(900_000);
    values.lastDigits = random.below(10_000);
    values.eventHigh = random.next();
    values.eventLow = random.next();
    return line(values, out, at);
  }
}

export const payment: Scenario = {
  name: "payment",
  description: "payments and refunds in JSON",
  topic: "payments",
  share: 0.05,
  create: (seed) => new PaymentWriter(seed),
};
