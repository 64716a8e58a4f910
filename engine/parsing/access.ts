/**
 * Access logs: Common (as in the NASA HTTP set) and Combined, as Apache, nginx and their kin write them.
 *
 *     host ident user [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326 ["referrer" "user agent" [more]]
 */
import { type EventFields, MEASURE_SLOT, SLOT } from "../../core/minutes/fields.ts";
import { Kernel } from "../kernel/kernel.ts";
import { readAccessExtras } from "./access_extras.ts";
import { readRequest } from "./access_request.ts";
import { plainEnd } from "./json_tokens.ts";
import type { CompiledParser, Parser, Reason } from "./parser.ts";
import { RecordCopy } from "./record_copy.ts";
import { shareParsed } from "./sample_share.ts";
import { TimestampReader } from "./timestamp.ts";

const SPACE = 0x20;
const QUOTE = 0x22;
const MINUS = 0x2d;
const SLASH = 0x2f;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

const encoder = new TextEncoder();
const INFO = encoder.encode("INFO");
const WARN = encoder.encode("WARN");
const ERROR = encoder.encode("ERROR");

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Bytes of a time with its zone, as the kernel knows it, and those up to the minute's last digit. */
const TIME_BYTES = 26;
const MINUTE_BYTES = 16;

class AccessParser implements CompiledParser {
  readonly #copy = new RecordCopy();
  readonly #timestamps: TimestampReader;
  readonly #instants: Float64Array;
  #bytes = this.#copy.bytes;
  #end = 0;

  /** @param kernel What scans usual lines (engine/kernel/assembly/access.ts). */
  constructor(timeZone: string, readonly kernel: Kernel) {
    this.#timestamps = new TimestampReader(timeZone);
    this.#instants = new Float64Array(kernel.bytes.buffer);
  }

  parse(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): Reason | null {
    return this.parseScanned(this.kernel.scan(bytes, start, end), bytes, start, end, recordTimeMs, out);
  }

  parseScanned(
    answer: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    recordTimeMs: number,
    out: EventFields,
  ): Reason | null {
    const { kernel } = this;
    if (answer !== 0) return this.#parseUnusual(bytes, start, end, recordTimeMs, out);
    if (out.starts !== kernel.starts) out.share(kernel);
    out.bytes = kernel.bytes;
    out.timestampMicros = kernel.time[0];
    return null;
  }

  #parseUnusual(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): Reason | null {
    this.#copy.load(bytes, start, end);
    this.#bytes = this.#copy.bytes;
    out.clear(this.#bytes);
    let from = 0;
    let to = this.#copy.length;
    while (to > 0 && this.#bytes[to - 1] <= SPACE) to--;
    while (from < to && this.#bytes[from] <= SPACE) from++;
    if (from === to) return "empty";
    this.#end = to;

    const open = this.#readClient(from, out);
    if (open < 0) return "no_match";
    const close = this.#find(BRACKET_CLOSE, open + 1);
    if (close < 0 || this.#bytes[close + 1] !== SPACE || this.#bytes[close + 2] !== QUOTE) return "no_match";
    const requestEnd = this.#requestEnd(close + 3);
    if (requestEnd < 0) return "no_match";
    out.timestampMicros = this.#timestamps.read(this.#bytes, open + 1, close, recordTimeMs);
    if (Number.isNaN(out.timestampMicros)) return "bad_timestamp";
    if (close - open - 1 === TIME_BYTES) this.#rememberMinute(open + 1, out.timestampMicros);
    readRequest(this.#bytes, close + 3, requestEnd, out);
    const at = this.#readOutcome(requestEnd + 2, out);
    if (at < to) readAccessExtras(this.#copy, at, to, out);
    return null;
  }

  /** Tells the kernel the minute of the time at `start`, which has its seconds in two digits and its zone in five bytes. */
  #rememberMinute(start: number, micros: number): void {
    const bytes = this.#bytes;
    const last = bytes[start + MINUTE_BYTES];
    const seconds = (bytes[start + 18] - 0x30) * 10 + bytes[start + 19] - 0x30;
    if (bytes[start + 2] !== SLASH || bytes[start + 20] !== SPACE || seconds > 59) return;
    const { kernel } = this;
    const at = kernel.constant("MINUTES") + 2 * MINUTE_BYTES * (last & kernel.constant("MINUTES_MASK"));
    kernel.bytes.set(bytes.subarray(start, start + MINUTE_BYTES), at);
    this.#instants[(at + MINUTE_BYTES) / 8] = micros - seconds * 1_000_000;
    kernel.bytes[at + 24] = last;
    kernel.bytes.set(bytes.subarray(start + 20, start + TIME_BYTES), at + 26);
  }

  /** Reads what stands before the time and answers the position of its bracket, or -1. */
  #readClient(start: number, out: EventFields): number {
    let host = start;
    let hostEnd = this.#find(SPACE, host);
    if (hostEnd < 0) return -1;
    const open = this.#timeAfter(hostEnd);
    if (open < 0) return -1;
    let ident = hostEnd + 1;
    let identEnd = this.#find(SPACE, ident);
    const vhostEnd = this.#virtualHostEnd(host, hostEnd);
    if (vhostEnd > 0 && this.#hasFourFields(ident, open)) {
      this.#setText(out, SLOT.service, host, vhostEnd);
      host = ident;
      hostEnd = identEnd;
      ident = identEnd + 1;
      identEnd = this.#find(SPACE, ident);
    }
    if (identEnd < 0 || identEnd >= open - 1) return -1;
    this.#setText(out, SLOT.host, host, hostEnd);
    this.#setText(out, SLOT.ident, ident, identEnd);
    // A user name may hold spaces: the field ends where the time begins.
    this.#setText(out, SLOT.user, identEnd + 1, open - 1);
    return open;
  }

  /** The first ` [` that a digit follows: the time. */
  #timeAfter(start: number): number {
    const bytes = this.#bytes;
    for (let at = start + 1; at < this.#end; at++) {
      if (bytes[at] === BRACKET_OPEN && bytes[at - 1] === SPACE && isDigit(bytes[at + 1])) return at;
    }
    return -1;
  }

  /** Where the name ends in `name:port`; 0 where it is no such thing (an IPv6 address has more colons). */
  #virtualHostEnd(start: number, end: number): number {
    let at = end - 1;
    while (at > start && isDigit(this.#bytes[at])) at--;
    if (at <= start || at === end - 1 || this.#bytes[at] !== COLON) return 0;
    const first = this.#find(COLON, start);
    return first === at ? at : 0;
  }

  #hasFourFields(start: number, open: number): boolean {
    let spaces = 0;
    for (let at = start; at < open; at++) if (this.#bytes[at] === SPACE) spaces++;
    return spaces >= 3;
  }

  /**
   * The closing quote of the request: the first from which the rest of the line reads as status and size, and then
   * nothing, a quoted field or a number. Old servers do not escape quotes inside a request, so the first quote may
   * belong to it; a later one may belong to a referrer or user agent.
   */
  #requestEnd(start: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const { view } = this.#copy;
    for (let at = plainEnd(view, bytes, start, end); at < end; at = plainEnd(view, bytes, at + 1, end)) {
      if (bytes[at] === QUOTE && bytes[at + 1] === SPACE && this.#isOutcome(at + 2)) return at;
    }
    return -1;
  }

  #isOutcome(start: number): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = start;
    if (bytes[at] === MINUS) at++;
    else if (isDigit(bytes[at]) && isDigit(bytes[at + 1]) && isDigit(bytes[at + 2])) at += 3;
    else return false;
    if (at >= end || bytes[at] !== SPACE) return false;
    const size = ++at;
    if (bytes[at] === MINUS) at++;
    else while (at < end && isDigit(bytes[at])) at++;
    if (at === size || at > end) return false;
    if (at === end) return true;
    const next = bytes[at + 1];
    return bytes[at] === SPACE && (next === QUOTE || next === MINUS || isDigit(next));
  }

  /** Reads status, level and size from where {@link #isOutcome} saw them; answers where the size ends. */
  #readOutcome(start: number, out: EventFields): number {
    const bytes = this.#bytes;
    const hasStatus = bytes[start] !== MINUS;
    if (hasStatus) this.#setText(out, SLOT.status, start, start + 3);
    const level = bytes[start] === 0x35 ? ERROR : bytes[start] === 0x34 ? WARN : INFO;
    out.starts[SLOT.level] = this.#copy.append(level);
    out.ends[SLOT.level] = out.starts[SLOT.level] + level.length;
    let at = start + (hasStatus ? 4 : 2);
    if (bytes[at] === MINUS) return at + 1;
    let size = 0;
    for (; at < this.#end && isDigit(bytes[at]); at++) size = size * 10 + (bytes[at] - 0x30);
    if (size <= Number.MAX_SAFE_INTEGER) out.measures[MEASURE_SLOT.content_size] = size;
    return at;
  }

  /** A text field; `-` and nothing (also as `""`) mean that it is absent. */
  #setText(out: EventFields, slot: number, start: number, end: number): void {
    const length = end - start;
    if (length <= 0 || (length === 1 && this.#bytes[start] === MINUS)) return;
    if (length === 2 && this.#bytes[start] === QUOTE && this.#bytes[start + 1] === QUOTE) return;
    out.starts[slot] = start;
    out.ends[slot] = end;
  }

  #find(byte: number, start: number): number {
    for (let at = start; at < this.#end; at++) if (this.#bytes[at] === byte) return at;
    return -1;
  }
}

/** NASA/Apache Common and Combined in one: a line without referrer and user agent merely lacks them. */
export const accessParser: Parser = {
  name: "access",
  description: "access logs of Apache, nginx and others: Common and Combined",
  preset: "access",
  detect: (sample) => shareParsed(new AccessParser("UTC", new Kernel("access")), sample),
  compile: (options) => new AccessParser(options.timeZone, new Kernel("access")),
};
