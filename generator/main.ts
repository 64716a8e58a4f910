/** The generator: feeds made-up traffic to topics of its own, at a steady rate, from a worker thread. */
import { type Config, topicSettingsOf } from "../core/config/schema.ts";
import type { PartitionedLog } from "../core/log/partitioned_log.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { USUAL_SCENARIOS } from "./scenarios/registry.ts";
import { Stall } from "./stall.ts";
import { TopicFeed } from "./topic_feed.ts";

export interface GeneratorParts {
  readonly config: Config;
  readonly log: PartitionedLog;
  /** Records a second, over all scenarios. */
  readonly rate: number;
  /** The same seed makes the same records at the same offsets (but for their times). */
  readonly seed: number;
  /** Told in words: that it waits for a full disk, that a topic was made anew. */
  readonly onNotice: (message: string) => void;
}

export interface Generator {
  /** Records that are durable in the log, since the start. */
  produced(): number;
  /** Finishes the appends that are under way; what had not begun is made again at the next start. */
  stop(): Promise<void>;
}

/**
 * Makes the topics of the scenarios where they are missing and feeds them until stopped. Record i of a partition is at
 * offset i, so a restart goes on where the log ends: nobody else should write to these topics.
 * Throws what the log throws where a topic cannot be made.
 */
export async function startGenerator(parts: GeneratorParts): Promise<Generator> {
  const generator = new RunningGenerator(parts);
  await generator.start();
  return generator;
}

class RunningGenerator implements Generator {
  readonly #parts: GeneratorParts;
  readonly #feeds: TopicFeed[];
  readonly #stopped = new AbortController();
  #worker: Worker | null = null;
  #produced = 0;

  constructor(parts: GeneratorParts) {
    this.#parts = parts;
    const { config, log, onNotice } = parts;
    const stall = new Stall(onNotice);
    this.#feeds = USUAL_SCENARIOS.map(({ topic: name }, topic) =>
      new TopicFeed({
        log,
        name,
        partitions: topicSettingsOf(config, name).partitions ?? config.log.partitions,
        stopped: this.#stopped.signal,
        onNotice,
        stall,
        onDone: (partition, epoch, bytes, recordsAppended) => {
          this.#produced += recordsAppended;
          this.#send({ kind: "done", topic, epoch, partition, bytes });
        },
        onPlaced: (place) => this.#send({ kind: "place", topic, place }),
      })
    );
  }

  produced(): number {
    return this.#produced;
  }

  async start(): Promise<void> {
    const topics = [];
    for (const feed of this.#feeds) topics.push(await feed.open());
    await this.#startWorker();
    const { seed, rate } = this.#parts;
    this.#send({ kind: "start", seed, rate, topics });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#worker?.terminate();
    this.#worker = null;
    await Promise.all(this.#feeds.map((feed) => feed.settled()));
  }

  #startWorker(): Promise<void> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "generator" });
    this.#worker = worker;
    let isReady = false;
    return new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => {
        if (data.kind === "ready") {
          isReady = true;
          resolve();
        } else this.#feeds[data.topic].push(data.partition, data);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault(); // made-up traffic must not end the process that keeps real logs
        worker.terminate();
        this.#worker = null;
        if (isReady) this.#parts.onNotice(`error: the generator ended: ${event.message}; start again to go on`);
        else reject(new Error(`the generator's worker failed: ${event.message}`));
      });
    });
  }

  #send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}
