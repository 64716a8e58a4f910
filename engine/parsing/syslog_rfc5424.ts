/** RFC 5424 after `<PRI>1 `: timestamp, host, app, process, message id, structured data, message. */
import type { Target } from "./json_names.ts";
import type { Reason } from "./parser.ts";
import { HOST, MESSAGE, SERVICE, type SyslogReading } from "./syslog_reading.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const EQUALS = 0x3d;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;

// A byte order mark is part of a name like any other character.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the record from after the version. */
export function readRfc5424(reading: SyslogReading, start: number): Reason | null {
  const timestampEnd = reading.wordEnd(start);
  const hostEnd = reading.wordEnd(timestampEnd + 1);
  const appEnd = reading.wordEnd(hostEnd + 1);
  const processEnd = reading.wordEnd(appEnd + 1);
  const messageIdEnd = reading.wordEnd(processEnd + 1);
  // Structured data is required, but Heroku's log drains leave it out.
  if (timestampEnd === start || processEnd >= reading.end) return "no_match";
  if (!reading.isNil(start, timestampEnd) && !reading.timestamp(start, timestampEnd)) return "bad_timestamp";
  reading.text(HOST, timestampEnd + 1, hostEnd);
  reading.text(SERVICE, hostEnd + 1, appEnd);
  readMessage(reading, readStructuredData(reading, Math.min(messageIdEnd + 1, reading.end)));
  return null;
}

/** Reads `-` or `[id name="value" …]…` and answers where it ends: `start` where it is neither. */
function readStructuredData(reading: SyslogReading, start: number): number {
  const { bytes, end } = reading;
  if (bytes[start] === 0x2d && (start + 1 >= end || bytes[start + 1] === SPACE)) return Math.min(start + 1, end);
  let at = start;
  while (at < end && bytes[at] === BRACKET_OPEN) {
    const next = readElement(reading, at + 1);
    if (next < 0) return at;
    at = next;
  }
  return at;
}

/** Reads an element from after its bracket; answers where it ends, -1 where it does not. */
function readElement(reading: SyslogReading, start: number): number {
  const { bytes, end, names } = reading;
  let at = start;
  while (at < end && bytes[at] !== SPACE && bytes[at] !== BRACKET_CLOSE) at++;
  const inner = names.find(bytes, start, at)?.inner ?? null;
  while (at < end && bytes[at] !== BRACKET_CLOSE) {
    const name = reading.skipSpaces(at);
    let nameEnd = name;
    while (nameEnd < end && bytes[nameEnd] !== EQUALS && bytes[nameEnd] !== BRACKET_CLOSE) nameEnd++;
    if (nameEnd < end && bytes[nameEnd] === BRACKET_CLOSE && nameEnd === name) return nameEnd + 1;
    if (nameEnd + 1 >= end || bytes[nameEnd] !== EQUALS || bytes[nameEnd + 1] !== QUOTE) return -1;
    const value = nameEnd + 2;
    const valueEnd = endOfValue(bytes, value, end);
    if (valueEnd === end) return -1;
    const known = inner?.find(bytes, name, nameEnd) ?? names.find(bytes, name, nameEnd);
    if (known !== null && known.targets.length > 0 && valueEnd > value) {
      readValue(reading, known.targets, value, valueEnd);
    }
    at = valueEnd + 1;
  }
  return at < end ? at + 1 : -1;
}

/** The closing quote; a backslash escapes what follows. */
function endOfValue(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, end);
}

/** Only `\"`, `\\` and `\]` are escapes; before anything else a backslash means itself (section 6.3.3). */
function readValue(reading: SyslogReading, targets: readonly Target[], start: number, end: number): void {
  const { bytes, projection } = reading;
  let at = start;
  while (at < end && bytes[at] !== BACKSLASH) at++;
  if (at === end) {
    projection.string(targets, start, end);
    return;
  }
  projection.decodedString(targets, decoder.decode(bytes.subarray(start, end)).replace(/\\(["\\\]])/g, "$1"));
}

/** The message, without the byte order mark that says it is UTF-8. */
function readMessage(reading: SyslogReading, start: number): void {
  const { bytes, end } = reading;
  let at = reading.skipSpaces(start);
  if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3;
  if (at < end) reading.projection.string(MESSAGE, at, end);
}
