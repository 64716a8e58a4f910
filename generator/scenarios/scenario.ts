/** The port of the scenarios: one file a kind of record, one line in registry.ts. */
import type { Influence } from "../incidents/incident.ts";
import type { Incident, Target } from "../incidents/phases.ts";
import type { Random } from "../random.ts";

/** Free bytes that `out` must have for one record. */
export const RECORD_ROOM_BYTES = 1024;

/** What a record says. One object is used again and again. */
export class DrawnEvent {
  partition = 0;
  index = 0;
  /** Number of its target in the scenario. */
  target = 0;
  /** The record's time in the log, whole epoch milliseconds. */
  recordTimeMs = 0;
  /** The event's own time, which late records and wrong clocks put elsewhere. */
  timeMs = 0;
  service = "";
  /** Empty where records have none. */
  method = "";
  endpoint = "";
  level = "";
  isError = false;
  /** NaN where records tell none. */
  latencyMs = NaN;
  /** The record cannot be parsed: what the event says never arrives. */
  isUnparsable = false;
}

/** Draws and writes the records of one seed. Keeps state, so each thread has its own. */
export interface Scene {
  /**
   * Draws the record for target number `target` under an influence. `event` has its place and times; the rest is set
   * here, and its time may be moved. `random` stands at the same place for the same record.
   */
  draw(random: Random, target: number, influence: Influence, event: DrawnEvent): void;
  /** Writes what was drawn last at out[at...] and answers its end; the numbers of `random` go on. */
  write(random: Random, out: Uint8Array, at: number): number;
}

/** Writes the records of one seed and one script. Keeps buffers, so each thread has its own. */
export interface ScenarioWriter {
  /**
   * Writes record `i` of `partition` at out[at...] and answers its end. The bytes are a pure function of the seed, the
   * script and the arguments. `timestampMs` is the record's time in the log, whole epoch milliseconds; `out` has at least
   * {@link RECORD_ROOM_BYTES} left. `previousMs` is the time of record i - 1; without it, none is its copy.
   */
  write(partition: number, i: number, timestampMs: number, out: Uint8Array, at: number, previousMs?: number): number;
  /** What the same record says, without its bytes. The answer is good until the next call. */
  draw(partition: number, i: number, timestampMs: number, previousMs?: number): Readonly<DrawnEvent>;
}

/** How records are encoded whose schema is registered. */
export interface Framing {
  readonly encoding: "avro" | "json_schema";
  readonly schemaId: number;
}

export interface ScenarioParts {
  readonly name: string;
  /** One line for `--help` and docs. */
  readonly description: string;
  /** The topic that the generator feeds. */
  readonly topic: string;
  /** Share of the generator's rate, relative to those of the other scenarios that are chosen. */
  readonly share: number;
  /** Keeps the numbers of scenarios with the same seed apart. */
  readonly salt: number;
  readonly targets: readonly Target[];
  /**
   * `messages` are those of incidents that bring their own error, by their number in the script. `framing` is for
   * scenarios whose records have a registered schema; null: plain.
   */
  open(seed: number, messages: ReadonlyMap<number, string>, framing: Framing | null): Scene;
}

export interface Scenario extends ScenarioParts {
  /** A writer for the seed, and the incidents of a script if there are any. */
  create(seed: number, incidents?: readonly Incident[], framing?: Framing | null): ScenarioWriter;
}
