/** Which store a configuration means. */
import type { Config } from "./schema.ts";

/** As configured, else Cassandra where it has contact points, else the embedded one. */
export function chosenStore({ store: { kind } }: Config): "duckdb" {
  return kind === "auto" ? "duckdb" : kind;
}
