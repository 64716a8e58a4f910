/** The stores: one line each. */
import type { Config } from "../config/schema.ts";
import { openDuckDbStore } from "./duckdb.ts";
import type { Store } from "./ports.ts";

export const STORES = {
  duckdb: (config: Config, onNotice?: (text: string) => void): Promise<Store> =>
    openDuckDbStore({
      directory: `${config.data}/store`,
      memoryBytes: config.store.memoryBytes,
      threads: config.store.threads,
      cellBytes: config.store.cellBytes,
      readyBytes: config.store.readyBytes,
      onNotice,
    }),
  cassandra: async (config: Config, onNotice?: (text: string) => void): Promise<Store> => {
    // Loaded where it is used: the driver takes a while.
    const { openCassandraStore } = await import("./cassandra.ts");
    return await openCassandraStore(config, onNotice);
  },
} as const;
export type StoreName = keyof typeof STORES;

/** `onNotice` hears what was found amiss and does not keep the store from working. */
export function openStore(name: StoreName, config: Config, onNotice?: (text: string) => void): Promise<Store> {
  return STORES[name](config, onNotice);
}
