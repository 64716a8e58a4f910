/**
 * The WebAssembly module (assembly/) that scans records and remembers tuples of their values, 16 bytes at a time: twice as
 * fast as the same in JavaScript, and from the first call on (bench/scan; docs/adr/008). It reads from a window, a copy of
 * the next stretch of the buffer that records lie in. Positions given are the buffer's; those answered are so of JSON, and
 * of access logs they are the module's memory's (see {@link Kernel.holdsSpansOf}).
 */
import { MEASURES, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { KERNEL_WASM } from "./kernel_wasm.ts";

/** Answers below 0 of a scan: not JSON, or doubtful; or it met a literal that is not known. */
export const NOT_TAKEN = -1;
export const NOT_KNOWN = -2;
/** Answers from 0 on: how many values were deferred, and whether the record is not all ASCII. */
export const DEFERRED_MASK = 0xfff;
export const NOT_ASCII = 0x1000;
/** How a deferred value is written. */
export const AS_STRING = 0;
export const AS_ESCAPED_STRING = 1;
/** Index of the timestamp's rank, after those of the text fields. */
export const TIMESTAMP_RANK = 15;
/** The module reads whole vectors: so many bytes behind the window's last record are read, too. */
const VECTOR_BYTES = 16;

/** What assembly/index.ts exports besides numbers. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  scan(start: number, end: number): number;
  resume(node: number, start: number, end: number): number;
  run(): number;
  setBase(position: number): void;
  setAccess(): void;
  getStopNode(): number;
  getStopAt(): number;
  findTuple(serial: number, startsAt: number, endsAt: number, addressOffset: number): number;
  putTuple(serial: number, cell: number, isError: number): void;
}

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

let compiled: WebAssembly.Module | null = null;

/** What the statuses of access logs mean (assembly/access.ts). */
const LEVELS = ["INFO", "WARN", "ERROR"];
const LEVEL_BYTES = 16;

/** An instance of the module with a memory of its own (2.5 MiB, touched as needed) that never moves: views stay good. */
export class Kernel {
  readonly #exports: Exports;
  readonly #constants: Readonly<Record<string, WebAssembly.Global | undefined>>;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** As EventFields has them: where text fields start (-1: absent) and end, and measures (NaN: absent). */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly measures: Float64Array;
  /** The preference of the name that each was found under, and of the timestamp's. */
  readonly ranks: Int32Array;
  readonly measureRanks: Int32Array;
  /** The event's time in microseconds, or NaN. */
  readonly time: Float64Array;
  readonly #startsAt: number;
  readonly #endsAt: number;
  readonly #stagedStartsAt: number;
  readonly #stagedEndsAt: number;
  readonly #windowAt: number;
  readonly #window: Uint8Array;
  /** The window is a copy of the stretch [from, to) of this. */
  #source: Uint8Array = NOTHING;
  from = 0;
  to = 0;

  readonly #isAccess: boolean;

  /** @param format Of the records that it scans. */
  constructor(format: "json" | "access" = "json") {
    compiled ??= new WebAssembly.Module(Uint8Array.fromBase64(KERNEL_WASM));
    const { exports } = new WebAssembly.Instance(compiled);
    // The module and these types are two sides of one thing: kernel_test.ts compiles the one, and runs it by the other.
    this.#exports = exports as unknown as Exports;
    this.#constants = exports as unknown as Record<string, WebAssembly.Global>;
    this.#startsAt = this.constant("STARTS");
    this.#endsAt = this.constant("ENDS");
    this.#stagedStartsAt = this.constant("STAGED_STARTS");
    this.#stagedEndsAt = this.constant("STAGED_ENDS");
    this.#windowAt = this.constant("WINDOW");
    const { buffer } = this.#exports.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.bytes.fill(0xff, this.constant("MASKS"), this.constant("MASKS") + VECTOR_BYTES);
    this.starts = new Int32Array(buffer, this.#startsAt, TEXT_FIELDS.length);
    this.ends = new Int32Array(buffer, this.#endsAt, TEXT_FIELDS.length);
    this.ranks = new Int32Array(buffer, this.constant("RANKS"), TIMESTAMP_RANK + 1);
    this.measures = new Float64Array(buffer, this.constant("MEASURES"), MEASURES.length);
    this.measureRanks = new Int32Array(buffer, this.constant("MEASURE_RANKS"), MEASURES.length);
    this.time = new Float64Array(buffer, this.constant("TIME"), 1);
    this.#window = new Uint8Array(buffer, this.#windowAt, this.constant("WINDOW_BYTES") - VECTOR_BYTES);
    this.#isAccess = format === "access";
    if (!this.#isAccess) return;
    this.#exports.setAccess();
    this.#exports.setBase(this.#windowAt);
    LEVELS.forEach((level, i) =>
      encoder.encodeInto(level, this.bytes.subarray(this.constant("LEVELS") + i * LEVEL_BYTES))
    );
  }

  /** A place or size that the module names (assembly/memory.ts). */
  constant(name: string): number {
    const global = this.#constants[name];
    if (global === undefined) throw new Error(`the kernel has no ${name}`);
    return global.value;
  }

  /** Scans the record source[start, end); one that is longer than the window is NOT_TAKEN. */
  scan(source: Uint8Array, start: number, end: number): number {
    if (source !== this.#source || start < this.from || end > this.to) {
      if (end - start > this.#window.length) return NOT_TAKEN;
      this.move(source, start);
    }
    return this.#exports.scan(start - this.from, end - this.from);
  }

  /** Makes the window begin at `start`. */
  move(source: Uint8Array, start: number): void {
    this.#source = source;
    this.from = start;
    this.to = Math.min(source.length, start + this.#window.length);
    this.#window.set(source.subarray(start, this.to));
    if (!this.#isAccess) this.#exports.setBase(start);
  }

  /** Goes on with the batch that the lane describes (lane.ts). */
  run(): number {
    return this.#exports.run();
  }

  /** Call it when the bytes of a buffer have changed since the last scan. */
  forget(): void {
    this.#source = NOTHING;
  }

  /** Goes on with the record that ends at `end` from after the literal of `node`, which begins where it stopped. */
  resume(node: number, start: number, end: number): number {
    return this.#exports.resume(node, start - this.from, end - this.from);
  }

  /** The node whose value the literal follows that the scan did not know, and where that begins. */
  get stopNode(): number {
    return this.#exports.getStopNode();
  }

  get stopAt(): number {
    return this.#exports.getStopAt() + this.from;
  }

  /** True where the window is a copy of a stretch of `source`. */
  holds(source: Uint8Array): boolean {
    return source === this.#source;
  }

  /** True for the buffer of the spans of records scanned, as long as the window does not move. */
  holdsSpansOf(bytes: Uint8Array): boolean {
    return this.#isAccess ? bytes === this.bytes : bytes === this.#source;
  }

  /** Twice the cell, plus one for an error, that the values of the record scanned last led to; or -1. */
  findTuple(serial: number): number {
    const toAddress = this.#isAccess ? 0 : this.#windowAt - this.from;
    return this.#exports.findTuple(serial, this.#startsAt, this.#endsAt, toAddress);
  }

  /** The same for values whose spans are at STAGED_STARTS and STAGED_ENDS. */
  findStagedTuple(serial: number): number {
    return this.#exports.findTuple(serial, this.#stagedStartsAt, this.#stagedEndsAt, 0);
  }

  /** Remembers it for the values that were just asked for. */
  putTuple(serial: number, cell: number, isError: boolean): void {
    this.#exports.putTuple(serial, cell, isError ? 1 : 0);
  }
}
