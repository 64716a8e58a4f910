/** The port of the parsers: one file a format, one line in registry.ts. */
import type { EventFields } from "../../core/minutes/fields.ts";
import type { PresetName } from "../../core/minutes/preset.ts";
import type { FieldMapping } from "../../core/config/schema.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Schemas } from "./schemas.ts";

/** Why a record could not be parsed: kept with it in quarantine. A closed list, documented in docs/formats.md. */
export type Reason =
  | "empty"
  | "too_large"
  | "invalid_utf8"
  | "invalid_json"
  | "not_an_object"
  | "too_deep"
  | "no_fields"
  | "no_match"
  | "bad_timestamp"
  | "unknown_format"
  | "no_schema_id"
  | "unknown_schema"
  | "unsupported_schema"
  | "invalid_avro"
  | "invalid_protobuf"
  | "corrupt_batch";

export interface ParserOptions {
  /** IANA zone of timestamps that name none; "UTC" unless configured. */
  readonly timeZone: string;
  /** Per field, the keys to look for before the usual ones (JSON, logfmt). */
  readonly mapping: FieldMapping;
  /** Where a format's records name registered schemas; absent: none is known. */
  readonly schemas?: Schemas;
}

/** A parser made ready for one topic. It keeps layout and memo state, so each worker and topic has its own. */
export interface CompiledParser {
  /**
   * What it scans with, where it does: then the arrays of `out` become the kernel's, good until its next parse. Tell it
   * (Kernel.forget) where the bytes of the same view have changed.
   */
  readonly kernel?: Kernel;
  /** As {@link parse}, for a record that the kernel has scanned and answered for. There where events need nothing more. */
  parseScanned?(
    answer: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    recordTimeMs: number,
    out: EventFields,
  ): Reason | null;
  /**
   * Reads the record bytes[start, end) into `out` (which it clears first) and answers null, or the reason why not.
   * `recordTimeMs` is the record's time in the log: it supplies what a format leaves out (the year in RFC 3164), so
   * that the result is a function of the record alone and a replay gives the same. Throws SchemaMissing where the
   * record's schema has to be loaded first: then it is to be parsed again.
   */
  parse(bytes: Uint8Array, start: number, end: number, recordTimeMs: number, out: EventFields): Reason | null;
}

export interface Parser {
  readonly name: string;
  /** One line for `--help` and docs. */
  readonly description: string;
  /** The preset of a topic in this format, unless configured. */
  readonly preset: PresetName;
  /** How much of the sample is surely in this format, 0 to 1. The largest answer wins; ties go to the registry's order. */
  detect(sample: readonly Uint8Array[]): number;
  compile(options: ParserOptions): CompiledParser;
}
