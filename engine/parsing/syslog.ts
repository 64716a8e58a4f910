/**
 * syslog, RFC 5424 and RFC 3164 in one parser: the version after the priority tells them apart.
 *
 *     <165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 [sd@1 key="value"] message
 *     <34>Oct 11 22:14:15 host su[231]: message              (also without <34>, and with an ISO timestamp)
 */
import type { EventFields } from "../../core/minutes/fields.ts";
import { SLOT } from "../../core/minutes/fields.ts";
import { compileNames, type FieldNames, USUAL_NAMES } from "./json_names.ts";
import { Projection } from "./json_projection.ts";
import { levelOfSyslogSeverity } from "./level.ts";
import { NameTable } from "./name_table.ts";
import type { CompiledParser, Parser, ParserOptions, Reason } from "./parser.ts";
import { RecordCopy } from "./record_copy.ts";
import { shareParsed } from "./sample_share.ts";
import { readRfc3164 } from "./syslog_rfc3164.ts";
import { readRfc5424 } from "./syslog_rfc5424.ts";
import { SyslogReading } from "./syslog_reading.ts";
import { TimestampReader } from "./timestamp.ts";
import { isValidUtf8 } from "./utf8.ts";

const SPACE = 0x20;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;
const PRIORITY_MAX = 191;
const NO_LEVEL = new Uint8Array(0);

/** What structured data usually says beyond the header. */
const STRUCTURED_NAMES: FieldNames = {
  method: USUAL_NAMES.method,
  endpoint: USUAL_NAMES.endpoint,
  status: USUAL_NAMES.status,
  event_type: USUAL_NAMES.event_type,
  user: USUAL_NAMES.user,
  trace_id: USUAL_NAMES.trace_id,
  response_time: USUAL_NAMES.response_time,
  content_size: USUAL_NAMES.content_size,
};

class SyslogParser implements CompiledParser {
  readonly #copy = new RecordCopy();
  readonly #reading: SyslogReading;
  #severity = -1;

  constructor(options: ParserOptions) {
    const timestamps = new TimestampReader(options.timeZone);
    const level = () => levelOfSyslogSeverity(this.#severity) ?? NO_LEVEL;
    this.#reading = new SyslogReading(
      timestamps,
      new Projection(timestamps, level),
      new NameTable(compileNames(STRUCTURED_NAMES, options.mapping)),
    );
  }

  parse(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): Reason | null {
    if (!isValidUtf8(bytes, start, end)) {
      this.#copy.load(bytes, start, end);
      return this.parse(this.#copy.bytes, 0, this.#copy.length, recordTimeMs, out);
    }
    let from = start;
    let to = end;
    while (to > from && bytes[to - 1] <= SPACE) to--;
    while (from < to && bytes[from] <= SPACE) from++;
    if (from === to) {
      out.clear(bytes);
      return "empty";
    }
    const reading = this.#reading;
    reading.begin(bytes, to, recordTimeMs, out);
    const body = this.#readPriority(bytes, from, to);
    const reason = body < 0
      ? "no_match"
      : isRfc5424(bytes, from, body)
      ? readRfc5424(reading, body + 2)
      : readRfc3164(reading, body, body > from);
    if (reason !== null) {
      out.clear(bytes);
      return reason;
    }
    reading.finish();
    // Without a priority nothing says the level.
    if (out.starts[SLOT.level] === out.ends[SLOT.level]) out.starts[SLOT.level] = -1;
    return null;
  }

  /** Where `<165>` ends, `start` where there is none, -1 where it is out of range. */
  #readPriority(bytes: Uint8Array, start: number, end: number): number {
    this.#severity = -1;
    if (bytes[start] !== LESS_THAN) return start;
    let priority = 0;
    let at = start + 1;
    for (; at < end && at < start + 4; at++) {
      const digit = bytes[at] - 0x30;
      if (digit < 0 || digit > 9) break;
      priority = priority * 10 + digit;
    }
    if (at === start + 1 || at >= end || bytes[at] !== GREATER_THAN || priority > PRIORITY_MAX) return -1;
    this.#severity = priority & 7;
    return at + 1;
  }
}

/** A priority and then version 1. */
function isRfc5424(bytes: Uint8Array, start: number, body: number): boolean {
  return body > start && bytes[body] === 0x31 && bytes[body + 1] === SPACE;
}

export const syslogParser: Parser = {
  name: "syslog",
  description: "syslog: RFC 5424, RFC 3164 and /var/log/messages",
  preset: "apps",
  detect: (sample) => shareParsed(new SyslogParser({ timeZone: "UTC", mapping: {} }), sample),
  compile: (options) => new SyslogParser(options),
};
