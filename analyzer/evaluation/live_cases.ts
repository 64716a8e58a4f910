/** Errors whose cause is known, to judge what a live model makes of them. */
import type { ErrorFacts } from "../summaries/summary.ts";

export interface LiveCase {
  readonly name: string;
  readonly facts: ErrorFacts;
  /** What a right cause says; null where the lines bear none, and none is to be given. */
  readonly truth: string | null;
}

const BEGIN = Date.UTC(2026, 10, 23, 9);

function errorCase(
  name: string,
  truth: string | null,
  template: string,
  lines: readonly string[],
  neighbours: readonly string[] = [],
): LiveCase {
  return {
    name,
    truth,
    facts: {
      fingerprint: name,
      topic: "apps",
      service: "shop",
      level: "ERROR",
      template,
      reason: "new",
      count: 40 * lines.length,
      firstMs: BEGIN,
      lastMs: BEGIN + 600_000,
      ratePerMinute: 4 * lines.length,
      usualPerMinute: null,
      evidence: lines.map((text, i) => ({ id: `E${i + 1}`, text })),
      neighbours: neighbours.map((text) => ({ template: text, level: "ERROR", count: 12 })),
      parameters: [],
    },
  };
}

export const LIVE_CASES: readonly LiveCase[] = [
  errorCase(
    "database down",
    "the database orders-db does not accept connections (it is down or restarting)",
    "could not connect to <*>: connection refused",
    [
      "could not connect to orders-db:5432: connection refused",
      "could not connect to orders-db:5432: the database system is shutting down",
    ],
    ["order <*> could not be saved", "pool exhausted, <*> waiting"],
  ),
  errorCase(
    "setting missing",
    "the setting or environment variable PAYMENT_KEY is not set since the start of version 4.2.0",
    "payment client: <*>",
    [
      "payment client: environment variable PAYMENT_KEY is empty (version 4.2.0, started 40 s ago)",
      "payment client: cannot sign request: no key",
    ],
  ),
  errorCase(
    "disk full",
    "the volume of the service is full",
    "cannot write <*>: <*>",
    ["cannot write /var/lib/shop/cart.tmp: no space left on device", "cannot write /var/lib/shop/index.3: ENOSPC"],
    ["checkpoint <*> skipped"],
  ),
  errorCase(
    "certificate expired",
    "the certificate of the bank's server has expired",
    "request to <*> failed: <*>",
    [
      "request to bank-gateway failed: certificate has expired (notAfter 2026-11-23T08:59:59Z)",
      "request to bank-gateway failed: CERT_HAS_EXPIRED",
    ],
  ),
  errorCase(
    "memory",
    "the process needs more memory than its limit allows",
    "worker <*> ended: <*>",
    ["worker 3 ended: JavaScript heap out of memory", "worker 5 ended: exit code 137, memory 2047 of 2048 MiB"],
    ["request <*> aborted: worker gone"],
  ),
  errorCase(
    "column gone",
    "the code asks for a column that the table does not have (code and schema do not fit, a migration is missing)",
    "query failed: <*>",
    [
      'query failed: column "total_cents" of relation "orders" does not exist',
      "query failed: column o.total_cents does not exist at position 24 (SELECT o.id, o.total_cents ...)",
    ],
  ),
  errorCase(
    "slow dependency",
    "the inventory service answers too slowly or is overloaded",
    "time-out after <*> waiting for <*>",
    [
      "time-out after 3000 ms waiting for inventory /v1/stock",
      "time-out after 3000 ms waiting for inventory /v1/reserve",
      "inventory answered 503 after 2980 ms: queue full",
    ],
  ),
  errorCase("nothing to go by", null, "internal error <*>", [
    "internal error 5123",
    "internal error 5123, request 8812",
  ]),
];
