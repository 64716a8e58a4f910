/** Deletes what is beyond its retention: in the log every minute, for a busy log grows fast, in the store every hour. */
import type { Archive } from "../core/archive/archive.ts";
import { readChain } from "../core/archive/chain.ts";
import { raiseFloor } from "../core/archive/floor.ts";
import { ARCHIVED_TABLES } from "../core/archive/keys.ts";
import type { Config } from "../core/config/schema.ts";
import { messageOf } from "../core/errors.ts";
import type { EmbeddedLog } from "../core/log/embedded.ts";
import type { PartitionedLog } from "../core/log/partitioned_log.ts";
import type { Store } from "../core/store/ports.ts";
import { formatPlural } from "./format.ts";

const LOG_INTERVAL_MS = 60_000;
/** The store's turn comes with every so many of the log's. */
const STORE_EVERY = 60;
const DAY_MS = 86_400_000;

export interface RetentionParts {
  readonly config: Config;
  readonly data: {
    /** Null where the log is a cluster's, which trims itself. */
    readonly embedded: Pick<EmbeddedLog, "applyRetention"> | null;
    readonly log: Pick<PartitionedLog, "listTopics">;
    readonly store: Pick<Store, "retain" | "partitions" | "get" | "compareAndSet">;
    /** Where there is one, what it has not got yet stays in the log. */
    readonly archive: Archive | null;
  };
  readonly onNotice: (message: string) => void;
}

/** Runs now and then until disposed of; a failure is told, and tried again the next time. */
export function startRetention(parts: RetentionParts): AsyncDisposable {
  let running = Promise.resolve();
  let turn = 0;
  const run = (): void => {
    const isStoresTurn = turn++ % STORE_EVERY === 0;
    running = running.then(() => applyRetention(parts, Date.now(), isStoresTurn)).catch((error) =>
      parts.onNotice(`retention: ${messageOf(error)}; tried again in a while`)
    );
  };
  run();
  const timer = setInterval(run, LOG_INTERVAL_MS);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer);
      await running;
    },
  };
}

/** Applies the limits of `config` once, as of `nowMs`. What the store does not reflect yet stays in the log. */
export async function applyRetention(
  { config, data, onNotice }: RetentionParts,
  nowMs: number,
  isStoresTurn = true,
): Promise<void> {
  const segments = await trimLog(data, nowMs);
  const eventsBeforeMs = nowMs - config.store.eventsRetentionDays * DAY_MS;
  if (isStoresTurn && data.archive !== null) {
    // Before anything is deleted, and as far as it may be until the next turn.
    for (const { id } of await data.log.listTopics()) {
      for (const table of ARCHIVED_TABLES) {
        await raiseFloor(data.store, table, id, eventsBeforeMs + STORE_EVERY * LOG_INTERVAL_MS);
      }
    }
  }
  const rows = !isStoresTurn ? 0 : await data.store.retain({
    minutesBeforeMs: nowMs - config.store.minutesRetentionDays * DAY_MS,
    eventsBeforeMs,
  });
  if (segments + rows > 0) {
    onNotice(`retention: deleted ${formatPlural(segments, "segment")} of the log, ${formatPlural(rows, "row")} stored`);
  }
}

/** Answers how many segments were deleted. */
async function trimLog(
  { archive, embedded, log, store }: RetentionParts["data"],
  nowMs: number,
): Promise<number> {
  if (embedded === null) return 0;
  const checkpoints = new Map<string, number>();
  for (const { id } of await log.listTopics()) {
    for (const { partition, checkpoint } of await store.partitions(id)) {
      const archived = archive === null ? null : await readChain(store, { topicId: id, partition });
      checkpoints.set(`${id}/${partition}`, archive === null ? checkpoint : Math.min(checkpoint, archived?.from ?? 0));
    }
  }
  return await embedded.applyRetention(
    nowMs,
    (topicId, partition) => checkpoints.get(`${topicId}/${partition}`) ?? 0,
  );
}
