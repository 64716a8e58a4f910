/** What a rule sees of a topic at a minute: tables of its signals, where the log stands, patterns of errors. */
import type { FingerprintMinutes, Fingerprints, LogStanding } from "./ports.ts";
import { HEARTBEAT, signalKey, type SignalSpec, SignalTable } from "./signal_table.ts";

/** Minutes [at − from, at − to) of a signal, for an evaluation at any minute `at`. */
export interface Need {
  readonly signal: SignalSpec;
  readonly from: number;
  readonly to: number;
}

/** The tables of one topic. */
export type Tables = ReadonlyMap<string, SignalTable>;

export interface ViewParts {
  readonly tables: Tables;
  /** Minutes before it are final, and nothing at or after it is looked at. */
  readonly at: number;
  readonly standing: LogStanding | null;
  readonly fingerprints: Fingerprints | null;
  /** Minutes before it are no measure of others; absent: all are. */
  readonly begun?: number | null;
}

export class View {
  readonly at: number;
  /** The first minute that others may be measured by; -Infinity where all may. */
  readonly begun: number;
  readonly standing: LogStanding | null;
  readonly #tables: Tables;
  readonly #fingerprints: Fingerprints | null;

  constructor({ tables, at, standing, fingerprints, begun }: ViewParts) {
    this.begun = begun ?? -Infinity;
    this.at = at;
    this.standing = standing;
    this.#tables = tables;
    this.#fingerprints = fingerprints;
  }

  /** The table of a signal; an empty one where it was not asked for by a {@link Need}. */
  table(signal: SignalSpec): SignalTable {
    return this.#tables.get(signalKey(signal)) ?? new SignalTable(signal);
  }

  /** Whether the topic had any event in minutes [from, to): else there are no data, rather than zero. */
  hasData(from: number, to: number): boolean {
    const table = this.table(HEARTBEAT);
    for (const key of table.groups(from, to)) if (table.sum(key, "count", from, to) > 0) return true;
    return false;
  }

  /** Patterns of errors and since when they are watched; null where nobody watches. */
  get fingerprints(): { readonly watchedSince: number; readonly patterns: readonly FingerprintMinutes[] } | null {
    return this.#fingerprints;
  }
}
