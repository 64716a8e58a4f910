/**
 * One pass over a JSON record that checks all of it and notes the wanted values' positions. What is rare (escapes in
 * wanted values, unusual numbers, levels and timestamps, names that may name the same field) is left to JavaScript value
 * by value; what is not JSON, or doubtful, as a whole.
 */
import {
  assumeAscii,
  compositeEnd,
  hasEscape,
  isAscii,
  isDigit,
  numberEnd,
  plainEnd,
  stringEnd,
  wordEnd,
} from "./tokens";
import {
  childAt,
  DEPTH,
  END,
  FLAGS,
  indexOf,
  IS_ATTRIBUTES,
  IS_ENTERED,
  IS_WANTED,
  KIND,
  LENGTH,
  nodeAt,
  STRING,
  TARGET_KIND,
  TARGET_POWER,
  TARGET_RANK,
  TARGET_SLOT,
} from "./layout";
import {
  DEFERRED,
  DEFERRED_MAX,
  ENDS,
  MEASURE_RANKS,
  MEASURES,
  MINUTES,
  MINUTES_MASK,
  RANKS,
  STARTS,
  TIME,
  WINDOW,
} from "./memory";

// Kinds of targets, as in ../../parsing/json_names.ts.
const TEXT: i32 = 0;
const LEVEL: i32 = 1;
const TIMESTAMP: i32 = 4;
const DURATION: i32 = 5;
/** Place of the timestamp's rank. */
const TIMESTAMP_SLOT: usize = 15;

/** Answers of {@link scanJson} below 0: invalid or doubtful; a literal that is not known, at {@link stopAt}. */
const NOT_TAKEN: i32 = -1;
const NOT_KNOWN: i32 = -2;
/** Bit of an answer from 0 on, beside the number of deferred values: the record is not all ASCII. */
const NOT_ASCII: i32 = 0x1000;
/** How a deferred value is written. */
const AS_STRING: i32 = 0;
const AS_ESCAPED_STRING: i32 = 1;
const AS_NUMBER: i32 = 2;

/** Position of the window's first byte in the buffer that it is a copy from; what positions count from. */
let base: i32 = 0;
let deferred: i32 = 0;
let stopNode: i32 = 0;
let stopAt: i32 = 0;

export function getBase(): i32 {
  return base;
}

export function setBase(position: i32): void {
  base = position;
}

/** The node after whose value a literal follows that is not known, and where in the window it begins. */
export function getStopNode(): i32 {
  return stopNode;
}

export function getStopAt(): i32 {
  return stopAt;
}

function positionOf(at: usize): i32 {
  return <i32>(at - WINDOW) + base;
}

/** Reads the record at [start, end) of the window. Answers the number of deferred values, or why not. */
export function scanJson(start: i32, end: i32): i32 {
  const none = f64x2.splat(NaN);
  v128.store(MEASURES, none);
  v128.store(MEASURES, none, 16);
  store<f64>(TIME, NaN);
  deferred = 0;
  assumeAscii();
  return resume(0, start, end);
}

/** Goes on with a record where a literal was not known. */
export function resume(after: i32, start: i32, stop: i32): i32 {
  let node = nodeAt(after);
  let at = WINDOW + <usize>start;
  const end = WINDOW + <usize>stop;
  while (true) {
    const next = childAt(node, at, end);
    if (next == 0) {
      stopNode = indexOf(node);
      stopAt = <i32>(at - WINDOW);
      return NOT_KNOWN;
    }
    node = next;
    const kind = load<i32>(node, KIND);
    if (kind == END) return isAscii ? deferred : deferred | NOT_ASCII;
    at += load<i32>(node, LENGTH);
    at = kind == STRING ? readString(node, at, end) : readOther(node, at, end);
    if (at == 0) return NOT_TAKEN;
  }
}

/** From a string's first byte to after its quote. */
function readString(node: usize, from: usize, end: usize): usize {
  let at = plainEnd(from, end);
  let isEscaped = false;
  if (at >= end || load<u8>(at) != 0x22) {
    at = stringEnd(at, end);
    if (at == 0) return 0;
    isEscaped = hasEscape;
  }
  if (load<i32>(node, FLAGS) & IS_WANTED) {
    const target = load<i32>(node, TARGET_KIND);
    if (isEscaped) {
      if (!defer(node, from, at, AS_ESCAPED_STRING)) return 0;
    } else if (target == TEXT || (target == LEVEL && isUsualLevel(from, at))) {
      if (from < at) note(node, from, at);
    } else if (target != TIMESTAMP || !readTime(node, from, at)) {
      if (!defer(node, from, at, AS_STRING)) return 0;
    }
  }
  return at + 1;
}

function note(node: usize, from: usize, to: usize): void {
  const slot = <usize>load<i32>(node, TARGET_SLOT) << 2;
  store<i32>(STARTS + slot, positionOf(from));
  store<i32>(ENDS + slot, positionOf(to));
  store<i32>(RANKS + slot, load<i32>(node, TARGET_RANK));
}

function defer(node: usize, from: usize, to: usize, written: i32): bool {
  if (deferred >= DEFERRED_MAX) return false;
  const at = DEFERRED + (<usize>deferred << 4);
  deferred++;
  store<i32>(at, indexOf(node));
  store<i32>(at, positionOf(from), 4);
  store<i32>(at, positionOf(to), 8);
  store<i32>(at, written, 12);
  return true;
}

/** Levels that stay as they are; any other is for JavaScript to translate. */
function isUsualLevel(from: usize, to: usize): bool {
  const length = to - from;
  const word = load<u32>(from);
  if (length == 4) return word == 0x4f464e49 || word == 0x4e524157; // INFO, WARN
  if (length != 5) return false;
  const last = load<u8>(from + 4);
  return (word == 0x4f525245 && last == 0x52) || (word == 0x55424544 && last == 0x47); // ERROR, DEBUG
}

/** `2026-03-01T10:00:00Z`, with any fraction, of a minute that is known. */
function readTime(node: usize, from: usize, to: usize): bool {
  const length = to - from;
  if (length < 20 || load<u8>(to - 1) != 0x5a || load<u8>(from + 16) != 0x3a) return false;
  const minute = MINUTES + (<usize>(load<u8>(from + 15) & MINUTES_MASK) << 5);
  if (v128.any_true(v128.xor(v128.load(from), v128.load(minute)))) return false;
  const tens = load<u8>(from + 17) - 0x30;
  const ones = load<u8>(from + 18) - 0x30;
  if (tens > 5 || ones > 9) return false;
  let micros = (<i32>tens * 10 + <i32>ones) * 1_000_000;
  if (length != 20) {
    if (load<u8>(from + 19) != 0x2e || length == 21) return false;
    let unit = 100_000;
    for (let at = from + 20; at < to - 1; at++) {
      const digit = load<u8>(at) - 0x30;
      if (digit > 9) return false;
      micros += <i32>digit * unit;
      unit /= 10;
    }
  }
  store<f64>(TIME, load<f64>(minute, 16) + <f64>micros);
  store<i32>(RANKS + (TIMESTAMP_SLOT << 2), load<i32>(node, TARGET_RANK));
  return true;
}

/** Any value but a string. */
function readOther(node: usize, from: usize, end: usize): usize {
  const byte = load<u8>(from);
  if (isDigit(byte)) {
    const at = readUsualNumber(node, from, end);
    if (at != 0) return at;
  }
  const flags = load<i32>(node, FLAGS);
  if (byte == 0x74 || byte == 0x66 || byte == 0x6e) return wordEnd(from, end);
  if (byte == 0x7b) return flags & IS_ENTERED ? 0 : compositeEnd(from, end, load<i32>(node, DEPTH));
  if (byte == 0x5b) return flags & IS_ATTRIBUTES ? 0 : compositeEnd(from, end, load<i32>(node, DEPTH));
  const at = numberEnd(from, end);
  return at != 0 && flags & IS_WANTED && !defer(node, from, at, AS_NUMBER) ? 0 : at;
}

/** Up to 9 characters, no sign, no exponent, and a target that takes them as they are; else 0. */
function readUsualNumber(node: usize, from: usize, end: usize): usize {
  let at = from + 1;
  let byte = load<u8>(from);
  let value = <i32>byte - 0x30;
  let fraction = 0;
  while (at < end && isDigit(byte = load<u8>(at))) {
    value = value * 10 + <i32>byte - 0x30;
    at++;
  }
  if (at > from + 1 && load<u8>(from) == 0x30) return 0;
  if (at < end && byte == 0x2e) {
    const point = at++;
    while (at < end && isDigit(byte = load<u8>(at))) {
      value = value * 10 + <i32>byte - 0x30;
      at++;
    }
    fraction = <i32>(at - 1 - point);
    if (fraction == 0) return 0;
  }
  if (at - from > 9 || (at < end && (byte | 0x20) == 0x65)) return 0;
  if ((load<i32>(node, FLAGS) & IS_WANTED) == 0) return at;
  const target = load<i32>(node, TARGET_KIND);
  if (target == TEXT && fraction == 0) {
    note(node, from, at);
    return at;
  }
  const power = load<i32>(node, TARGET_POWER) - fraction;
  if (target < DURATION || power < 0 || power > 6) return 0;
  let number = <f64>value;
  for (let i = 0; i < power; i++) number *= 10;
  const slot = <usize>load<i32>(node, TARGET_SLOT);
  store<f64>(MEASURES + (slot << 3), number);
  store<i32>(MEASURE_RANKS + (slot << 2), load<i32>(node, TARGET_RANK));
  return at;
}
