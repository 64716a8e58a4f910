/** Where `produce` puts records: the log itself (log_sink.ts) or a gateway (http_sink.ts). */
import type { MillraceError } from "../../core/errors.ts";

export interface RecordSink {
  readonly partitions: number;
  /** Copies the record bytes[start, end) in; false where what was added must be flushed first. */
  add(bytes: Uint8Array, start: number, end: number): boolean;
  /** Resolves once everything added is durable. Throws {@link Undelivered}; then the sink is not used again. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What was added since the last flush did not arrive, or not surely. */
export class Undelivered extends Error {
  override readonly name = "Undelivered";
  constructor(
    readonly reason: MillraceError,
    /** True where some of it may have arrived: to send it again could double it. */
    readonly mayBeIn: boolean,
  ) {
    super(reason.message, { cause: reason });
  }
}
