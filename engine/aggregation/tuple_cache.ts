/**
 * Remembers which cell the dimension values of a record led to, by their bytes as a whole. Logs repeat the same few
 * combinations: one comparison then stands in for a look-up per dimension, the endpoint's normal form, the error
 * predicates and the search for the cell (bench/scan). A hit is confirmed byte by byte. The kernel holds and compares
 * (engine/kernel/assembly/tuples.ts).
 */
import type { EventFields } from "../../core/minutes/fields.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** After a window with more misses than hits the cache rests: values are too many for it. */
const WINDOW = 8192;
const REST = 65_536;

export const NOT_CACHED = -1;

export class TupleCache {
  readonly #kernel: Kernel;
  readonly #slots: readonly number[];
  /** The kernel's room for values that are not in its window, and for their spans, by word. */
  readonly #staged: { readonly starts: number; readonly ends: number };
  readonly #stage: { readonly at: number; readonly sizeBytes: number };
  /** Whether the values just found or put make an event an error. */
  isError = false;
  /** Whether the kernel knows the values of {@link find}. */
  #isAsked = false;
  #asked = 0;
  #missed = 0;
  #resting = 0;

  /** @param fieldSlots The dimensions' slots in EventFields. */
  constructor(fieldSlots: readonly number[], kernel: Kernel) {
    this.#kernel = kernel;
    this.#slots = fieldSlots;
    this.#staged = { starts: kernel.constant("STAGED_STARTS") / 4, ends: kernel.constant("STAGED_ENDS") / 4 };
    this.#stage = { at: kernel.constant("STAGE"), sizeBytes: kernel.constant("STAGE_BYTES") };
    kernel.words.set([fieldSlots.length, ...fieldSlots], kernel.constant("TUPLE_FIELDS") / 4);
  }

  /** The cell that these values led to among the cells `serial`, or NOT_CACHED. */
  find(fields: EventFields, serial: number): number {
    this.#isAsked = false;
    if (this.#resting > 0) {
      this.#resting--;
      return NOT_CACHED;
    }
    const kernel = this.#kernel;
    const isInWindow = fields.starts === kernel.starts && kernel.holdsSpansOf(fields.bytes);
    if (!isInWindow && !this.#stageValues(fields)) return NOT_CACHED;
    this.#isAsked = true;
    if (++this.#asked >= WINDOW) this.#judge();
    const found = isInWindow ? kernel.findTuple(serial) : kernel.findStagedTuple(serial);
    if (found < 0) {
      this.#missed++;
      return NOT_CACHED;
    }
    this.isError = (found & 1) === 1;
    return found >> 1;
  }

  /** Copies the values of a record that is not in the kernel's window to where it can read them; false: too long. */
  #stageValues({ starts, ends, bytes }: EventFields): boolean {
    const stage = this.#kernel.bytes;
    const words = this.#kernel.words;
    let at = this.#stage.at;
    const limit = at + this.#stage.sizeBytes;
    for (let i = 0; i < this.#slots.length; i++) {
      const start = starts[this.#slots[i]];
      const length = start < 0 ? -1 : ends[this.#slots[i]] - start;
      if (at + length > limit) return false;
      words[this.#staged.starts + this.#slots[i]] = length < 0 ? -1 : at;
      words[this.#staged.ends + this.#slots[i]] = at + length;
      for (let j = 0; j < length; j++) stage[at++] = bytes[start + j];
    }
    return true;
  }

  /** Tells of records whose cells the kernel has found by itself (engine/kernel/lane.ts). */
  foundByKernel(records: number): void {
    this.#asked += records;
  }

  #judge(): void {
    if (this.#missed * 2 > this.#asked) this.#resting = REST;
    this.#asked = 0;
    this.#missed = 0;
  }

  /** Remembers the cell of the values that {@link find} was just asked for. */
  put(serial: number, cell: number, isError: boolean): void {
    this.isError = isError;
    if (this.#isAsked) this.#kernel.putTuple(serial, cell, isError);
  }
}
