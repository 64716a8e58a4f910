/** Appends records to a topic of a log in this process. */
import { messageOf, MillraceError } from "../../core/errors.ts";
import type { PartitionedLog, Topic } from "../../core/log/partitioned_log.ts";
import { TopicWriter } from "../../core/log/topic_writer.ts";
import { type RecordSink, Undelivered } from "./sink.ts";

/** Small enough to spread a small file over the partitions, large enough that its header weighs nothing. */
const BATCH_BYTES = 128 * 1024;
/** Less than the writer lets wait, so that its writes need not be awaited one by one. */
const FLUSH_BYTES = 8 * 1024 * 1024;

export class LogSink implements RecordSink {
  readonly partitions: number;
  readonly #writer: TopicWriter;
  #addedBytes = 0;
  #room: Promise<void> | null = null;

  /** The caller closes the log. */
  constructor(log: PartitionedLog, topic: Topic) {
    this.partitions = topic.partitions;
    this.#writer = new TopicWriter(log, topic, { batchBytes: BATCH_BYTES });
  }

  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#addedBytes >= FLUSH_BYTES) return false;
    this.#addedBytes += end - start;
    try {
      // A promise tells that much is pending: a huge record. The flush that is due next awaits it.
      const room = this.#writer.write(bytes.subarray(start, end), Date.now());
      if (room !== undefined) this.#awaitRoom(room);
    } catch (error) {
      throw undelivered(error);
    }
    return true;
  }

  #awaitRoom(room: Promise<void>): void {
    room.catch(() => {}); // told by the flush
    this.#room = room;
    this.#addedBytes = FLUSH_BYTES;
  }

  async flush(): Promise<void> {
    try {
      await this.#room;
      this.#room = null;
      await this.#writer.flush();
    } catch (error) {
      throw undelivered(error);
    }
    this.#addedBytes = 0;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** One batch of several failed: others may be in. */
function undelivered(error: unknown): Undelivered {
  if (error instanceof MillraceError) return new Undelivered(error, true);
  const reason = new MillraceError(
    "FILE_UNAVAILABLE",
    `the log could not be written: ${messageOf(error)}`,
    "check the disk of the data directory",
    { cause: error },
  );
  return new Undelivered(reason, true);
}
