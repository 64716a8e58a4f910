/** The engine: shards the partitions of all topics across worker threads and restarts what fails. */
import { type Config, topicSettingsOf } from "../core/config/schema.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import type { PresetName } from "../core/minutes/preset.ts";
import type { Store } from "../core/store/ports.ts";
import { NoticeFilter } from "./notice_filter.ts";
import { findParser } from "./parsing/registry.ts";
import type { Notice, StoreCalls, WorkerSettings } from "./protocol.ts";
import { WorkerHandle } from "./worker_handle.ts";

const TOPICS_POLL_MS = 250;
const PING_MS = 5_000;
const SILENCE_MAX_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
/** Event and quarantine bytes that a partition may hold back before it waits for the store. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
/** Errors older than this no longer count against the engine's health. */
const ERROR_MEMORY_MS = 60_000;

export interface EngineParts {
  readonly config: Config;
  readonly log: Pick<PartitionedLog, "listTopics" | "readerSpec">;
  readonly store: Store;
  /** Told in words, for the log of the program. */
  readonly onNotice: (message: string) => void;
}

/** Live figures since the start of this process. */
export interface EngineStatus {
  readonly workers: number;
  readonly isHealthy: boolean;
  readonly recordsTotal: number;
  readonly unparsedTotal: number;
  readonly flushesTotal: number;
  readonly conflictsTotal: number;
  readonly flushErrorsTotal: number;
  readonly lastError: string | null;
}

export interface Engine {
  status(): EngineStatus;
  /** Stops working on a topic without a flush; what is derived from it may then be dropped. */
  forgetTopic(topicId: string): Promise<void>;
  describeTopic(topic: Topic): Promise<{ format: string | null; preset: PresetName }>;
  /** Flushes everything that was read, and ends the workers. */
  stop(): Promise<void>;
}

/** Starts the workers and gives them the partitions of every topic, now and as topics appear. */
export async function startEngine(parts: EngineParts): Promise<Engine> {
  const engine = new RunningEngine(parts);
  await engine.assignNewTopics();
  return engine;
}

/** Where the detected format of a topic is kept. */
const formatKey = (topicId: string): string => `format/${topicId}`;

class RunningEngine implements Engine {
  readonly #parts: EngineParts;
  readonly #workers: WorkerHandle[];
  readonly #assigned = new Set<string>();
  readonly #forgotten = new Set<string>();
  readonly #store: StoreCalls;
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #assigning: Promise<void> = Promise.resolve();
  #isStopping = false;
  #totals = { recordsTotal: 0, unparsedTotal: 0, flushesTotal: 0, conflictsTotal: 0, flushErrorsTotal: 0 };
  #lastError: { message: string; atMs: number } | null = null;

  readonly #notices = new NoticeFilter();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#store = this.#countingStore();
    const { workers } = parts.config.engine;
    const count = workers === 0 ? navigator.hardwareConcurrency : workers;
    this.#workers = Array.from({ length: count }, (_, index) => this.#startWorker(index));
    this.#every(TOPICS_POLL_MS, () => void this.assignNewTopics());
    this.#every(PING_MS, () => this.#workers.forEach((worker) => worker.ping(SILENCE_MAX_MS)));
  }

  #every(ms: number, run: () => void): void {
    const timer = setInterval(run, ms);
    this.#timers.push(timer);
  }

  #startWorker(index: number): WorkerHandle {
    return new WorkerHandle(index, settingsOf(this.#parts.config), this.#store, {
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

  /** Gives every partition that has no worker yet to the one with the fewest. One call at a time. */
  assignNewTopics(): Promise<void> {
    return this.#assigning = this.#assigning.then(() => this.#assignNewTopics()).catch((error) =>
      this.#parts.onNotice(`error: topics could not be listed: ${error.message}`)
    );
  }

  async #assignNewTopics(): Promise<void> {
    if (this.#isStopping) return;
    for (const topic of await this.#parts.log.listTopics()) {
      if (this.#assigned.has(topic.id) || this.#forgotten.has(topic.id)) continue;
      this.#assigned.add(topic.id);
      const settings = topicSettingsOf(this.#parts.config, topic.name);
      for (let partition = 0; partition < topic.partitions; partition++) {
        const [worker] = [...this.#workers].sort((a, b) => a.assignments.length - b.assignments.length);
        worker.assign({
          topicId: topic.id,
          topicName: topic.name,
          partition,
          reader: this.#parts.log.readerSpec(topic, partition),
          format: settings.format ?? topic.format ?? null,
          preset: settings.preset ?? null,
          timeZone: settings.timeZone,
          mapping: settings.mapping,
        });
      }
    }
  }

  #countingStore(): StoreCalls {
    const { store } = this.#parts;
    return {
      readPartition: (topicId, partition) => store.readPartition(topicId, partition),
      readUnits: (topicId, partition, buckets) => store.readUnits(topicId, partition, buckets),
      decideFormat: (topicId, detected) =>
        detected === null ? store.get(formatKey(topicId)) : store.putIfAbsent(formatKey(topicId), detected),
      flush: async (flush) => {
        if (this.#forgotten.has(flush.topicId)) throw new Error("the topic was deleted");
        try {
          const outcome = await store.flush(flush);
          if (outcome.kind === "conflict") this.#totals.conflictsTotal++;
          else {
            this.#totals.flushesTotal++;
            this.#totals.recordsTotal += flush.totals.consumed;
            this.#totals.unparsedTotal += flush.totals.unparsed;
          }
          return outcome;
        } catch (error) {
          this.#totals.flushErrorsTotal++;
          throw error;
        }
      },
    };
  }

  status(): EngineStatus {
    const error = this.#lastError;
    return {
      workers: this.#workers.length,
      isHealthy: error === null || performance.now() - error.atMs > ERROR_MEMORY_MS,
      ...this.#totals,
      lastError: error?.message ?? null,
    };
  }

  async forgetTopic(topicId: string): Promise<void> {
    this.#forgotten.add(topicId);
    await this.#assigning;
    await Promise.all(this.#workers.map((worker) => worker.forget(topicId)));
    this.#assigned.delete(topicId);
  }

  async describeTopic(topic: Topic): Promise<{ format: string | null; preset: PresetName }> {
    const settings = topicSettingsOf(this.#parts.config, topic.name);
    const format = settings.format ?? topic.format ?? await this.#parts.store.get(formatKey(topic.id));
    const preset = settings.preset ?? (format === null ? undefined : findParser(format)?.preset) ?? "apps";
    return { format, preset };
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#assigning;
    await Promise.all(this.#workers.map((worker) => worker.stop(STOP_TIMEOUT_MS)));
  }
}

function settingsOf({ engine }: Config): WorkerSettings {
  return {
    flushIntervalMs: engine.flushIntervalMs,
    latenessMs: engine.latenessSeconds * 1000,
    futureMs: engine.futureSeconds * 1000,
    recordBytesMax: engine.recordBytesMax,
    fetchBytes: engine.fetchBytes,
    pendingRowsMax: engine.pendingRowsMax,
    pendingBytesMax: PENDING_BYTES_MAX,
    keepsEvents: engine.events === "store",
    onGap: engine.onGap,
  };
}
