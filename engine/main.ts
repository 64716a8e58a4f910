/** The engine: shards the partitions of all topics across worker threads and restarts what fails. */
import type { Archive } from "../core/archive/archive.ts";
import { chosenStore } from "../core/config/chosen_store.ts";
import { type Config, topicSettingsOf } from "../core/config/schema.ts";
import type { Membership, MembershipStatus, OwnedPartition } from "../core/log/membership.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import { decideFormat, formatOf } from "../core/store/formats.ts";
import type { PartitionFlush, Store } from "../core/store/ports.ts";
import { type ArchiveFigures, Archiver } from "./archiving/archiver.ts";
import { type CappedDimension, CappedDimensions } from "./capped_dimensions.ts";
import { NoticeFilter } from "./notice_filter.ts";
import type { Assignment, Notice, StoreCalls, WorkerSettings } from "./protocol.ts";
import { WorkerHandle } from "./worker_handle.ts";
import { startThread, threadsOf, type WorkerThreads } from "./worker_threads.ts";

const PING_MS = 5_000;
const SILENCE_MAX_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
/** Event and quarantine bytes that a partition may hold back before it waits for the store. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** A unit is one request to Cassandra, of at most 16 MiB as it is delivered: room for cells of 800 bytes, and a chunk's. */
const CASSANDRA_CELLS_MAX = 10_000;
/** Errors older than this no longer count against the engine's health. */
const ERROR_MEMORY_MS = 60_000;

export interface EngineParts {
  readonly config: Config;
  readonly log: Pick<PartitionedLog, "readerSpec" | "ends">;
  /** Says which partitions are this engine's. */
  readonly membership: Membership;
  readonly store: Store;
  /** Threads that were started ahead; absent: they start now. */
  readonly threads?: WorkerThreads;
  /** Where records are archived; null or absent: nowhere. */
  readonly archive?: Archive | null;
  /** Whether what waits becomes a segment at the log's end, rather than after a while. */
  readonly archivesAtEnd?: boolean;
  /** Told in words, for the log of the program. */
  readonly onNotice: (message: string) => void;
  /** Hears of each flush that was applied. */
  readonly onFlush?: (flush: Pick<PartitionFlush, "topicId" | "partition" | "at" | "totals">) => void;
  /** Hears of each range that was archived: every record below `to` is. */
  readonly onArchived?: (range: { readonly topicId: string; readonly partition: number; readonly to: number }) => void;
}

export interface WorkerAssignment {
  readonly worker: number;
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[];
}

/** Live figures since the start of this process. */
export interface EngineStatus {
  readonly workers: number;
  /** Which worker has which partitions. */
  readonly assignments: readonly WorkerAssignment[];
  readonly isHealthy: boolean;
  readonly recordsTotal: number;
  readonly unparsedTotal: number;
  readonly flushesTotal: number;
  readonly conflictsTotal: number;
  readonly flushErrorsTotal: number;
  readonly lastError: string | null;
  readonly membership: MembershipStatus;
  /** Null where there is no archive. */
  readonly archive: ArchiveFigures | null;
  readonly capped: readonly CappedDimension[];
}

export interface Engine {
  status(): EngineStatus;
  /** Topics whose first partition is this engine's: what is done once for a topic is done by their engine. */
  ledTopics(): readonly Topic[];
  /** Stops working on a topic without a flush; what is derived from it may then be dropped. */
  forgetTopic(topicId: string): Promise<void>;
  /** Flushes everything that was read, ends the workers, and leaves the others that share the log. */
  stop(): Promise<void>;
}

/** Starts the workers and gives them the partitions that are this engine's, now and as that changes. */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const engine = new RunningEngine(parts);
  await engine.start();
  return engine;
}

const keyOf = (topicId: string, partition: number): string => `${topicId}/${partition}`;

class RunningEngine implements Engine {
  readonly #parts: EngineParts;
  readonly #workers: WorkerHandle[];
  /** What is owned, by topic id and partition. */
  readonly #owned = new Map<string, OwnedPartition>();
  readonly #forgotten = new Set<string>();
  readonly #store: StoreCalls;
  readonly #archiver: Archiver | null;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #isStopping = false;
  #totals = { recordsTotal: 0, unparsedTotal: 0, flushesTotal: 0, conflictsTotal: 0, flushErrorsTotal: 0 };
  #lastError: { message: string; atMs: number } | null = null;

  readonly #notices = new NoticeFilter();
  readonly #capped = new CappedDimensions();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#archiver = this.#createArchiver();
    this.#store = this.#countingStore();
    const count = threadsOf(parts.config.engine);
    this.#workers = Array.from({ length: count }, (_, index) => this.#startWorker(index, parts.threads?.take(index)));
    this.#every(PING_MS, () => this.#workers.forEach((worker) => worker.ping(SILENCE_MAX_MS)));
  }

  #createArchiver(): Archiver | null {
    const { archive, config, log, store, onNotice } = this.#parts;
    if (!archive) return null;
    return new Archiver({
      config,
      archive,
      log,
      store,
      topics: () => this.ledTopics(),
      onNotice,
      now: Date.now,
      directory: `${config.data}/archive-work`,
    });
  }

  #every(ms: number, run: () => void): void {
    const timer = setInterval(run, ms);
    this.#timers.push(timer);
  }

  #startWorker(index: number, thread = startThread(index)): WorkerHandle {
    return new WorkerHandle(index, thread, settingsOf(this.#parts), this.#store, {
      notice: (notice) => this.#notice(notice),
      died: (handle, why) => this.#replace(handle, why),
    }, () => performance.now());
  }

  #notice(notice: Notice): void {
    const { topicName, partition, severity, message } = notice;
    const nowMs = performance.now();
    if (severity === "error") this.#lastError = { message: `${topicName}/${partition}: ${message}`, atMs: nowMs };
    const line = this.#notices.filter(notice, nowMs);
    if (line !== null) this.#parts.onNotice(line);
  }

  #replace(dead: WorkerHandle, why: string): void {
    const at = this.#workers.indexOf(dead);
    if (at < 0 || this.#isStopping) return;
    const message = `worker ${dead.index} ended (${why}); its ${dead.assignments.length} partitions start again`;
    this.#lastError = { message, atMs: performance.now() };
    this.#parts.onNotice(`error: ${message}`);
    const worker = this.#startWorker(dead.index);
    this.#workers[at] = worker;
    for (const assignment of dead.assignments) worker.assign(assignment);
  }

  start(): Promise<void> {
    this.#archiver?.start();
    return this.#parts.membership.start((owned) => this.#own(owned));
  }

  /** Takes what is new, each partition by the worker with the fewest, and lets go of what is no longer owned. */
  async #own(partitions: readonly OwnedPartition[]): Promise<void> {
    const owned = partitions.filter(({ topic }) => !this.#forgotten.has(topic.id));
    const keys = new Set(owned.map(({ topic, partition }) => keyOf(topic.id, partition)));
    const lost = [...this.#owned.values()].filter(({ topic, partition }) => !keys.has(keyOf(topic.id, partition)));
    for (const { topic, partition } of lost) this.#owned.delete(keyOf(topic.id, partition));
    await Promise.all(lost.map(({ topic, partition }) => this.#release(topic.id, partition)));
    for (const { topic, partition } of owned) {
      const key = keyOf(topic.id, partition);
      if (this.#owned.has(key) || this.#isStopping) continue;
      this.#owned.set(key, { topic, partition });
      const [worker] = [...this.#workers].sort((a, b) => a.assignments.length - b.assignments.length);
      worker.assign(this.#assignmentOf(topic, partition));
    }
  }

  #assignmentOf(topic: Topic, partition: number): Assignment {
    const settings = topicSettingsOf(this.#parts.config, topic.name);
    return {
      topicId: topic.id,
      topicName: topic.name,
      partition,
      reader: this.#parts.log.readerSpec(topic, partition),
      format: settings.format ?? topic.format ?? null,
      preset: settings.preset ?? null,
      timeZone: settings.timeZone,
      mapping: settings.mapping,
    };
  }

  async #release(topicId: string, partition: number | null): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.release(topicId, partition)));
  }

  #countingStore(): StoreCalls {
    const { store } = this.#parts;
    const archiver = this.#archiver;
    const noArchive = () => Promise.reject(new Error("there is no archive"));
    return {
      readChain: (owner) => archiver?.readChain(owner) ?? noArchive(),
      passArchive: (owner, from, to) => archiver?.passArchive(owner, from, to) ?? noArchive(),
      commitArchive: async (range, lastRecordMs) => {
        if (this.#forgotten.has(range.topicId)) throw new Error("the topic was deleted");
        const isCommitted = await (archiver?.commitArchive(range, lastRecordMs) ?? noArchive());
        if (isCommitted) this.#parts.onArchived?.(range);
        return isCommitted;
      },
      readPartition: (topicId, partition) => store.readPartition(topicId, partition),
      readUnits: (topicId, partition, buckets) => store.readUnits(topicId, partition, buckets),
      decideFormat: (topicId, detected) =>
        detected === null ? formatOf(store, topicId) : decideFormat(store, topicId, detected),
      flush: async (flush) => {
        if (this.#forgotten.has(flush.topicId)) throw new Error("the topic was deleted");
        try {
          const outcome = await store.flush(flush);
          if (outcome.kind === "conflict") this.#totals.conflictsTotal++;
          else {
            this.#totals.flushesTotal++;
            this.#totals.recordsTotal += flush.totals.consumed;
            this.#totals.unparsedTotal += flush.totals.unparsed;
            this.#parts.onFlush?.(flush);
            const owned = this.#owned.get(keyOf(flush.topicId, flush.partition));
            if (owned !== undefined) {
              this.#parts.membership.reached(owned.topic, owned.partition, flush.at);
              this.#tellCapped(owned.topic.name, flush);
            }
          }
          return outcome;
        } catch (error) {
          this.#totals.flushErrorsTotal++;
          throw error;
        }
      },
    };
  }

  #tellCapped(topic: string, { minutes }: PartitionFlush): void {
    for (const dimension of this.#capped.see(topic, minutes, performance.now())) {
      this.#parts.onNotice(
        `warning: ${topic}: ${dimension} has more distinct values in an hour than minutes keep apart; ` +
          "the later ones count as __other__ (a preset or a mapping with fewer helps; events keep them all)",
      );
    }
  }

  status(): EngineStatus {
    const error = this.#lastError;
    return {
      workers: this.#workers.length,
      assignments: this.#workers.map(({ index, assignments }) => ({
        worker: index,
        partitions: assignments.map(({ topicName, partition }) => ({ topic: topicName, partition })),
      })),
      isHealthy: error === null || performance.now() - error.atMs > ERROR_MEMORY_MS,
      ...this.#totals,
      lastError: error?.message ?? null,
      membership: this.#parts.membership.status(),
      archive: this.#archiver?.figures ?? null,
      capped: this.#capped.figures,
    };
  }

  ledTopics(): readonly Topic[] {
    return [...this.#owned.values()].filter(({ partition }) => partition === 0).map(({ topic }) => topic);
  }

  async forgetTopic(topicId: string): Promise<void> {
    this.#forgotten.add(topicId);
    for (const [key, { topic }] of this.#owned) if (topic.id === topicId) this.#owned.delete(key);
    await this.#release(topicId, null);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#archiver?.hurry();
    await Promise.all(this.#workers.map((worker) => worker.stop(STOP_TIMEOUT_MS)));
    await this.#archiver?.stop();
    await this.#parts.membership.leave();
  }
}

function settingsOf({ config, archive, archivesAtEnd = false }: EngineParts): WorkerSettings {
  const { engine } = config;
  const isInCassandra = chosenStore(config) === "cassandra";
  return {
    flushIntervalMs: engine.flushIntervalMs,
    latenessMs: engine.latenessSeconds * 1000,
    futureMs: engine.futureSeconds * 1000,
    recordBytesMax: engine.recordBytesMax,
    fetchBytes: engine.fetchBytes,
    pendingRowsMax: engine.pendingRowsMax,
    pendingBytesMax: PENDING_BYTES_MAX,
    changedCellsMax: isInCassandra ? CASSANDRA_CELLS_MAX : Infinity,
    keepsEvents: engine.events === "store",
    blocksByHour: isInCassandra,
    prefersFinalRows: !isInCassandra,
    onGap: engine.onGap,
    archives: archive !== null && archive !== undefined,
    segmentMs: archivesAtEnd ? 0 : config.archive.segmentSeconds * 1000,
    segmentBytes: config.archive.segmentBytes,
    schemaRegistry: config.schemaRegistry,
  };
}
