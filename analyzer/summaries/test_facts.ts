/** Facts of an error for tests. */
import type { ErrorFacts } from "./summary.ts";

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 10, 23, 9, 0, 0);

/** A database that refuses connections, with what is given in place of what is usual. */
export function errorFacts(more: Partial<ErrorFacts> = {}): ErrorFacts {
  return {
    fingerprint: "payments/connect",
    topic: "apps",
    service: "payments",
    level: "ERROR",
    template: "could not connect to <*>: connection refused",
    reason: "spike",
    count: 120,
    firstMs: BEGIN,
    lastMs: BEGIN + 10 * MINUTE,
    ratePerMinute: 12,
    usualPerMinute: 0.5,
    evidence: [
      { id: "E1", text: "could not connect to payments-db:5432: connection refused" },
      { id: "E2", text: "could not connect to payments-db-2:5432: connection refused" },
    ],
    neighbours: [{ template: "request <*> failed after <*>", level: "ERROR", count: 80 }],
    parameters: ["endpoint /pay: 110 of 120"],
    ...more,
  };
}

/** An answer that a model may give to {@link errorFacts}, by the schema. */
export const modelAnswer = (more: object = {}): Record<string, unknown> => ({
  title: "Payments cannot reach its database",
  severity: "error",
  category: "dependency",
  what_happened: "Connections to payments-db are refused, and requests to /pay fail.",
  possible_causes: [{ text: "The database is down", confidence: "medium", evidence: ["E1", "E2"] }],
  next_steps: ["Look whether payments-db is running"],
  suspicious_lines: [],
  ...more,
});
