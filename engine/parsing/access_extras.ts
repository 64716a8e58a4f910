/** What follows the size in an access log: referrer, user agent, and what an administrator added. */
import { type EventFields, MEASURE_SLOT, SLOT } from "../../core/minutes/fields.ts";
import { readDuration } from "./decimal.ts";
import { plainEnd } from "./json_tokens.ts";
import type { RecordCopy } from "./record_copy.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const MINUS = 0x2d;
const DOT = 0x2e;
const BACKSLASH = 0x5c;

/**
 * Reads copy.bytes[start, end), which begins with the space after the size. The first two quoted fields are referrer and
 * user agent. The response time is the first bare field that can be nothing else: seconds with a fraction (`0.123`,
 * nginx's $request_time) or a number with a unit (`12ms`); whole numbers (Apache's %D, %T, %I) are not told apart.
 */
export function readAccessExtras(copy: RecordCopy, start: number, end: number, out: EventFields): void {
  const { bytes } = copy;
  let quoted = 0;
  for (let at = start; at < end;) {
    if (bytes[at] === SPACE) {
      at++;
    } else if (bytes[at] === QUOTE) {
      const close = closingQuote(copy, at + 1, end);
      if (quoted === 0) setText(bytes, at + 1, close, SLOT.referrer, out);
      if (quoted === 1) setText(bytes, at + 1, close, SLOT.user_agent, out);
      quoted++;
      at = close + 1;
    } else {
      const from = at;
      while (at < end && bytes[at] !== SPACE) at++;
      if (Number.isNaN(out.measures[MEASURE_SLOT.response_time])) readResponseTime(bytes, from, at, out);
    }
  }
}

/**
 * The quote that ends a field: not escaped, and followed by the end of the line or by a field that begins with a
 * quote, a bracket, `-`, a digit or `name=`. Writers that do not escape leave quotes inside a user agent.
 */
function closingQuote(copy: RecordCopy, start: number, end: number): number {
  const { bytes, view } = copy;
  for (let at = plainEnd(view, bytes, start, end); at < end; at = plainEnd(view, bytes, at + 1, end)) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE && (at + 1 === end || (bytes[at + 1] === SPACE && beginsField(bytes, at + 2, end)))) {
      return at;
    }
  }
  return bytes[end - 1] === QUOTE && end - 1 >= start ? end - 1 : end;
}

function beginsField(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start];
  if (start === end || first === QUOTE || first === MINUS || first === 0x5b || isDigit(first)) return true;
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0x3d) return at > start;
    const letter = bytes[at] | 0x20;
    if ((letter < 0x61 || letter > 0x7a) && bytes[at] !== 0x5f) return false;
  }
  return false;
}

function readResponseTime(bytes: Uint8Array, start: number, end: number, out: EventFields): void {
  if (!isDigit(bytes[start])) return;
  const hasUnit = bytes[end - 1] === 0x73;
  let points = 0;
  for (let at = start; at < end; at++) if (bytes[at] === DOT) points++;
  if (points > 1 || (points === 0 && !hasUnit)) return;
  out.measures[MEASURE_SLOT.response_time] = readDuration(bytes, start, end, 3, 3);
}

/** `-` and nothing mean that the field is absent. */
function setText(bytes: Uint8Array, start: number, end: number, slot: number, out: EventFields): void {
  if (end <= start || (end - start === 1 && bytes[start] === MINUS)) return;
  out.starts[slot] = start;
  out.ends[slot] = end;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
