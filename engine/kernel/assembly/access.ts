/**
 * One pass over a usual line of an access log (../../parsing/access.ts has the grammar): nothing but ASCII, no escapes, no
 * spaces where they could mean two things, Common or Combined and nothing behind. Any other line is JavaScript's.
 *
 *     host ident user [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 ["referrer" "user agent"]
 *
 * Spans are addresses, for the level is no part of the line: it lies elsewhere in this memory.
 */
import { isDigit, plainEnd } from "./tokens";
import { ENDS, LEVELS, MEASURES, MINUTES, MINUTES_MASK, STARTS, TIME, WINDOW } from "./memory";

const SPACE: u8 = 0x20;
const QUOTE: u8 = 0x22;
const MINUS: u8 = 0x2d;
const COLON: u8 = 0x3a;
const BRACKET_OPEN: u8 = 0x5b;
const BRACKET_CLOSE: u8 = 0x5d;
/** `HTTP` and ` "`, as little-endian integers. */
const HTTP: u32 = 0x50545448;
const SPACE_QUOTE: u16 = 0x2220;

// Places in STARTS and ENDS (core/minutes/fields.ts), and of the size in MEASURES.
const LEVEL: usize = 1 << 2;
const METHOD: usize = 2 << 2;
const ENDPOINT: usize = 3 << 2;
const STATUS: usize = 4 << 2;
const HOST: usize = 5 << 2;
const PROTOCOL: usize = 9 << 2;
const IDENT: usize = 10 << 2;
const USER: usize = 11 << 2;
const REFERRER: usize = 12 << 2;
const USER_AGENT: usize = 13 << 2;
const CONTENT_SIZE: usize = 1 << 3;

const METHOD_BYTES_MAX: usize = 32;
const PROTOCOL_BYTES: usize = 8;
/** `10/Oct/2000:13:55:36 -0700`. */
const TIME_BYTES: usize = 26;
/** Longer numbers may not be exact. */
const SIZE_DIGITS_MAX: usize = 15;
const LEVEL_BYTES: usize = 16;

function setSpan(slot: usize, from: usize, to: usize): void {
  store<i32>(STARTS + slot, <i32>from);
  store<i32>(ENDS + slot, <i32>to);
}

/** A value, of which `-` alone means that there is none. */
function setText(slot: usize, from: usize, to: usize): void {
  if (to - from > 1 || load<u8>(from) != MINUS) setSpan(slot, from, to);
}

/** The space that ends a word of ASCII, which has no quote and no bracket in front; or 0. */
function wordEnd(start: usize, end: usize): usize {
  let at = start;
  if (load<u8>(at) == BRACKET_OPEN) return 0;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == SPACE) return at > start ? at : 0;
    if (<u8>(byte - 0x21) > 0x5d || byte == QUOTE) return 0;
    at++;
  }
  return 0;
}

/** Reads the line at [start, stop) of the window. Answers 0, or -1 where it is not usual. */
export function scanAccess(start: i32, stop: i32): i32 {
  const from = WINDOW + <usize>start;
  let end = WINDOW + <usize>stop;
  while (end > from && load<u8>(end - 1) <= SPACE) end--;
  const hostEnd = wordEnd(from, end);
  if (hostEnd == 0) return -1;
  const identEnd = wordEnd(hostEnd + 1, end);
  if (identEnd == 0) return -1;
  const userEnd = wordEnd(identEnd + 1, end);
  if (userEnd == 0) return -1;
  const time = userEnd + 2;
  const request = time + TIME_BYTES + 3;
  if (request > end || load<u8>(userEnd + 1) != BRACKET_OPEN || !readTime(time)) return -1;
  if (load<u8>(time + TIME_BYTES) != BRACKET_CLOSE || load<u16>(time + TIME_BYTES + 1) != SPACE_QUOTE) return -1;
  const requestEnd = plainEnd(request, end);
  if (requestEnd >= end || load<u8>(requestEnd) != QUOTE || !readRequest(request, requestEnd)) return -1;
  if (!readOutcome(requestEnd + 1, end)) return -1;
  setText(HOST, from, hostEnd);
  setText(IDENT, hostEnd + 1, identEnd);
  setText(USER, identEnd + 1, userEnd);
  return 0;
}

/** The time of a minute that is known, with its zone. */
function readTime(from: usize): bool {
  const digit = load<u8>(from + 16);
  const minute = MINUTES + (<usize>(digit & MINUTES_MASK) << 5);
  if (v128.any_true(v128.xor(v128.load(from), v128.load(minute)))) return false;
  // `:36 -0700` without the digits, and the minute's last one.
  if (digit != load<u8>(minute, 24) || load<u8>(from + 17) != COLON) return false;
  if (load<u64>(from + 18) >> 16 != load<u64>(minute, 24) >> 16) return false;
  const tens = load<u8>(from + 18) - 0x30;
  const ones = load<u8>(from + 19) - 0x30;
  if (tens > 5 || ones > 9) return false;
  store<f64>(TIME, load<f64>(minute, 16) + <f64>(<i32>tens * 10 + <i32>ones) * 1_000_000);
  return true;
}

/** `GET /a HTTP/1.0` */
function readRequest(start: usize, end: usize): bool {
  let at = start;
  while (<u8>((load<u8>(at) | 0x20) - 0x61) < 26) at++;
  if (at == start || at - start > METHOD_BYTES_MAX || load<u8>(at) != SPACE) return false;
  const target = at + 1;
  const protocol = end - PROTOCOL_BYTES;
  const targetEnd = protocol - 1;
  if (targetEnd <= target || load<u32>(protocol) != HTTP || load<u8>(protocol + 4) != 0x2f) return false;
  if (!isDigit(load<u8>(end - 3)) || load<u8>(end - 2) != 0x2e || !isDigit(load<u8>(end - 1))) return false;
  if (load<u8>(targetEnd) != SPACE || load<u8>(targetEnd - 1) == SPACE || load<u8>(target) == SPACE) return false;
  setSpan(METHOD, start, at);
  setSpan(ENDPOINT, target, targetEnd);
  setSpan(PROTOCOL, protocol, end);
  return true;
}

/** From after the request's quote: ` 200 2326`, and what follows. */
function readOutcome(start: usize, end: usize): bool {
  const status = start + 1;
  let at = status + 4;
  if (at >= end || load<u8>(start) != SPACE || load<u8>(at - 1) != SPACE) return false;
  for (let i: usize = 0; i < 3; i++) if (!isDigit(load<u8>(status + i))) return false;
  let size: f64 = NaN;
  if (load<u8>(at) == MINUS) at++;
  else {
    const digits = at;
    let value: i64 = 0;
    while (at < end && isDigit(load<u8>(at))) value = value * 10 + <i64>(load<u8>(at++) - 0x30);
    if (at == digits || at - digits > SIZE_DIGITS_MAX) return false;
    size = <f64>value;
  }
  const none = f64x2.splat(NaN);
  v128.store(MEASURES, none);
  v128.store(MEASURES, none, 16);
  if (at < end && !readExtras(at, end)) return false;
  store<f64>(MEASURES + CONTENT_SIZE, size);
  setSpan(STATUS, status, status + 3);
  setLevel(load<u8>(status));
  return true;
}

/** ` "referrer" "user agent"` */
function readExtras(start: usize, end: usize): bool {
  if (start + 6 > end || load<u16>(start) != SPACE_QUOTE) return false;
  const referrer = start + 2;
  const referrerEnd = plainEnd(referrer, end);
  const userAgent = referrerEnd + 3;
  if (userAgent >= end || load<u8>(referrerEnd) != QUOTE || load<u16>(referrerEnd + 1) != SPACE_QUOTE) return false;
  const userAgentEnd = plainEnd(userAgent, end);
  if (userAgentEnd + 1 != end || load<u8>(userAgentEnd) != QUOTE) return false;
  if (referrerEnd > referrer) setText(REFERRER, referrer, referrerEnd);
  if (userAgentEnd > userAgent) setText(USER_AGENT, userAgent, userAgentEnd);
  return true;
}

/** What a status means: INFO, WARN, ERROR, in this order. */
function setLevel(firstDigit: u8): void {
  const index: usize = firstDigit == 0x35 ? 2 : firstDigit == 0x34 ? 1 : 0;
  const level = LEVELS + index * LEVEL_BYTES;
  setSpan(LEVEL, level, level + (index == 2 ? 5 : 4));
}
