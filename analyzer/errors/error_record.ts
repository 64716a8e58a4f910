/** An error as it was read from the log. */

/** Levels that count as errors. */
export const ERROR_LEVELS = ["ERROR", "FATAL"] as const;

export interface ErrorRecord {
  readonly partition: number;
  readonly offset: number;
  /** Event time, epoch milliseconds; the record's own where the event has none. */
  readonly ms: number;
  readonly service: string;
  readonly level: string;
  /** What the event says; the whole record where it has no message. Cut to {@link MESSAGE_CHARS_MAX}. */
  readonly message: string;
  /**
   * What the error has in common with others, where the event says so by its fields: a request without a message is told by
   * its method, endpoint and status. Null: to be found in the message.
   */
  readonly template: string | null;
  /** The whole record, cut to {@link RAW_CHARS_MAX}. */
  readonly raw: string;
  /** Values that tell one occurrence from the next, by field. */
  readonly values: Readonly<Record<string, string>>;
}

export const MESSAGE_CHARS_MAX = 16_384;
export const RAW_CHARS_MAX = 4_096;

/** Errors of a topic, in the order in which they were read, and how far that was. */
export interface ErrorBatch {
  readonly topicId: string;
  readonly records: readonly ErrorRecord[];
  /** Per partition, the offset below which all errors are in this batch or an earlier one. */
  readonly positions: ReadonlyMap<number, number>;
  /** Records that were read for it, errors or not. */
  readonly read: number;
}
