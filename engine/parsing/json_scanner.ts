/**
 * The hot path: one pass over a JSON record's bytes that checks all of them and writes the wanted values' positions,
 * without an object or a string per record. Keys and punctuation are compared with the layouts seen before
 * (json_layout.ts); values are walked. Anything unusual is left to JSON.parse: the scanner only ever says "taken" or
 * "not by me", and tests/property/json_scanner_test.ts holds it to what JSON.parse says. Measured by bench/scan.ts.
 */
import type { EventFields } from "../../core/minutes/fields.ts";
import { END, Layout, type LayoutNode, STRING } from "./json_layout.ts";
import type { NameNode } from "./json_names.ts";
import { DEEPEST_NESTING } from "./json_object.ts";
import type { Projection } from "./json_projection.ts";
import { escapeEnd, numberEnd, plainEnd, whiteSpaceEnd, wordEnd } from "./json_tokens.ts";
import { isValidUtf8 } from "./utf8.ts";

export class JsonScanner {
  readonly #layout: Layout;
  readonly #projection: Projection;
  /** A view of the buffer of the record before: made once a batch, not once a record. */
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewed: Uint8Array = new Uint8Array(0);
  #bytes: Uint8Array = this.#viewed;
  #end = 0;
  /** What the strings of this record hold beyond plain ASCII. */
  #isAscii = true;
  #hasEscape = false;
  /** Open arrays (1) and objects (0) of the composite being skipped. */
  readonly #open = new Uint8Array(DEEPEST_NESTING + 1);

  constructor(names: NameNode, projection: Projection) {
    this.#layout = new Layout(names);
    this.#projection = projection;
  }

  /**
   * Reads the record bytes[start, end) into `out`. True: it is valid and `out` is complete but for
   * {@link Projection.finish}. False: it is invalid or unusual, and `out` holds nothing of use.
   */
  scan(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): boolean {
    if (bytes !== this.#viewed) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#viewed = bytes;
    }
    this.#bytes = bytes;
    this.#end = end;
    this.#isAscii = true;
    const projection = this.#projection;
    projection.begin(bytes, recordTimeMs, out);
    let node = this.#layout.root;
    let at = start;
    for (;;) {
      const next = this.#follow(node, at) ?? this.#layout.learn(node, bytes, this.#view, at, end);
      if (next === null) return false;
      node = next;
      at += node.length;
      if (node.kind === STRING) {
        const from = at;
        at = plainEnd(this.#view, bytes, from, end);
        if (at < end && bytes[at] === 0x22) {
          if (node.targets.length > 0) projection.string(node.targets, from, at);
        } else {
          at = this.#stringEnd(at);
          if (at < 0) return false;
          if (node.targets.length === 0) { /* nobody wants it */ }
          else if (this.#hasEscape) projection.escapedString(node.targets, from, at);
          else projection.string(node.targets, from, at);
        }
        at++;
      } else if (node.kind === END) return this.#isAscii || isValidUtf8(bytes, start, end);
      else {
        at = this.#value(node, at);
        if (at < 0) return false;
      }
    }
  }

  /** The child of `node` whose literal stands at `at`, or null. */
  #follow(node: LayoutNode, at: number): LayoutNode | null {
    const { pool } = this.#layout;
    const view = this.#view;
    const end = this.#end;
    next: for (let child = node.first; child !== null; child = child.next) {
      const stop = at + child.length;
      let word = child.words;
      if (child.kind === END) {
        if (stop !== end) continue;
        for (let i = at; i < stop; i++) if (this.#bytes[i] !== pool[word++]) continue next;
        return child;
      }
      // A value follows every literal but the last.
      if (stop >= end) continue;
      const last = stop - 4;
      for (let i = at; i < last; i += 4) if (view.getInt32(i, true) !== pool[word++]) continue next;
      if (view.getInt32(last, true) !== pool[word]) continue;
      if (child.kind === STRING) return child;
      const byte = this.#bytes[stop];
      if (byte !== 0x22 && (byte !== 0x7b || !child.isEntered)) return child;
    }
    return null;
  }

  /** Any value but a string. The end, or -1 where it is invalid or unusual. */
  #value(node: LayoutNode, start: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    switch (bytes[start]) {
      case 0x74:
      case 0x66:
      case 0x6e:
        return wordEnd(bytes, start, end);
      case 0x7b:
        return node.isEntered ? -1 : this.#compositeEnd(start, node.depth);
      case 0x5b:
        return node.isAttributes ? -1 : this.#compositeEnd(start, node.depth);
    }
    const stop = numberEnd(bytes, start, end);
    if (stop > 0 && node.targets.length > 0 && !this.#projection.number(node.targets, start, stop)) return -1;
    return stop;
  }

  /** From a byte of a string that is not plain ASCII to its closing quote, or -1. Notes what it holds. */
  #stringEnd(start: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    this.#hasEscape = false;
    let at = start;
    while (at < end) {
      const byte = bytes[at];
      if (byte === 0x22) return at;
      if (byte === 0x5c) {
        this.#hasEscape = true;
        at = escapeEnd(bytes, at + 1, end);
        if (at < 0) return -1;
      } else if (byte >= 0x80) {
        this.#isAscii = false;
        at++;
        while (at < end && bytes[at] >= 0x80) at++;
      } else return -1;
      at = plainEnd(this.#view, bytes, at, end);
    }
    return -1;
  }

  /** Skips the array or object at `start`, in which nothing is wanted, checking it. The end, or -1. */
  #compositeEnd(start: number, depthBefore: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const open = this.#open;
    let depth = 0;
    let at = start;
    for (;;) {
      // A value is due at `at`.
      const byte = at < end ? bytes[at] : 0;
      if (byte === 0x7b || byte === 0x5b) {
        if (depthBefore + depth >= DEEPEST_NESTING) return -1;
        open[depth++] = byte;
        at = whiteSpaceEnd(bytes, at + 1, end);
        // The closing bracket is two after the opening one in ASCII.
        if (at >= end || bytes[at] !== byte + 2) {
          if (byte === 0x7b) at = this.#keyEnd(at);
          if (at < 0) return -1;
          continue;
        }
        depth--;
        at++;
      } else {
        at = this.#scalarEnd(at, byte);
        if (at < 0) return -1;
      }
      // A value ended: close what ends with it.
      for (;;) {
        if (depth === 0) return at;
        at = whiteSpaceEnd(bytes, at, end);
        if (at >= end || bytes[at] !== open[depth - 1] + 2) break;
        depth--;
        at++;
      }
      if (at >= end || bytes[at] !== 0x2c) return -1;
      at = whiteSpaceEnd(bytes, at + 1, end);
      if (open[depth - 1] === 0x7b) at = this.#keyEnd(at);
      if (at < 0) return -1;
    }
  }

  /** From a key's quote to the value after its colon, or -1. */
  #keyEnd(start: number): number {
    if (start >= this.#end || this.#bytes[start] !== 0x22) return -1;
    const quote = this.#stringEnd(plainEnd(this.#view, this.#bytes, start + 1, this.#end));
    if (quote < 0) return -1;
    const colon = whiteSpaceEnd(this.#bytes, quote + 1, this.#end);
    if (colon >= this.#end || this.#bytes[colon] !== 0x3a) return -1;
    return whiteSpaceEnd(this.#bytes, colon + 1, this.#end);
  }

  #scalarEnd(start: number, byte: number): number {
    if (byte === 0x22) {
      const quote = this.#stringEnd(plainEnd(this.#view, this.#bytes, start + 1, this.#end));
      return quote < 0 ? -1 : quote + 1;
    }
    return byte > 0x39 ? wordEnd(this.#bytes, start, this.#end) : numberEnd(this.#bytes, start, this.#end);
  }
}
