/** One syslog record while it is read: what both of its formats need, in one object that is used again. */
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import { type Target, TEXT } from "./json_names.ts";
import type { Projection } from "./json_projection.ts";
import type { NameTable } from "./name_table.ts";
import type { TimestampReader } from "./timestamp.ts";

const SPACE = 0x20;
const MINUS = 0x2d;
/** Behind every name of structured data: what a mapping names there goes before the header. */
const HEADER_RANK = 1_000_000;

function headerTarget(field: TextField): readonly Target[] {
  return [{ kind: TEXT, slot: SLOT[field], rank: HEADER_RANK, decimals: 0, unitExponent: 0 }];
}
export const HOST = headerTarget("host");
export const SERVICE = headerTarget("service");
export const MESSAGE = headerTarget("message");

export class SyslogReading {
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the record ends, line ends and blanks cut off. */
  end = 0;
  recordTimeMs = 0;
  out: EventFields = new EventFields();
  #headerMicros = NaN;

  constructor(
    readonly timestamps: TimestampReader,
    readonly projection: Projection,
    readonly names: NameTable,
  ) {}

  begin(bytes: Uint8Array, end: number, recordTimeMs: number, out: EventFields): void {
    this.bytes = bytes;
    this.end = end;
    this.recordTimeMs = recordTimeMs;
    this.out = out;
    this.#headerMicros = NaN;
    this.projection.begin(bytes, recordTimeMs, out);
  }

  /** Where the run of non-blanks at `start` ends. */
  wordEnd(start: number): number {
    let at = start;
    while (at < this.end && this.bytes[at] !== SPACE) at++;
    return at;
  }

  skipSpaces(start: number): number {
    let at = start;
    while (at < this.end && this.bytes[at] === SPACE) at++;
    return at;
  }

  isNil(start: number, end: number): boolean {
    return end - start === 1 && this.bytes[start] === MINUS;
  }

  /** A header field, unless it is `-` or empty. */
  text(targets: readonly Target[], start: number, end: number): void {
    if (end > start && !this.isNil(start, end)) this.projection.string(targets, start, end);
  }

  /** Reads the header's timestamp; false where bytes[start, end) is none. */
  timestamp(start: number, end: number): boolean {
    this.#headerMicros = this.timestamps.read(this.bytes, start, end, this.recordTimeMs);
    return !Number.isNaN(this.#headerMicros);
  }

  /** Ends the record: the header's timestamp counts unless a mapped name in structured data gave one. */
  finish(): void {
    if (Number.isNaN(this.out.timestampMicros)) this.out.timestampMicros = this.#headerMicros;
    this.projection.finish();
  }
}
