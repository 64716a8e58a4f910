/** Appends records to a topic of a log in this process, whole batches to each partition in turn. */
import { messageOf, MillraceError } from "../../core/errors.ts";
import type { EncodedBatch, PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { RecordBatchBuilder } from "../../core/log/record_batch.ts";
import { type RecordSink, Undelivered } from "./sink.ts";

/** Small enough to spread a small file over the partitions, large enough that its header weighs nothing. */
const BATCH_BYTES = 128 * 1024;
/** Appended together, so that they share an fsync. */
const FLUSH_BYTES = 8 * 1024 * 1024;

export class LogSink implements RecordSink {
  readonly #builder = new RecordBatchBuilder(BATCH_BYTES);
  #batches: EncodedBatch[] = [];
  #batchesBytes = 0;
  #nextPartition = 0;

  /** The caller closes the log. */
  constructor(private readonly log: PartitionedLog, private readonly topic: Topic) {}

  get partitions(): number {
    return this.topic.partitions;
  }

  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#batchesBytes >= FLUSH_BYTES) return false;
    const nowMs = Date.now();
    if (!this.#builder.add(bytes, nowMs, null, start, end)) {
      this.#finishBatch();
      this.#builder.add(bytes, nowMs, null, start, end);
    }
    return true;
  }

  #finishBatch(): void {
    if (this.#builder.records === 0) return;
    const batch = this.#builder.finish();
    this.#batches.push(batch);
    this.#batchesBytes += batch.bytes.length;
  }

  async flush(): Promise<void> {
    this.#finishBatch();
    const batches = this.#batches;
    this.#batches = [];
    this.#batchesBytes = 0;
    const outcomes = await Promise.allSettled(batches.map((batch) => {
      const partition = this.#nextPartition;
      this.#nextPartition = (partition + 1) % this.topic.partitions;
      return this.log.append(this.topic, partition, batch);
    }));
    const failures = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failures.length > 0) throw new Undelivered(reasonOf(failures[0].reason), failures.length < outcomes.length);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function reasonOf(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(
    "FILE_UNAVAILABLE",
    `the log could not be written: ${messageOf(error)}`,
    "check the disk of the data directory",
    { cause: error },
  );
}
