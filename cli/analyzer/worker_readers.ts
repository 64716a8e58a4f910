/** Readers of errors on a thread of their own, which is started anew where it dies. */
import type { ErrorReaders, ErrorReading } from "../../analyzer/errors/error_reading.ts";
import type { ErrorBatch } from "../../analyzer/errors/error_record.ts";
import { type Config, topicSettingsOf } from "../../core/config/schema.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { decideFormat, formatOf } from "../../core/store/formats.ts";
import type { Ledger } from "../../core/store/ports.ts";
import type { FromReader, ToReader } from "./error_protocol.ts";

export interface WorkerReadersParts {
  readonly config: Config;
  readonly log: Pick<PartitionedLog, "readerSpec">;
  readonly store: Ledger;
  readonly onNotice: (text: string) => void;
}

/** What a reading waits for. */
interface Waiting {
  readonly topic: Topic;
  batch: { resolve(batch: ErrorBatch | null): void; reject(error: Error): void } | null;
  closed: (() => void) | null;
}

export class WorkerReaders implements ErrorReaders {
  readonly #parts: WorkerReadersParts;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #ids = 0;

  constructor(parts: WorkerReadersParts) {
    this.#parts = parts;
  }

  #send(message: ToReader): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./error_worker.ts", import.meta.url), { type: "module", name: "errors" });
    worker.addEventListener("message", ({ data }: MessageEvent<FromReader>) => void this.#receive(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault(); // an unhandled worker error would end the process
      this.#parts.onNotice(`error: the thread that reads errors ended (${event.message}); it is started again`);
      this.#end(new Error(`the thread that reads errors ended: ${event.message}`));
    });
    return worker;
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { batch, closed } of this.#waiting.values()) {
      batch?.reject(error);
      closed?.();
    }
    this.#waiting.clear();
  }

  async #receive(message: FromReader): Promise<void> {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    switch (message.type) {
      case "batch":
        waiting.batch?.resolve(message.batch);
        waiting.batch = null;
        return;
      case "failed":
        waiting.batch?.reject(new Error(message.message));
        waiting.batch = null;
        return;
      case "gap": {
        const { partition, from, to } = message;
        this.#parts.onNotice(
          `warning: ${waiting.topic.name}/${partition}: the log no longer holds offsets ${from} to ${to - 1}; ` +
            "errors in them were not read",
        );
        return;
      }
      case "detected": {
        const { store } = this.#parts;
        const { id: topicId } = waiting.topic;
        const format =
          await (message.format === null ? formatOf(store, topicId) : decideFormat(store, topicId, message.format))
            .catch(() => null);
        return this.#send({ type: "format", id: message.id, format });
      }
      case "closed":
        this.#waiting.delete(message.id);
        waiting.closed?.();
    }
  }

  open(topic: Topic, positions: readonly number[]): ErrorReading {
    const { config, log } = this.#parts;
    const id = ++this.#ids;
    const { format, timeZone, mapping } = topicSettingsOf(config, topic.name);
    const { analyzer, engine } = config;
    const waiting: Waiting = { topic, batch: null, closed: null };
    this.#waiting.set(id, waiting);
    this.#send({
      type: "open",
      id,
      spec: {
        topicId: topic.id,
        partitions: positions.map((from, partition) => ({ reader: log.readerSpec(topic, partition), from })),
        format: format ?? topic.format ?? null,
        timeZone,
        mapping,
        futureMs: engine.futureSeconds * 1000,
        recordBytesMax: engine.recordBytesMax,
        fetchBytes: engine.fetchBytes,
        batchErrors: analyzer.batchErrors,
        batchMs: analyzer.batchSeconds * 1000,
      },
    });
    return {
      next: (waitMs) =>
        new Promise((resolve, reject) => {
          if (!this.#waiting.has(id)) return reject(new Error("the reading is over"));
          waiting.batch = { resolve, reject };
          this.#send({ type: "next", id, waitMs });
        }),
      close: () =>
        new Promise((resolve) => {
          if (!this.#waiting.has(id)) return resolve();
          waiting.closed = resolve;
          this.#send({ type: "close", id });
        }),
    };
  }

  /** Ends the thread. */
  stop(): void {
    this.#end(new Error("the analyzer stops"));
  }
}
