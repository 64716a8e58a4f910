/** The generator: feeds made-up traffic to topics of its own, from worker threads. */
import { type Config, topicSettingsOf } from "../core/config/schema.ts";
import type { PartitionedLog, Topic } from "../core/log/partitioned_log.ts";
import type { FromWorker, Taken, ToWorker } from "./protocol.ts";
import { refuseTwice, standsStill, takenOf } from "./resume.ts";
import { partsOf, scenariosOf } from "./sources.ts";
import { Stall } from "./stall.ts";
import { TopicFeed } from "./topic_feed.ts";
import type { Traffic } from "./traffic.ts";

export interface GeneratorParts {
  readonly config: Config;
  readonly log: PartitionedLog;
  readonly traffic: Traffic;
  /** Goes on with a run that was stopped: what the topics hold of it is not made again. */
  readonly isResumed?: boolean;
  /** Told in words: that it waits for a full disk, that a topic was made anew. */
  readonly onNotice: (message: string) => void;
}

export interface Generator {
  /** Records that are durable in the log, since the start. */
  produced(): number;
  /** Resolves when all records of a count or a time range are durable; never, where the traffic has no end. */
  readonly finished: Promise<void>;
  /** Finishes the appends that are under way; what had not begun is made again at the next start. */
  stop(): Promise<void>;
}

/**
 * Makes the topics of the scenarios where they are missing and feeds them until stopped, or until the traffic ends.
 * Record i of a partition is at offset i, so a restart goes on where the log ends: nobody else should write to these
 * topics. Throws INVALID_INPUT where a topic holds what the traffic must not meet, and what the log throws where a topic
 * cannot be made.
 */
export async function startGenerator(parts: GeneratorParts): Promise<Generator> {
  const generator = new RunningGenerator(parts);
  await generator.start();
  return generator;
}

/** A broker takes batches of a megabyte, unless it is told otherwise. */
const KAFKA_BATCH_BYTES = 512 * 1024;
/** An append is answered once its bytes are on the disk, one at a time in a partition: larger ones wait less often. */
const EMBEDDED_BATCH_BYTES = 2 * 1024 * 1024;

class RunningGenerator implements Generator {
  readonly finished: Promise<void>;
  readonly #finish: () => void;
  readonly #parts: GeneratorParts;
  readonly #feeds: TopicFeed[];
  readonly #stopped = new AbortController();
  #workers: Worker[] = [];
  readonly #working = new Set<Worker>();
  #produced = 0;

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.finished = promise;
    this.#finish = resolve;
    const { config, log, traffic, onNotice } = parts;
    const stall = new Stall(onNotice);
    this.#feeds = scenariosOf(traffic).map(({ topic: name }, topic) =>
      new TopicFeed({
        log,
        name,
        partitions: topicSettingsOf(config, name).partitions ?? config.log.partitions,
        stopped: this.#stopped.signal,
        onNotice,
        stall,
        onDone: ({ partition, epoch, records, bytes }, isAppended) => {
          if (isAppended) this.#produced += records;
          // What was not taken may be on its way all the same: a request that was not answered in time.
          const buffer = isAppended ? bytes.buffer : null;
          this.#workers[partition % this.#workers.length]?.postMessage(
            { kind: "done", topic, epoch, partition, bytes: bytes.length, buffer } satisfies ToWorker,
            buffer === null ? [] : [buffer],
          );
        },
        onPlaced: (place) => {
          for (const worker of this.#workers) {
            this.#working.add(worker);
            worker.postMessage({ kind: "place", topic, place } satisfies ToWorker);
          }
        },
      })
    );
  }

  produced(): number {
    return this.#produced;
  }

  async start(): Promise<void> {
    const { traffic } = this.#parts;
    const topics = [];
    for (const [i, feed] of this.#feeds.entries()) topics.push(await feed.open((topic) => this.#takenOf(topic, i)));
    const of = traffic.workers;
    const batchBytes = this.#parts.config.kafka.brokers.length > 0 ? KAFKA_BATCH_BYTES : EMBEDDED_BATCH_BYTES;
    const workers = await Promise.all(Array.from({ length: of }, () => this.#startWorker()));
    for (const worker of workers) this.#working.add(worker);
    this.#workers = workers;
    for (const [index, worker] of workers.entries()) {
      worker.postMessage({ kind: "start", traffic, share: { index, of }, batchBytes, topics } satisfies ToWorker);
    }
  }

  /** What a topic holds of the traffic. Throws INVALID_INPUT where a range would be made twice, or is another run's. */
  async #takenOf(topic: Topic, index: number): Promise<Taken[] | undefined> {
    const { log, traffic, isResumed = false, onNotice } = this.#parts;
    const { pace, seed, incidents, framing } = traffic;
    if (!isResumed) {
      if (pace.kind === "planned") await refuseTwice(log, topic, pace.fromMs, pace.toMs);
      return undefined;
    }
    await standsStill(log, topic);
    const part = partsOf(traffic, 0)[index];
    const plan = pace.kind === "planned" ? { ...pace, ...part } : null;
    const taken = await takenOf(log, topic, { writer: part.scenario.create(seed, incidents, framing), plan });
    const records = taken.reduce((sum, one) => sum + one.records, 0);
    onNotice(`generator: ${topic.name} has ${records} records of this run; it goes on behind them`);
    return taken;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#terminate();
    await this.#settled();
  }

  #terminate(): void {
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.settled()));
  }

  #startWorker(): Promise<Worker> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "generator" });
    let isReady = false;
    return new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "ready") {
          isReady = true;
          resolve(worker);
        } else if (data.kind === "finished") void this.#onFinished(worker);
        else this.#feeds[data.topic].push(data);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault(); // made-up traffic must not end the process that keeps real logs
        if (isReady) this.#terminate();
        worker.terminate();
        if (isReady) this.#parts.onNotice(`error: the generator ended: ${event.message}; start again to go on`);
        else reject(new Error(`the generator's worker failed: ${event.message}`));
      });
    });
  }

  async #onFinished(worker: Worker): Promise<void> {
    this.#working.delete(worker);
    if (this.#working.size > 0) return;
    // Only now has every worker sent all of its batches.
    await this.#settled();
    // A topic may have been made anew meanwhile: its records are made again.
    if (this.#working.size === 0 && !this.#stopped.signal.aborted) this.#finish();
  }
}
