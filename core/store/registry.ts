/** The stores: one line each. */
import type { Config } from "../config/schema.ts";
import { openDuckDbStore } from "./duckdb.ts";
import type { Store } from "./ports.ts";

export const STORES = {
  duckdb: (config: Config): Promise<Store> =>
    openDuckDbStore({
      directory: `${config.data}/store`,
      memoryBytes: config.store.memoryBytes,
      threads: config.store.threads,
    }),
} as const;
export type StoreName = keyof typeof STORES;

export function openStore(name: StoreName, config: Config): Promise<Store> {
  return STORES[name](config);
}
