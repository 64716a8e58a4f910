/**
 * Values of wanted keys into the fields of an event. The scanner and the JSON.parse path both write through here, so
 * that what a value means is said once.
 *
 * All spans of an event point into one buffer. As long as values are taken as they stand that is the record's own; once
 * one had to be rewritten (an escape, a level) it lies in a scratch buffer, and at the end the others are copied there.
 */
import { EventFields, MEASURES, SLOT } from "../../core/minutes/fields.ts";
import { type Kernel, TIMESTAMP_RANK } from "../kernel/kernel.ts";
import { readDecimal, readDuration } from "./decimal.ts";
import { DECIMAL, DURATION, LEVEL, OTEL_LEVEL, type Target, TEXT, TIMESTAMP, UPPER } from "./json_names.ts";
import { levelOfNumber, levelOfOtelSeverity, normalizeLevel, upperCase } from "./level.ts";
import type { TimestampReader } from "./timestamp.ts";

/** Scratch beyond this is given back after the record that needed it. */
const KEPT_SCRATCH_BYTES = 1 << 20;
const FIRST_SCRATCH_BYTES = 4096;
/** From here on a native copy, which takes a view to be made, is quicker than a loop. */
const NATIVE_COPY_BYTES = 256;

/** Products up to here are rounded to the nearest whole number without a doubt. */
const EXACT_MAX = 2 ** 46;

const encoder = new TextEncoder();

/** The level of a record that says none, from its status span (start -1 where it has none). */
export type DerivedLevel = (bytes: Uint8Array, start: number, end: number) => Uint8Array;

export class Projection {
  #out: EventFields = new EventFields();
  #bytes: Uint8Array = this.#out.bytes;
  #recordTimeMs = 0;
  /** Rank of each text field found so far, then the timestamp's; and of each measure. Only read where one is set. */
  readonly #ranks: Int32Array;
  readonly #measureRanks: Int32Array;
  #scratch = new Uint8Array(FIRST_SCRATCH_BYTES);
  #scratchEnd = 0;
  /** Bit s: the span of text field s is in the scratch buffer. */
  #inScratch = 0;

  /** @param kernel What notes plain values itself, with their ranks, where a field cannot have been set before. */
  constructor(
    readonly timestamps: TimestampReader,
    readonly derivedLevel: DerivedLevel | null,
    kernel: Pick<Kernel, "ranks" | "measureRanks"> | null = null,
  ) {
    this.#ranks = kernel?.ranks ?? new Int32Array(TIMESTAMP_RANK + 1);
    this.#measureRanks = kernel?.measureRanks ?? new Int32Array(MEASURES.length);
  }

  /** Starts a record, or starts it anew. */
  begin(bytes: Uint8Array, recordTimeMs: number, out: EventFields): void {
    out.clear(bytes);
    this.attach(bytes, recordTimeMs, out);
  }

  /** Goes on with a record of which `out` holds the plain values. */
  attach(bytes: Uint8Array, recordTimeMs: number, out: EventFields): void {
    out.bytes = bytes;
    this.#out = out;
    this.#bytes = bytes;
    this.#recordTimeMs = recordTimeMs;
    this.#inScratch = 0;
    this.#scratchEnd = 0;
    if (this.#scratch.length > KEPT_SCRATCH_BYTES) this.#scratch = new Uint8Array(FIRST_SCRATCH_BYTES);
  }

  /** A string as it stands in the record: bytes[start, end) without quotes, and without escapes. */
  string(targets: readonly Target[], start: number, end: number): void {
    for (let i = 0; i < targets.length; i++) this.#string(targets[i], this.#bytes, start, end, false);
  }

  /** A string in the scratch buffer, from `start` to where it ends now. */
  #scratchString(targets: readonly Target[], start: number): void {
    const end = this.#scratchEnd;
    for (let i = 0; i < targets.length; i++) this.#string(targets[i], this.#scratch, start, end, true);
  }

  /** A string with escapes: bytes[start, end) without quotes, known to be valid. */
  escapedString(targets: readonly Target[], start: number, end: number): void {
    this.#reserve(end - start);
    const from = this.#scratchEnd;
    this.#scratchEnd = decodeEscapes(this.#bytes, start, end, this.#scratch, from);
    this.#scratchString(targets, from);
  }

  /** A string that JSON.parse made. */
  decodedString(targets: readonly Target[], text: string): void {
    this.#scratchString(targets, this.#encode(text));
  }

  /**
   * A number as it stands in the record, known to be valid. False where its text cannot be taken so (an exponent, more
   * than 15 digits or trailing zeros in a text field): then the record has to go by JSON.parse.
   */
  number(targets: readonly Target[], start: number, end: number): boolean {
    for (let i = 0; i < targets.length; i++) {
      const target = targets[i];
      if (target.kind <= TIMESTAMP && !isPlainNumber(this.#bytes, start, end, target.kind)) return false;
      this.#number(target, this.#bytes, start, end, false);
    }
    return true;
  }

  /** A number that JSON.parse made; `literal`: its text in the record, where that may say more than the number. */
  decodedNumber(targets: readonly Target[], value: number, literal: string): void {
    // JSON.stringify prints null for what is beyond a float64.
    if (!Number.isFinite(value)) return;
    const text = this.#encode(String(value));
    const textEnd = this.#scratchEnd;
    const exact = this.#encode(literal);
    const exactEnd = this.#scratchEnd;
    for (const target of targets) {
      const isExact = target.kind >= DURATION || target.kind === TIMESTAMP && !/e/i.test(literal);
      if (target.kind === LEVEL || target.kind === OTEL_LEVEL) {
        if (Number.isInteger(value)) this.#levelNumber(target, value);
      } else if (isExact) this.#number(target, this.#scratch, exact, exactEnd, true);
      else this.#number(target, this.#scratch, text, textEnd, true);
    }
  }

  /** Text that stands elsewhere, in UTF-8. */
  text(targets: readonly Target[], text: Uint8Array): void {
    this.#scratchString(targets, this.#append(text, 0, text.length));
  }

  /** A time, epoch microseconds. Where a text is wanted, or a measure, it is a number like others. */
  instant(targets: readonly Target[], micros: number): void {
    const out = this.#out;
    for (const target of targets) {
      if (target.kind !== TIMESTAMP) this.value([target], micros);
      else if (out.timestampMicros !== out.timestampMicros || this.#ranks[TIMESTAMP_RANK] >= target.rank) {
        out.timestampMicros = micros;
        this.#ranks[TIMESTAMP_RANK] = target.rank;
      }
    }
  }

  /** A number that has no text: as {@link decodedNumber} takes its shortest decimal, which most measures need not print. */
  value(targets: readonly Target[], value: number): void {
    for (const target of targets) {
      const scale = 10 ** (target.decimals + target.unitExponent);
      const units = Math.round(value * scale);
      // Exact where it has no more digits than the measure keeps.
      if (target.kind >= DURATION && units / scale === value && Math.abs(units) < EXACT_MAX) {
        this.#measure(target, units);
      } else this.decodedNumber([target], value, String(value));
    }
  }

  #string(target: Target, bytes: Uint8Array, start: number, end: number, isScratch: boolean): void {
    if (start === end) return;
    switch (target.kind) {
      case TEXT:
        this.#span(target, start, end, isScratch);
        return;
      case TIMESTAMP:
        this.timestamp(target, bytes, start, end);
        return;
      case LEVEL:
        this.#rewritten(target, normalizeLevel(bytes, start, end), start, end, isScratch);
        return;
      case UPPER:
        this.#rewritten(target, upperCase(bytes, start, end), start, end, isScratch);
        return;
      case DURATION:
        this.#measure(target, readDuration(bytes, start, end, target.decimals, target.unitExponent));
        return;
      case DECIMAL:
        this.#measure(target, readDecimal(bytes, start, end, target.decimals + target.unitExponent));
    }
  }

  #number(target: Target, bytes: Uint8Array, start: number, end: number, isScratch: boolean): void {
    switch (target.kind) {
      case TEXT:
      case UPPER:
        this.#span(target, start, end, isScratch);
        return;
      case TIMESTAMP:
        this.timestamp(target, bytes, start, end);
        return;
      case LEVEL:
      case OTEL_LEVEL:
        if (!hasPoint(bytes, start, end)) this.#levelNumber(target, readDecimal(bytes, start, end, 0));
        return;
      default:
        this.#measure(target, readDecimal(bytes, start, end, target.decimals + target.unitExponent));
    }
  }

  /** A number that stands for no level counts as absent. */
  #levelNumber(target: Target, number: number): void {
    const level = target.kind === LEVEL ? levelOfNumber(number) : levelOfOtelSeverity(number);
    if (level !== null) this.#rewritten(target, level, 0, 0, true);
  }

  #span(target: Target, start: number, end: number, isScratch: boolean): void {
    const { slot, rank } = target;
    const out = this.#out;
    if (out.starts[slot] >= 0 && this.#ranks[slot] < rank) return;
    this.#ranks[slot] = rank;
    out.starts[slot] = start;
    out.ends[slot] = end;
    this.#inScratch = isScratch ? this.#inScratch | 1 << slot : this.#inScratch & ~(1 << slot);
  }

  /** `text` in place of the span; null: the span as it is; empty: the value counts as absent. */
  #rewritten(target: Target, text: Uint8Array | null, start: number, end: number, isScratch: boolean): void {
    if (text === null) this.#span(target, start, end, isScratch);
    else if (text.length > 0) {
      const from = this.#append(text, 0, text.length);
      this.#span(target, from, this.#scratchEnd, true);
    }
  }

  /** A timestamp as it stands in `bytes`; one that cannot be read counts as absent. */
  timestamp(target: Target, bytes: Uint8Array, start: number, end: number): void {
    const out = this.#out;
    if (out.timestampMicros === out.timestampMicros && this.#ranks[TIMESTAMP_RANK] < target.rank) return;
    const micros = this.timestamps.read(bytes, start, end, this.#recordTimeMs);
    if (micros !== micros) return;
    out.timestampMicros = micros;
    this.#ranks[TIMESTAMP_RANK] = target.rank;
  }

  #measure(target: Target, value: number): void {
    const { slot, rank } = target;
    const { measures } = this.#out;
    if (value !== value || measures[slot] === measures[slot] && this.#measureRanks[slot] < rank) return;
    measures[slot] = value;
    this.#measureRanks[slot] = rank;
  }

  /** Ends a record: supplies a level where one is derived, and brings all spans into one buffer. */
  finish(): void {
    const { starts, ends } = this.#out;
    const level = SLOT.level;
    if (this.derivedLevel !== null && starts[level] < 0) {
      const status = SLOT.status;
      const buffer = (this.#inScratch & 1 << status) !== 0 ? this.#scratch : this.#bytes;
      const derived = this.derivedLevel(buffer, starts[status], ends[status]);
      starts[level] = this.#append(derived, 0, derived.length);
      ends[level] = this.#scratchEnd;
      this.#inScratch |= 1 << level;
    }
    if (this.#inScratch !== 0) this.#gather();
  }

  #gather(): void {
    const { starts, ends } = this.#out;
    for (let slot = 0; slot < starts.length; slot++) {
      if (starts[slot] < 0 || (this.#inScratch & 1 << slot) !== 0) continue;
      starts[slot] = this.#append(this.#bytes, starts[slot], ends[slot]);
      ends[slot] = this.#scratchEnd;
    }
    this.#out.bytes = this.#scratch;
  }

  #append(bytes: Uint8Array, start: number, end: number): number {
    const from = this.#scratchEnd;
    this.#reserve(end - start);
    const scratch = this.#scratch;
    if (end - start > NATIVE_COPY_BYTES) scratch.set(bytes.subarray(start, end), from);
    else for (let i = start; i < end; i++) scratch[from + i - start] = bytes[i];
    this.#scratchEnd = from + end - start;
    return from;
  }

  #encode(text: string): number {
    const from = this.#scratchEnd;
    this.#reserve(text.length * 3);
    this.#scratchEnd = from + encoder.encodeInto(text, this.#scratch.subarray(from)).written;
    return from;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#scratchEnd + sizeBytes;
    if (needed <= this.#scratch.length) return;
    const scratch = new Uint8Array(Math.max(needed, this.#scratch.length * 2));
    scratch.set(this.#scratch);
    this.#scratch = scratch;
  }
}

/**
 * True where a number's text is what JSON.stringify prints for it. A timestamp may have more digits, which it keeps,
 * and trailing zeros, which mean nothing to it.
 */
function isPlainNumber(bytes: Uint8Array, start: number, end: number, kind: number): boolean {
  const first = bytes[start] === 0x2d ? start + 1 : start;
  for (let i = first; i < end; i++) if (bytes[i] > 0x39) return false;
  // Minus zero is printed without its sign, and numbers below 10^-6 with an exponent: JSON.parse can tell.
  const isSmall = bytes[first] === 0x30 && end - start > 1;
  if (isSmall || kind === TIMESTAMP) return !isSmall;
  return end - first <= 15 && (bytes[end - 1] !== 0x30 || !hasPoint(bytes, start, end));
}

function hasPoint(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0x2e) return true;
  return false;
}

/** Writes the text that a JSON string stands for as UTF-8, lone surrogates as U+FFFD, and answers where it ends. */
function decodeEscapes(bytes: Uint8Array, start: number, end: number, into: Uint8Array, from: number): number {
  let to = from;
  let at = start;
  while (at < end) {
    const byte = bytes[at++];
    if (byte !== 0x5c) {
      into[to++] = byte;
      continue;
    }
    const escape = bytes[at++];
    if (escape !== 0x75) {
      into[to++] = SHORT_ESCAPES[escape];
      continue;
    }
    let code = hexAt(bytes, at);
    at += 4;
    if ((code & 0xfc00) === 0xd800 && at + 6 <= end && bytes[at] === 0x5c && bytes[at + 1] === 0x75) {
      const low = hexAt(bytes, at + 2);
      if ((low & 0xfc00) === 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10 | low & 0x3ff);
        at += 6;
      }
    }
    to = writeCodePoint((code & 0xfffff800) === 0xd800 ? 0xfffd : code, into, to);
  }
  return to;
}

/** By the byte after the backslash. */
const SHORT_ESCAPES = new Uint8Array(128);
for (const [escape, meaning] of Object.entries({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", '"': '"', "/": "/" })) {
  SHORT_ESCAPES[escape.charCodeAt(0)] = meaning.charCodeAt(0);
}
SHORT_ESCAPES[0x5c] = 0x5c;

function hexAt(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i];
    value = value << 4 | (byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57);
  }
  return value;
}

function writeCodePoint(code: number, into: Uint8Array, at: number): number {
  let to = at;
  if (code < 0x80) into[to++] = code;
  else if (code < 0x800) into[to++] = 0xc0 | code >> 6;
  else if (code < 0x10000) {
    into[to++] = 0xe0 | code >> 12;
    into[to++] = 0x80 | code >> 6 & 0x3f;
  } else {
    into[to++] = 0xf0 | code >> 18;
    into[to++] = 0x80 | code >> 12 & 0x3f;
    into[to++] = 0x80 | code >> 6 & 0x3f;
  }
  if (code >= 0x80) into[to++] = 0x80 | code & 0x3f;
  return to;
}
