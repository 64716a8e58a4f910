/** RFC 3164 after `<PRI>`, and the files that syslog daemons write: timestamp, host, tag[pid]: message. */
import type { Reason } from "./parser.ts";
import { HOST, MESSAGE, SERVICE, type SyslogReading } from "./syslog_reading.ts";

const SPACE = 0x20;
const MINUS = 0x2d;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
/** RFC 3164 says 32; units of systemd and containers have longer names. */
const TAG_BYTES_MAX = 128;
/** What a daemon says of itself, without a tag, after the host. */
const UNTAGGED = ["last message repeated ", "-- MARK --"].map((text) => new TextEncoder().encode(text));

/**
 * Reads the record from `start`. With a priority every part may be missing, and what is left is the message; without
 * one only a timestamp, a host and a tag make a line syslog.
 */
export function readRfc3164(reading: SyslogReading, start: number, hasPriority: boolean): Reason | null {
  const { bytes, end } = reading;
  const first = reading.skipSpaces(start);
  const timestampEnd = endOfTimestamp(reading, first);
  if (timestampEnd < 0 && !hasPriority) return "no_match";
  let at = first;
  if (timestampEnd >= 0) {
    const colon = bytes[timestampEnd - 1] === COLON ? 1 : 0; // Cisco
    if (!reading.timestamp(first, timestampEnd - colon)) return "bad_timestamp";
    at = reading.skipSpaces(timestampEnd);
    // A tag in the host's place: a record that never left its machine names no host.
    if (tagEnd(reading, at) < 0) {
      const hostEnd = reading.wordEnd(at);
      reading.text(HOST, at, hostEnd);
      at = reading.skipSpaces(hostEnd);
    } else if (!hasPriority) return "no_match";
  }
  const afterTag = tagEnd(reading, at);
  if (afterTag >= 0) {
    reading.text(SERVICE, at, nameEnd(bytes, at, afterTag));
    at = reading.skipSpaces(afterTag);
  } else if (!readLooseTag(reading, at) && !hasPriority) return "no_match";
  if (at < end) reading.projection.string(MESSAGE, at, end);
  return null;
}

/**
 * Lines that daemons write without a plain tag, kept whole as the message: `syslogd 1.4.1: restart.`,
 * `-- root[2421]: ROOT LOGIN` and {@link UNTAGGED}. True where `start` is one of them.
 */
function readLooseTag(reading: SyslogReading, start: number): boolean {
  const { bytes, end } = reading;
  const firstEnd = reading.wordEnd(start);
  const second = reading.skipSpaces(firstEnd);
  const secondEnd = tagEnd(reading, second);
  const isDashes = firstEnd - start === 2 && bytes[start] === MINUS && bytes[start + 1] === MINUS;
  if (secondEnd >= 0 && isDashes) {
    reading.text(SERVICE, second, nameEnd(bytes, second, secondEnd));
    return true;
  }
  if (secondEnd >= 0 && isDigit(bytes[second])) {
    reading.text(SERVICE, start, firstEnd);
    return true;
  }
  return UNTAGGED.some((text) => beginsWith(bytes, start, end, text));
}

/** Where the timestamp at `start` ends, or -1 where there is none: `Oct  5 13:55:36`, or ISO 8601 with its `T`. */
function endOfTimestamp(reading: SyslogReading, start: number): number {
  const { bytes, end } = reading;
  const wordEnd = reading.wordEnd(start);
  if (isDigit(bytes[start])) {
    const isIso = wordEnd - start >= 16 && bytes[start + 4] === 0x2d && (bytes[start + 10] | 0x20) === 0x74;
    return isIso ? wordEnd : -1;
  }
  if (wordEnd - start !== 3 || wordEnd === end) return -1;
  const day = reading.skipSpaces(wordEnd);
  const dayEnd = reading.wordEnd(day);
  if (dayEnd === end || dayEnd - day > 2 || !isDigit(bytes[day])) return -1;
  let time = dayEnd + 1;
  let timeEnd = reading.wordEnd(time);
  if (timeEnd - time === 4 && timeEnd < end) { // a year
    time = timeEnd + 1;
    timeEnd = reading.wordEnd(time);
  }
  const isTime = timeEnd - time >= 8 && bytes[time + 2] === COLON && bytes[time + 5] === COLON;
  return isTime ? timeEnd : -1;
}

/** Where `name:`, `name[pid]:` or `name[pid]` ends, or -1 where there is no tag at `start`. */
function tagEnd(reading: SyslogReading, start: number): number {
  const { bytes, end } = reading;
  let at = start;
  while (at < end && bytes[at] > SPACE && bytes[at] !== COLON && bytes[at] !== BRACKET_OPEN) at++;
  if (at === start || at >= end || at - start > TAG_BYTES_MAX) return -1;
  let hasProcess = false;
  if (bytes[at] === BRACKET_OPEN) {
    while (at < end && bytes[at] !== BRACKET_CLOSE && bytes[at] !== SPACE) at++;
    if (at >= end || bytes[at] !== BRACKET_CLOSE) return -1;
    hasProcess = true;
    at++;
  }
  if (at < end && bytes[at] === COLON) at++;
  else if (!hasProcess) return -1;
  return at >= end || bytes[at] === SPACE ? at : -1;
}

function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== COLON && bytes[at] !== BRACKET_OPEN) at++;
  return at;
}

function beginsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
  return true;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
