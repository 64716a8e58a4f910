/** What the aggregator reads records from, and so does whatever else takes those of a chunk. */
import type { Reason } from "../parsing/parser.ts";

/** The walk over a batch's records that the aggregator reads from (core/log/record_batch.ts). */
export interface RecordSource {
  next(): boolean;
  readonly offset: number;
  readonly timestampMs: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Why the records are not to be parsed but kept as they are; absent: they are parsed. */
  readonly reason?: Reason;
}
