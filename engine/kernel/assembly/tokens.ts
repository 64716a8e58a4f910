/** The parts of JSON: where they end, or 0 where they are invalid. Strings are read 16 bytes at a time. */
import { DEPTH_MAX, OPEN } from "./memory";

const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;

/** Set by {@link stringEnd}: whether the string had escapes. */
export let hasEscape: bool = false;
/** Cleared by {@link stringEnd} where a string has other than ASCII. */
export let isAscii: bool = true;

export function assumeAscii(): void {
  isAscii = true;
}

export function isDigit(byte: u8): bool {
  return <u8>(byte - 0x30) <= 9;
}

/** The first quote, backslash, control or non-ASCII byte from `start` on, or `end`. */
export function plainEnd(start: usize, end: usize): usize {
  let at = start;
  while (at < end) {
    const bytes = v128.load(at);
    // Signed: bytes of other than ASCII are below the space, too.
    const special = i8x16.bitmask(v128.or(
      i8x16.lt_s(bytes, i8x16.splat(0x20)),
      v128.or(i8x16.eq(bytes, i8x16.splat(QUOTE)), i8x16.eq(bytes, i8x16.splat(BACKSLASH))),
    ));
    if (special != 0) {
      const found = at + ctz(special);
      return found < end ? found : end;
    }
    at += 16;
  }
  return end;
}

/** From a byte of a string that is not plain ASCII to its closing quote. */
export function stringEnd(start: usize, end: usize): usize {
  hasEscape = false;
  let at = start;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == QUOTE) return at;
    if (byte == BACKSLASH) {
      hasEscape = true;
      at = escapeEnd(at + 1, end);
      if (at == 0) return 0;
    } else if (byte >= 0x80) {
      isAscii = false;
      at++;
      while (at < end && load<u8>(at) >= 0x80) at++;
    } else return 0;
    at = plainEnd(at, end);
  }
  return 0;
}

/** From after the backslash of an escape to after the escape. */
function escapeEnd(at: usize, end: usize): usize {
  if (at >= end) return 0;
  switch (load<u8>(at)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      break;
    default:
      return 0;
  }
  if (at + 5 > end) return 0;
  for (let i = at + 1; i < at + 5; i++) {
    const byte = load<u8>(i);
    const letter: u8 = byte | 0x20;
    if (!isDigit(byte) && (letter < 0x61 || letter > 0x66)) return 0;
  }
  return at + 5;
}

function digitsEnd(start: usize, end: usize): usize {
  let at = start;
  while (at < end && isDigit(load<u8>(at))) at++;
  return at;
}

export function numberEnd(start: usize, end: usize): usize {
  let at = start;
  if (at < end && load<u8>(at) == 0x2d) at++;
  if (at < end && load<u8>(at) == 0x30) at++;
  else {
    const digits = at;
    at = digitsEnd(at, end);
    if (at == digits) return 0;
  }
  if (at < end && load<u8>(at) == 0x2e) {
    const digits = at + 1;
    at = digitsEnd(digits, end);
    if (at == digits) return 0;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2d || load<u8>(at) == 0x2b)) at++;
    const digits = at;
    at = digitsEnd(at, end);
    if (at == digits) return 0;
  }
  return at;
}

/** The end of true, false or null. */
export function wordEnd(start: usize, end: usize): usize {
  if (start + 4 > end) return 0;
  const word = load<u32>(start);
  if (word == 0x65757274 || word == 0x6c6c756e) return start + 4;
  return word == 0x736c6166 && start + 5 <= end && load<u8>(start + 4) == 0x65 ? start + 5 : 0;
}

function whiteSpaceEnd(start: usize, end: usize): usize {
  let at = start;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break;
    at++;
  }
  return at;
}

/** From a key's quote to the value after its colon. */
function keyEnd(start: usize, end: usize): usize {
  if (start >= end || load<u8>(start) != QUOTE) return 0;
  const quote = stringEnd(plainEnd(start + 1, end), end);
  if (quote == 0) return 0;
  const colon = whiteSpaceEnd(quote + 1, end);
  return colon < end && load<u8>(colon) == 0x3a ? whiteSpaceEnd(colon + 1, end) : 0;
}

function scalarEnd(start: usize, end: usize, first: u8): usize {
  if (first != QUOTE) return first > 0x39 ? wordEnd(start, end) : numberEnd(start, end);
  const quote = stringEnd(plainEnd(start + 1, end), end);
  return quote == 0 ? 0 : quote + 1;
}

/** The array or object at `start`, checked; `depth` are the objects that it is in. */
export function compositeEnd(start: usize, end: usize, depth: i32): usize {
  const outermost = OPEN + depth;
  let open = outermost;
  let at = start;
  while (true) {
    // A value is due at `at`.
    const byte: u8 = at < end ? load<u8>(at) : 0;
    if (byte == 0x7b || byte == 0x5b) {
      if (open >= OPEN + DEPTH_MAX) return 0;
      store<u8>(open++, byte);
      at = whiteSpaceEnd(at + 1, end);
      // The closing bracket is two after the opening one in ASCII.
      if (at >= end || load<u8>(at) != byte + 2) {
        if (byte == 0x7b) at = keyEnd(at, end);
        if (at == 0) return 0;
        continue;
      }
      open--;
      at++;
    } else {
      at = scalarEnd(at, end, byte);
      if (at == 0) return 0;
    }
    // A value ended: close what ends with it.
    while (true) {
      if (open == outermost) return at;
      at = whiteSpaceEnd(at, end);
      if (at >= end || load<u8>(at) != load<u8>(open - 1) + 2) break;
      open--;
      at++;
    }
    if (at >= end || load<u8>(at) != 0x2c) return 0;
    at = whiteSpaceEnd(at + 1, end);
    if (load<u8>(open - 1) == 0x7b) at = keyEnd(at, end);
    if (at == 0) return 0;
  }
}
