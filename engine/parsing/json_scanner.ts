/**
 * The hot path: one pass over a JSON record's bytes that checks all of them and writes the wanted values' positions,
 * without an object or a string per record. Keys and punctuation are compared with the layouts seen before
 * (json_layout.ts); values are walked. Anything unusual is left to JSON.parse: the scanner only ever says "taken" or
 * "not by me", and tests/property/json_scanner_test.ts holds it to what JSON.parse says. Measured by bench/scan.ts.
 */
import type { EventFields } from "../../core/minutes/fields.ts";
import { END, Layout, type LayoutNode, OTHER, STRING } from "./json_layout.ts";
import { DURATION, LEVEL, type NameNode, type Target, TEXT, TIMESTAMP } from "./json_names.ts";
import { DEEPEST_NESTING } from "./json_object.ts";
import type { Projection } from "./json_projection.ts";
import { escapeEnd, numberEnd, plainEnd, whiteSpaceEnd, wordEnd } from "./json_tokens.ts";
import { isValidUtf8 } from "./utf8.ts";

/** 9 digits and a power of 6 stay below 2^53. */
const POWERS_OF_TEN = Float64Array.of(1, 10, 100, 1e3, 1e4, 1e5, 1e6);

const INFO = 0x4f464e49;
const WARN = 0x4e524157;

/** INFO and WARN as they are; any other level is for normalizeLevel. */
function isUsualLevel(target: Target, view: DataView, start: number, end: number): boolean {
  if (target.kind !== LEVEL || end - start !== 4) return false;
  const word = view.getInt32(start, true);
  return word === INFO || word === WARN;
}

/** The child of `parent` whose literal stands at `at`, or null. */
function followed(
  parent: LayoutNode,
  pool: Float64Array,
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
): LayoutNode | null {
  for (let node = parent.first; node !== null; node = node.next) {
    const stop = at + node.length;
    if (stop >= end) {
      if (node.kind === END && stop === end && equalsBytes(node, pool, bytes, at)) return node;
      continue;
    }
    if (node.kind === END) continue;
    const word = node.words;
    if (node.length >= 8) {
      if (view.getFloat64(at, true) !== pool[word] || view.getFloat64(stop - 8, true) !== pool[word + 1]) continue;
      if (node.length > 16 && !isBetween(view, at, stop, pool, word)) continue;
    } else if (view.getInt32(at, true) !== pool[word] || view.getInt32(stop - 4, true) !== pool[word + 1]) continue;
    if (node.kind === STRING) return node;
    const byte = bytes[stop];
    if (byte !== 0x22 && (byte !== 0x7b || !node.isEntered)) return node;
  }
  return null;
}

/** True where the middle of a literal, all but its first and last 8 bytes, stands in its place. */
function isBetween(view: DataView, start: number, end: number, pool: Float64Array, words: number): boolean {
  let word = words + 2;
  for (let at = start + 8; at < end - 8; at += 8) if (view.getFloat64(at, true) !== pool[word++]) return false;
  return true;
}

function equalsBytes(node: LayoutNode, pool: Float64Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < node.length; i++) if (bytes[at + i] !== pool[node.words + i]) return false;
  return true;
}

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
   *
   * Longer than a screen on purpose: its state stays in local variables, and split into methods it took 15 % longer.
   */
  scan(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): boolean {
    if (bytes !== this.#viewed) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#viewed = bytes;
    }
    this.#bytes = bytes;
    this.#end = end;
    this.#isAscii = true;
    const layout = this.#layout;
    const projection = this.#projection;
    const view = this.#view;
    const { starts, ends, measures } = out;
    const { ranks, measureRanks } = projection;
    projection.begin(bytes, recordTimeMs, out);
    let node = layout.root;
    let at = start;
    for (;;) {
      const next = followed(node, layout.pool, view, bytes, at, end) ?? layout.learn(node, bytes, view, at, end);
      if (next === null) return false;
      if (next.kind === END) return this.#isAscii || isValidUtf8(bytes, start, end);
      node = next;
      at += node.length;
      const target: Target | null = node.soleTarget;
      const from = at;
      if (node.kind === OTHER) {
        // The usual number: up to 9 digits, no sign, no exponent.
        let byte = bytes[at];
        let value = byte - 0x30;
        let fraction = 0;
        if (value >= 0 && value <= 9) {
          const isZero = value === 0;
          while (++at < end && (byte = bytes[at]) >= 0x30 && byte <= 0x39) value = (value * 10 + byte - 0x30) | 0;
          if (isZero && at > from + 1) return false;
          if (byte === 0x2e && at < end) {
            const point = at;
            while (++at < end && (byte = bytes[at]) >= 0x30 && byte <= 0x39) value = (value * 10 + byte - 0x30) | 0;
            fraction = at - 1 - point;
            if (fraction === 0) return false;
          }
          if (at - from <= 9 && (byte | 0x20) !== 0x65) {
            if (node.targets.length === 0) continue;
            if (target !== null) {
              if (target.kind === TEXT && fraction === 0) {
                starts[target.slot] = from;
                ends[target.slot] = at;
                ranks[target.slot] = target.rank;
                continue;
              }
              const power = target.decimals + target.unitExponent - fraction;
              if (target.kind >= DURATION && power >= 0 && power < POWERS_OF_TEN.length) {
                measures[target.slot] = value * POWERS_OF_TEN[power];
                measureRanks[target.slot] = target.rank;
                continue;
              }
            }
          }
        }
        at = this.#value(node, from);
        if (at < 0) return false;
        continue;
      }
      at = plainEnd(view, bytes, at, end);
      let hasEscape = false;
      if (at >= end || bytes[at] !== 0x22) {
        at = this.#stringEnd(at);
        if (at < 0) return false;
        hasEscape = this.#hasEscape;
      }
      if (target !== null && !hasEscape && (target.kind === TEXT || isUsualLevel(target, view, from, at))) {
        if (from < at) {
          starts[target.slot] = from;
          ends[target.slot] = at;
          ranks[target.slot] = target.rank;
        }
      } else if (target !== null && target.kind === TIMESTAMP && !hasEscape) {
        projection.timestamp(target, bytes, from, at);
      } else if (node.targets.length > 0) {
        if (hasEscape) projection.escapedString(node.targets, from, at);
        else projection.string(node.targets, from, at);
      }
      at++;
    }
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
