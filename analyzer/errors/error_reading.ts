/** The port of whoever reads errors from the log: on another thread, or in a test from a list. */
import type { Topic } from "../../core/log/partitioned_log.ts";
import type { ErrorBatch } from "./error_record.ts";

/** One reading of a topic, from its positions on. */
export interface ErrorReading {
  /** The next batch; null where nothing is to be told after `waitMs`. Throws where reading cannot go on. */
  next(waitMs: number): Promise<ErrorBatch | null>;
  close(): Promise<void>;
}

export interface ErrorReaders {
  /** @param positions By partition, the first offset to read. */
  open(topic: Topic, positions: readonly number[]): ErrorReading;
}
