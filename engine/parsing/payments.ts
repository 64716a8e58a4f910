/**
 * Payment events in JSON: a kind (payment, refund, chargeback), a status, an amount and a currency. The scanner of
 * json.ts with other names; an event that says no level is an ERROR where its status means failure, else INFO.
 */
import { FAILED_PAYMENT_STATUSES } from "../../core/minutes/preset.ts";
import { compileJson, shareOfObjects } from "./json.ts";
import { type FieldNames, USUAL_NAMES } from "./json_names.ts";
import type { Parser } from "./parser.ts";

/** Names of payment events. Amounts in minor units (cents) count as hundredths, whatever the currency. */
export const PAYMENT_NAMES: FieldNames = {
  ...USUAL_NAMES,
  event_type: "event_type eventType type event event.type event_name transaction_type kind".split(" "),
  status: "status payment_status paymentStatus transaction_status payment.status state result outcome".split(" "),
  method: [
    "payment_method paymentMethod method payment.method payment_method.type payment_type card_brand card.brand brand",
  ].join(" ").split(" "),
  amount: [
    "amount total value total_amount totalAmount payment.amount amount.value amount_cents amountCents amount_minor",
    "amount_minor_units",
  ].join(" ").split(" "),
  currency: "currency currency_code currencyCode payment.currency amount.currency".split(" "),
  // `event` and `status` say what happened; only a text of its own is a message.
  message: "message msg description reason error.message error_message failure_reason".split(" "),
};

const encoder = new TextEncoder();
const ERROR = encoder.encode("ERROR");
const INFO = encoder.encode("INFO");
const FAILED = Array.from(FAILED_PAYMENT_STATUSES, (status) => encoder.encode(status));

/** ERROR where a status means failure, else INFO. */
export function levelOfStatus(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start >= 0 && FAILED.some((status) => equalsIgnoringCase(bytes, start, end, status)) ? ERROR : INFO;
}

/** `lower` is in lower case; only ASCII letters have two cases. */
function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const byte = bytes[start + i];
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== lower[i]) return false;
  }
  return true;
}

const KINDS = /payment|refund|chargeback|capture|authori[sz]ation|payout|charge|dispute|transaction/i;

function isPayment(object: Readonly<Record<string, unknown>>): boolean {
  const kinds = [object.event_type, object.eventType, object.type, object.event];
  const amounts = [object.amount, object.total, object.total_amount, object.amount_cents, object.value];
  return kinds.some((kind) => typeof kind === "string" && KINDS.test(kind)) &&
    amounts.some((some) => some !== undefined);
}

/** Payment events. */
export const payments: Parser = {
  name: "payments",
  description: "payment events in JSON: kind, status, amount, currency",
  preset: "payments",
  detect: (sample) => shareOfObjects(sample, isPayment),
  compile: (options) => compileJson(PAYMENT_NAMES, options, levelOfStatus),
};
