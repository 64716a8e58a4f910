/** What alerting asks of the world: minutes, where logs stand, patterns of errors, and a place for its state. */
import type { Labels } from "./alert.ts";
import type { GroupMinutes, SignalSpec } from "./signal_table.ts";

export interface AlertTopic {
  readonly id: string;
  readonly name: string;
}

/** How far the engine is behind a log. */
export interface LogStanding {
  readonly lagRecords: number;
  /** Age of the first record that is not stored yet; the largest over partitions. */
  readonly lagSeconds: number;
}

export interface TopicProgress extends LogStanding {
  /** Minutes before it are final; null where that cannot be said yet. Never beyond the clock. */
  readonly finalUntil: number | null;
  /**
   * Minutes before it have ended by the events' own times, as far as the engine has stored: only late events may still
   * come. Never beyond the clock; null or absent where that cannot be said.
   */
  readonly endedUntil?: number | null;
  /**
   * The minute of the topic's first record, by its own time: of minutes before it there are late events alone. Null or absent
   * where that is not known, as where the log has deleted it.
   */
  readonly begun?: number | null;
}

/** Where minutes come from. */
export interface MinuteSource {
  topics(): Promise<readonly AlertTopic[]>;
  progress(topic: AlertTopic, nowMs: number): Promise<TopicProgress>;
  /** Per hour that holds anything, a text that changes when its minutes do. */
  hourVersions(topic: AlertTopic): Promise<ReadonlyMap<number, string>>;
  /** Minutes [from, to) of a signal. `isTruncated`: there are more groups than are answered. */
  read(
    topic: AlertTopic,
    signal: SignalSpec,
    from: number,
    to: number,
  ): Promise<{ readonly groups: readonly GroupMinutes[]; readonly isTruncated: boolean }>;
}

/** A pattern of errors, and how often it came. */
export interface FingerprintMinutes {
  readonly id: string;
  /** Masked: values are left out. */
  readonly template: string;
  /** service and level, where there are. */
  readonly labels: Labels;
  /** Minute of the first event of it that was ever seen. */
  readonly firstSeen: number;
  /** Minute and count, of those minutes of the range that have any. */
  readonly points: readonly (readonly [minute: number, count: number])[];
}

export interface Fingerprints {
  /** Minute since when patterns of the topic are watched: before that, each is new. */
  readonly watchedSince: number;
  readonly patterns: readonly FingerprintMinutes[];
}

/** Where patterns of errors come from. */
export interface FingerprintReader {
  /** Patterns with an event in minutes [from, to). */
  fingerprints(topic: AlertTopic, from: number, to: number): Promise<Fingerprints>;
}

/** A place for one text that is changed by compare-and-set: a store's ledger is one. */
export interface StateLedger {
  get(key: string): Promise<string | null>;
  compareAndSet(key: string, expected: string | null, value: string): Promise<boolean>;
}
