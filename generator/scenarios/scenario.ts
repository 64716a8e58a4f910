/** The port of the scenarios: one file a kind of record, one line in registry.ts. */

/** Free bytes that `out` must have for one record. */
export const RECORD_ROOM_BYTES = 1024;

/** Writes the records of one seed. Keeps buffers, so each thread has its own. */
export interface ScenarioWriter {
  /**
   * Writes record `i` of `partition` at out[at...] and answers its end. The bytes are a pure function of the seed and
   * the arguments. `timestampMs` is the record's time in the log, whole epoch milliseconds; `out` has at least
   * {@link RECORD_ROOM_BYTES} left.
   */
  write(partition: number, i: number, timestampMs: number, out: Uint8Array, at: number): number;
}

export interface Scenario {
  readonly name: string;
  /** One line for `--help` and docs. */
  readonly description: string;
  /** The topic that the generator feeds. */
  readonly topic: string;
  /** Share of the generator's rate; those of all scenarios add up to 1. */
  readonly share: number;
  create(seed: number): ScenarioWriter;
}
