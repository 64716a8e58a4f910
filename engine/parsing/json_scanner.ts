/**
 * The hot path: one pass over a JSON record's bytes, in WebAssembly (engine/kernel), that checks all of them and notes
 * the wanted values' positions, without an object or a string per record. Keys and punctuation are compared with the
 * layouts seen before (json_layout.ts). Anything unusual is left to JSON.parse: the scanner only ever says "taken" or
 * "not by me", and tests/property/json_scanner_test.ts holds it to what JSON.parse says. Measured by bench/scan.ts.
 */
import type { EventFields } from "../../core/minutes/fields.ts";
import { AS_ESCAPED_STRING, AS_STRING, DEFERRED_MASK, Kernel, NOT_ASCII, NOT_KNOWN } from "../kernel/kernel.ts";
import { Layout } from "./json_layout.ts";
import { type NameNode, TIMESTAMP } from "./json_names.ts";
import type { Projection } from "./json_projection.ts";
import { isValidUtf8 } from "./utf8.ts";

/** Bytes up to the minute, which the kernel knows timestamps by: `2026-03-01T10:00`. */
const MINUTE_BYTES = 16;

export class JsonScanner {
  readonly #kernel: Kernel;
  readonly #layout: Layout;
  readonly #projection: Projection;
  /** Node, start, end and writing of each value that the kernel left to us. */
  readonly #deferred: Int32Array;
  readonly #minutes: { readonly at: number; readonly mask: number };
  readonly #instants: Float64Array;

  constructor(names: NameNode, projection: Projection, kernel: Kernel) {
    this.#kernel = kernel;
    this.#layout = new Layout(names, kernel);
    this.#projection = projection;
    const { buffer } = kernel.bytes;
    this.#deferred = new Int32Array(buffer, kernel.constant("DEFERRED"), 4 * kernel.constant("DEFERRED_MAX"));
    this.#minutes = { at: kernel.constant("MINUTES"), mask: kernel.constant("MINUTES_MASK") };
    this.#instants = new Float64Array(buffer);
  }

  /**
   * Reads the record bytes[start, end) into `out`, whose arrays become the kernel's. True: it is valid and `out` is
   * complete but for {@link Projection.finish}. False: it is invalid or unusual, and `out` holds nothing of use.
   */
  scan(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): boolean {
    return this.finish(this.#kernel.scan(bytes, start, end), bytes, start, end, recordTimeMs, out);
  }

  /** The same for a record that the kernel has scanned, with this answer. */
  finish(
    answer: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    recordTimeMs: number,
    out: EventFields,
  ): boolean {
    const kernel = this.#kernel;
    while (answer === NOT_KNOWN) {
      const { stopNode, stopAt } = kernel;
      if (!this.#layout.learn(stopNode, bytes, stopAt, end)) return false;
      answer = kernel.resume(stopNode, stopAt, end);
    }
    if (answer < 0) return false;
    if (out.starts !== kernel.starts) out.share(kernel);
    out.timestampMicros = kernel.time[0];
    this.#projection.attach(bytes, recordTimeMs, out);
    const deferred = answer & DEFERRED_MASK;
    if (deferred > 0 && !this.#readDeferred(deferred, bytes)) return false;
    return (answer & NOT_ASCII) === 0 || isValidUtf8(bytes, start, end);
  }

  /** False where a number cannot be taken as it is written. */
  #readDeferred(count: number, bytes: Uint8Array): boolean {
    const projection = this.#projection;
    for (let i = 0; i < 4 * count; i += 4) {
      const { targets, soleTarget } = this.#layout.node(this.#deferred[i]);
      const start = this.#deferred[i + 1];
      const end = this.#deferred[i + 2];
      const written = this.#deferred[i + 3];
      if (written === AS_ESCAPED_STRING) projection.escapedString(targets, start, end);
      else if (written === AS_STRING) {
        projection.string(targets, start, end);
        if (soleTarget?.kind === TIMESTAMP) this.#rememberMinute(bytes, start, end);
      } else if (!projection.number(targets, start, end)) return false;
    }
    return true;
  }

  /** Tells the kernel the minute of a timestamp that was just read, where it is in ISO 8601. */
  #rememberMinute(bytes: Uint8Array, start: number, end: number): void {
    if (end - start <= MINUTE_BYTES) return;
    const micros = this.#projection.timestamps.isoMinuteMicros(bytes, start);
    if (Number.isNaN(micros)) return;
    const at = this.#minutes.at + 2 * MINUTE_BYTES * (bytes[start + MINUTE_BYTES - 1] & this.#minutes.mask);
    this.#kernel.bytes.set(bytes.subarray(start, start + MINUTE_BYTES), at);
    this.#instants[(at + MINUTE_BYTES) / 8] = micros;
  }
}
