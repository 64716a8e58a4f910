/**
 * The lane of usual records (assembly/lane.ts): the kernel walks a batch by itself, and counts rows for the records that
 * it is sure of. It comes back at a record that needs more, with what it has found out about it.
 */
import type { RecordWalker } from "../../core/log/record_batch.ts";
import type { Kernel } from "./kernel.ts";

/** Why it came back: no more records, rows to be added, a record to be read from its start, a record that was scanned. */
export const AT_END = 0;
export const AT_ROWS = 1;
const AT_WINDOW = 2;
export const AT_UNREAD = 3;
export const AT_SCANNED = 4;

// Places in the words and in the floats of the lane (assembly/lane.ts).
const WINDOW_END = 0;
const BATCH_END = 1;
const LAST_OFFSET_DELTA = 2;
const RECORD_BYTES_MAX = 3;
const SERIAL = 4;
const HAS_ONE_TIMESTAMP = 5;
const BASE_OFFSET = 3;
const BASE_TIMESTAMP_MS = 4;
const FIRST_OFFSET = 5;
const MINUTE_START = 6;
const FUTURE_MICROS = 7;
const LATENESS_MICROS = 8;
const WATERMARK = 9;
const AT = 20;
const REMAINING = 21;
const PREVIOUS_DELTA = 22;
const ROWS = 23;
const LATE = 24;
const VALUE_START = 25;
const VALUE_END = 26;
const ANSWER = 27;
const RECORD_TIME_MS = 14;

const LANE_BYTES = 128;
/** Values of a row: those of the measures, and room up to a power of two. */
export const ROW_VALUES = 4;

/** What a row needs to count: records from `firstOffset` on of one minute, in cells of one serial. */
export interface LaneBounds {
  serial: number;
  firstOffset: number;
  /** Infinity: no record is to be counted. */
  minuteStartMicros: number;
  watermarkMicros: number;
}

export class Lane {
  readonly #kernel: Kernel;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  /** Of each row, twice its cell, plus one for an error. */
  readonly cells: Int32Array;
  /** Of each row, {@link ROW_VALUES} measures as EventFields has them. */
  readonly values: Float64Array;
  /** Whether the next record is only partly in the window. */
  #isCutOff = false;

  constructor(kernel: Kernel, options: { latenessMs: number; futureMs: number; recordBytesMax: number }) {
    this.#kernel = kernel;
    const { buffer } = kernel.bytes;
    const at = kernel.constant("LANE");
    this.#words = new Int32Array(buffer, at, LANE_BYTES / 4);
    this.#floats = new Float64Array(buffer, at, LANE_BYTES / 8);
    const rows = kernel.constant("ROWS_MAX");
    this.cells = new Int32Array(buffer, kernel.constant("ROW_CELLS"), rows);
    this.values = new Float64Array(buffer, kernel.constant("ROW_VALUES"), rows * ROW_VALUES);
    this.#words[RECORD_BYTES_MAX] = options.recordBytesMax;
    this.#floats[FUTURE_MICROS] = options.futureMs * 1000;
    this.#floats[LATENESS_MICROS] = options.latenessMs * 1000;
  }

  /** How many rows were counted by the last run, and of those how many late events. */
  get rows(): number {
    return this.#words[ROWS];
  }

  get late(): number {
    return this.#words[LATE];
  }

  get watermarkMicros(): number {
    return this.#floats[WATERMARK];
  }

  /** What the kernel answered for the record that it scanned last (Kernel.scan). */
  get answer(): number {
    return this.#words[ANSWER];
  }

  /** The time of the record that was walked over last. */
  get recordTimeMs(): number {
    return this.#floats[RECORD_TIME_MS];
  }

  /**
   * Walks on in the batch in `bytes` from where `walker` stands, and answers why it came back: AT_END or AT_UNREAD (the
   * walker's next record is to be read), AT_ROWS, or AT_SCANNED (the walker's fields tell the record).
   */
  run(bytes: Uint8Array, walker: RecordWalker, bounds: LaneBounds): number {
    const words = this.#words;
    const floats = this.#floats;
    const kernel = this.#kernel;
    const start = walker.at;
    if (this.#isCutOff || !kernel.holds(bytes) || start < kernel.from || start >= kernel.to) kernel.move(bytes, start);
    const { from } = kernel;
    words[WINDOW_END] = kernel.to - from;
    words[BATCH_END] = walker.batchEnd - from;
    words[AT] = start - from;
    words[REMAINING] = walker.remaining;
    words[PREVIOUS_DELTA] = walker.previousDelta;
    words[LAST_OFFSET_DELTA] = walker.lastOffsetDelta;
    words[HAS_ONE_TIMESTAMP] = walker.hasOneTimestamp ? 1 : 0;
    words[SERIAL] = bounds.serial;
    floats[BASE_OFFSET] = walker.baseOffset;
    floats[BASE_TIMESTAMP_MS] = walker.baseTimestampMs;
    floats[FIRST_OFFSET] = bounds.firstOffset;
    floats[MINUTE_START] = bounds.minuteStartMicros;
    floats[WATERMARK] = bounds.watermarkMicros;
    const stop = kernel.run();
    walker.standAt(words[AT] + from, words[REMAINING], words[PREVIOUS_DELTA]);
    if (stop === AT_SCANNED) {
      walker.offset = walker.baseOffset + words[PREVIOUS_DELTA];
      walker.timestampMs = floats[RECORD_TIME_MS];
      walker.valueStart = words[VALUE_START] + from;
      walker.valueEnd = words[VALUE_END] + from;
    }
    this.#isCutOff = stop === AT_WINDOW;
    if (stop !== AT_WINDOW) return stop;
    return walker.at === from ? AT_UNREAD : AT_ROWS; // longer than the window, or for the next run
  }
}
