/** Which store a configuration means. */
import type { Config } from "./schema.ts";

/** As configured, else Cassandra where it has contact points, else the embedded one. */
export function chosenStore({ store: { kind }, cassandra }: Config): "duckdb" | "cassandra" {
  if (kind !== "auto") return kind;
  return cassandra.contactPoints.length > 0 ? "cassandra" : "duckdb";
}
