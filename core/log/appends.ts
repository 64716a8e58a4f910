/** What every log checks of what it is given to append. */
import { MillraceError } from "../errors.ts";
import type { EncodedBatch, Topic } from "./partitioned_log.ts";
import { BatchHeader, CorruptBatch, isCrcValid, readBatchHeader } from "./record_batch.ts";

/** What a batch may have beyond the largest record: its header, and the room that batches of small records take. */
const BATCH_ROOM_BYTES = 1024 * 1024;

/** Throws INVALID_INPUT for bytes that are not one whole batch, or larger than one of a record of `recordBytesMax`. */
export function checkBatch(topic: Topic, { bytes, records }: EncodedBatch, recordBytesMax: number, key: string): void {
  const bytesMax = recordBytesMax + BATCH_ROOM_BYTES;
  if (bytes.length > bytesMax) {
    throw new MillraceError(
      "INVALID_INPUT",
      `batch of ${bytes.length} bytes for topic ${topic.name}, at most ${bytesMax} are taken`,
      `send smaller records, or raise ${key}`,
    );
  }
  const problem = problemOf(bytes, records);
  if (problem === null) return;
  throw new MillraceError(
    "INVALID_INPUT",
    `topic ${topic.name}: expected one whole record batch of ${records} records: ${problem}`,
    "send the batch as RecordBatchBuilder.finish answers it",
  );
}

const header = new BatchHeader();

function problemOf(bytes: Uint8Array, records: number): string | null {
  try {
    const length = readBatchHeader(bytes, 0, header);
    if (length !== bytes.length) return `${bytes.length} bytes, its header says ${header.batchLength + 12}`;
  } catch (error) {
    if (error instanceof CorruptBatch) return error.message;
    throw error;
  }
  if (records < 1 || header.recordCount !== records || header.lastOffsetDelta !== records - 1) {
    return `its header says ${header.recordCount} records up to offset delta ${header.lastOffsetDelta}`;
  }
  return isCrcValid(bytes, 0, bytes.length) ? null : "wrong checksum";
}

export function unknownTopic(topic: Topic): MillraceError {
  return new MillraceError("UNKNOWN_TOPIC", `topic ${topic.name} (${topic.id}) is not in the log`, "make it first");
}
