/** The store as a gateway asks it: with the archive behind it, where there is one. */
import { ArchivedReads } from "../../core/archive/archived_reads.ts";
import { ArchivedStore } from "../../core/archive/archived_store.ts";
import { cachedFetch } from "../../core/archive/file_cache.ts";
import { LocalArchive } from "../../core/archive/local.ts";
import type { Config } from "../../core/config/schema.ts";
import type { Store } from "../../core/store/ports.ts";
import type { Data } from "../data.ts";

export function archivedStore(config: Config, { archive, log, store }: Pick<Data, "archive" | "log" | "store">): Store {
  if (archive === null) return store;
  const { data, engine, store: { memoryBytes, threads } } = config;
  const { cacheBytesMax } = config.archive;
  return new ArchivedStore({
    store,
    reads: new ArchivedReads({
      archive,
      fetch: cachedFetch(archive, `${data}/archive-cache`, cacheBytesMax),
      bytesMax: archive instanceof LocalArchive ? Infinity : cacheBytesMax,
      directory: `${data}/archive-reads`,
      memoryBytes,
      threads,
    }),
    futureMs: engine.futureSeconds * 1000,
    topicOf: async (topicId) => (await log.listTopics()).find(({ id }) => id === topicId),
  });
}
