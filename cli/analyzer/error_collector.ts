/** Takes the errors out of a partition's records: parsed as the engine parses them, the others passed over. */
import { EventFields, SLOT, type TextField } from "../../core/minutes/fields.ts";
import {
  ERROR_LEVELS,
  type ErrorRecord,
  MESSAGE_CHARS_MAX,
  RAW_CHARS_MAX,
} from "../../analyzer/errors/error_record.ts";
import type { RecordSource } from "../../engine/aggregation/record_source.ts";
import type { RecordSink } from "../../engine/chunk.ts";
import { normalizeEndpointText } from "../../engine/parsing/endpoint.ts";
import type { CompiledParser } from "../../engine/parsing/parser.ts";

export interface CollectorOptions {
  readonly partition: number;
  /** Null: nothing is known of the records, and none of them is an error. */
  readonly parser: CompiledParser | null;
  /** An event further ahead of its record than this has the record's time. */
  readonly futureMs: number;
  readonly recordBytesMax: number;
  /** Takes an error; false where there is no room for more at the moment. */
  readonly take: (error: ErrorRecord) => boolean;
}

/** Fields whose values tell one occurrence of an error from the next. */
const VALUE_FIELDS = ["endpoint", "status", "host"] as const satisfies readonly TextField[];
const NO_ROOM = 0;

const encoder = new TextEncoder();
const LEVELS = ERROR_LEVELS.map((level) => ({ level, bytes: encoder.encode(level) }));

export class ErrorCollector implements RecordSink {
  /** Every record below it was looked at. */
  position: number;
  read = 0;
  readonly #options: CollectorOptions;
  readonly #fields = new EventFields();
  readonly #decoder = new TextDecoder();

  constructor(from: number, options: CollectorOptions) {
    this.position = from;
    this.#options = options;
  }

  get hasParser(): boolean {
    return this.#options.parser !== null;
  }

  forgetBuffer(): void {
    this.#options.parser?.kernel?.forget();
  }

  passTo(next: number): void {
    this.position = Math.max(this.position, next);
  }

  /** Not null where it has to be called again when there is room. */
  apply(bytes: Uint8Array, source: RecordSource): number | null {
    const { parser, recordBytesMax, take } = this.#options;
    while (source.next()) {
      const { offset, timestampMs, valueStart, valueEnd, reason } = source;
      if (offset < this.position) continue; // the batch begins before
      this.position = offset + 1;
      this.read++;
      if (parser === null || reason !== undefined || valueStart < 0 || valueEnd - valueStart > recordBytesMax) continue;
      if (parser.parse(bytes, valueStart, valueEnd, timestampMs, this.#fields) !== null) continue;
      const level = this.#errorLevel();
      if (level === null) continue;
      if (!take(this.#errorOf(level, bytes, valueStart, valueEnd, offset, timestampMs))) return NO_ROOM;
    }
    return null;
  }

  #errorLevel(): string | null {
    const { bytes, starts, ends } = this.#fields;
    const start = starts[SLOT.level];
    if (start < 0) return null;
    const length = ends[SLOT.level] - start;
    for (const { level, bytes: wanted } of LEVELS) {
      if (length === wanted.length && wanted.every((byte, at) => bytes[start + at] === byte)) return level;
    }
    return null;
  }

  #errorOf(
    level: string,
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
    recordMs: number,
  ): ErrorRecord {
    const { timestampMicros } = this.#fields;
    const ms = timestampMicros / 1000;
    const raw = this.#decode(bytes, start, end, RAW_CHARS_MAX);
    const said = this.#text("message");
    return {
      partition: this.#options.partition,
      offset,
      ms: ms <= recordMs + this.#options.futureMs ? ms : recordMs, // also where the event has none
      service: this.#text("service"),
      level,
      message: said || this.#decode(bytes, start, end, MESSAGE_CHARS_MAX),
      template: said === "" ? this.#requested() : null,
      raw,
      values: Object.fromEntries(VALUE_FIELDS.map((name) => [name, this.#text(name)])),
    };
  }

  /** "GET /orders/:id answered 502"; null where the event is no request. */
  #requested(): string | null {
    const [method, endpoint, status] = [this.#text("method"), this.#text("endpoint"), this.#text("status")];
    if (endpoint === "") return null;
    const path = normalizeEndpointText(endpoint);
    return [method, path, ...(status === "" ? [] : ["answered", status])].filter((part) => part !== "").join(" ");
  }

  #text(name: TextField): string {
    const { bytes, starts, ends } = this.#fields;
    const start = starts[SLOT[name]];
    return start < 0 ? "" : this.#decode(bytes, start, ends[SLOT[name]], MESSAGE_CHARS_MAX);
  }

  #decode(bytes: Uint8Array, start: number, end: number, charsMax: number): string {
    return this.#decoder.decode(bytes.subarray(start, Math.min(end, start + charsMax)));
  }
}
