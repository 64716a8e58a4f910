/**
 * Final minutes in the archive: one file a topic and hour once all of the hour's minutes are final, and another revision of
 * it where late events changed them. The ledger decides a revision before its file is put; older files go once it is there.
 */
import { z } from "zod";
import { type Archive, fileBody } from "../../core/archive/archive.ts";
import { finalHourKey } from "../../core/archive/keys.ts";
import { removeOlderRevisions } from "../../core/archive/listing.ts";
import { writeAll } from "../../core/durable_file.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import type { Store } from "../../core/store/ports.ts";
import { finalUntil, MINUTE_MS, MINUTES_PER_BUCKET } from "../publishing/final_minutes.ts";
import { ProgressWatch } from "../publishing/progress_watch.ts";

const decision = z.object({ version: z.string(), revision: z.int(), isPut: z.boolean() });

export interface FinalHoursParts {
  readonly archive: Archive;
  readonly log: Pick<PartitionedLog, "ends">;
  readonly store: Pick<Store, "get" | "compareAndSet" | "partitions" | "unitVersions" | "export">;
  /** For copies on their way. */
  readonly directory: string;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

/** What this process remembers of a topic. */
interface TopicMemory {
  readonly watch: ProgressWatch;
  /** Hours that need no look while their version is this. */
  readonly settled: Map<number, string>;
}

export class FinalHours {
  readonly #parts: FinalHoursParts;
  readonly #memories = new Map<string, TopicMemory>();

  constructor(parts: FinalHoursParts) {
    this.#parts = parts;
  }

  /** Archives the hours of a topic that have become final, or have changed since; answers how many. */
  async archive(topic: Topic, isStopped: () => boolean): Promise<number> {
    const { log, store, now } = this.#parts;
    let memory = this.#memories.get(topic.id);
    if (memory === undefined) {
      memory = { watch: new ProgressWatch(), settled: new Map() };
      this.#memories.set(topic.id, memory);
    }
    const states = await store.partitions(topic.id);
    const until = finalUntil(memory.watch.progress(await log.ends(topic), states, now()));
    if (until === null) return 0;
    let archived = 0;
    for (const { bucket, version } of await store.unitVersions(topic.id)) {
      if (isStopped()) break;
      if ((bucket + 1) * MINUTES_PER_BUCKET > until || memory.settled.get(bucket) === version) continue;
      const done = await this.#archiveHour(topic, bucket, version);
      if (done === "elsewhere") continue; // looked at again: that other may die
      if (done === "archived") archived++;
      memory.settled.set(bucket, version);
    }
    return archived;
  }

  async #archiveHour(
    topic: Topic,
    bucket: number,
    version: string,
  ): Promise<"archived" | "there before" | "elsewhere"> {
    const { archive, store } = this.#parts;
    const key = `archive-minutes/${topic.id}/${bucket}`;
    const before = await store.get(key);
    const known = before === null ? null : decision.parse(JSON.parse(before));
    if (known?.version === version && known.isPut) return "there before";
    // Under a revision that was decided but maybe not put lie the figures of its version, or of a later one.
    const revision = known === null ? 0 : known.revision + 1;
    const decided = JSON.stringify({ version, revision, isPut: false });
    if (!await store.compareAndSet(key, before, decided)) return "elsewhere";
    const file = finalHourKey({ topic: topic.name, topicId: topic.id, bucket, revision });
    await this.#put(file, topic.id, bucket);
    const isCurrent = await store.compareAndSet(key, decided, JSON.stringify({ version, revision, isPut: true }));
    // Also where another has revised it meanwhile: what was put then is itself the older one.
    await removeOlderRevisions(archive, topic.name, topic.id, bucket);
    return isCurrent ? "archived" : "elsewhere";
  }

  async #put(key: string, topicId: string, bucket: number): Promise<void> {
    const { archive, directory, store } = this.#parts;
    const fromMs = bucket * MINUTES_PER_BUCKET * MINUTE_MS;
    const range = { fromMs, toMs: fromMs + MINUTES_PER_BUCKET * MINUTE_MS };
    const query = { topicId, table: "minutes", format: "parquet", range, where: [], isRaw: false } as const;
    await Deno.mkdir(directory, { recursive: true });
    const path = `${directory}/${crypto.randomUUID()}.parquet`;
    try {
      {
        using file = await Deno.open(path, { write: true, createNew: true });
        for await (const chunk of (await store.export(query)).stream) await writeAll(file, chunk);
      }
      await archive.put(key, await fileBody(path));
    } finally {
      await Deno.remove(path).catch(() => {});
    }
  }
}
