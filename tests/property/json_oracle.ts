/**
 * What a JSON record must become, said without the scanner: strict decoding, JSON.parse, and lookups by path.
 * Levels and timestamps are read by their own modules, which have tests of their own.
 */
import { MEASURES, TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { EventFields } from "../../core/minutes/fields.ts";
import type { FieldNames } from "../../engine/parsing/json_names.ts";
import { levelOfNumber, levelOfOtelSeverity, normalizeLevel } from "../../engine/parsing/level.ts";
import { TimestampReader } from "../../engine/parsing/timestamp.ts";

const encoder = new TextEncoder();
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** The reason why a record is none, or its fields: text by name, measures as integers, the timestamp in microseconds. */
export type Reading = string | Readonly<Record<string, string | number>>;

/** A number with its text in the record. */
class SourceNumber {
  constructor(readonly value: number, readonly source: string) {}
}

export function expectedReading(record: Uint8Array, names: FieldNames): Reading {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(record);
  } catch {
    return "invalid_utf8";
  }
  if (/^[ \t\r\n]*$/.test(text)) return "empty";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "invalid_json";
  }
  if (!isObject(value)) return "not_an_object";
  if (isDeeper(value, 512)) return "too_deep";
  const keep = (_key: string, some: unknown, context: { source: string }): unknown =>
    typeof some === "number" ? new SourceNumber(some, context.source) : some;
  return project(JSON.parse(text, keep as (key: string, value: unknown) => unknown), names);
}

/** What a parser said, in the same form. */
export function actualReading(reason: string | null, out: EventFields): Reading {
  if (reason !== null) return reason;
  const reading: Record<string, string | number> = {};
  TEXT_FIELDS.forEach((field, slot) => {
    if (out.starts[slot] >= 0) reading[field] = lenient.decode(out.bytes.subarray(out.starts[slot], out.ends[slot]));
  });
  MEASURES.forEach(({ name }, slot) => {
    if (!Number.isNaN(out.measures[slot])) reading[name] = out.measures[slot];
  });
  if (!Number.isNaN(out.timestampMicros)) reading.timestamp = out.timestampMicros;
  return reading;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof SourceNumber);
}

function isDeeper(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value];
  for (let level = 0; layer.length > 0; level++) {
    layer = layer.filter((some) => typeof some === "object" && some !== null);
    if (layer.length > 0 && level === levels) return true;
    layer = layer.flatMap((some) => Object.values(some as object));
  }
  return false;
}

function project(root: unknown, names: FieldNames): Reading {
  const { attributes, resource } = isObject(root) ? root : {};
  const places = [root, asObject(attributes), isObject(resource) ? asObject(resource.attributes) : null, resource];
  const reading: Record<string, string | number> = {};
  for (const [field, paths] of Object.entries(names)) {
    for (const place of places) {
      for (const path of paths) {
        for (const value of valuesAt(place, path)) {
          const read = usable(field, path, value);
          if (read !== null && !Object.hasOwn(reading, field)) reading[field] = read;
        }
      }
    }
  }
  return reading;
}

/** OTLP's array of attributes as an object. */
function asObject(attributes: unknown): unknown {
  if (!Array.isArray(attributes)) return attributes;
  const pairs = attributes.filter((pair) => isObject(pair) && typeof pair.key === "string" && isObject(pair.value));
  return Object.fromEntries(pairs.map(({ key, value }) => {
    const kinds = ["stringValue", "intValue", "doubleValue", "boolValue"];
    const kind = kinds.find((some) => value[some] !== undefined && value[some] !== null);
    return [key, kind === undefined ? null : value[kind]];
  }));
}

/** Values under every reading of a path's dots, the longest literal keys first. */
function* valuesAt(place: unknown, path: string): Generator<unknown> {
  if (!isObject(place)) return;
  if (Object.hasOwn(place, path)) yield place[path];
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const head = path.slice(0, dot);
    if (Object.hasOwn(place, head)) yield* valuesAt(place[head], path.slice(dot + 1));
  }
}

function usable(field: string, path: string, value: unknown): string | number | null {
  const measure = MEASURES.find(({ name }) => name === field);
  const isNumber = value instanceof SourceNumber;
  if (!isNumber && (typeof value !== "string" || value === "")) return null;
  if (measure !== undefined) {
    const text = isNumber ? value.source : value as string;
    return fixedPoint(text, field === "response_time" ? timeExponent(path) : 0, measure.decimals, field, isNumber);
  }
  if (field === "timestamp") {
    const text = !isNumber ? value as string : isDigits(value) ? value.source : String(value.value);
    const bytes = encoder.encode(text);
    const micros = new TimestampReader("UTC").read(bytes, 0, bytes.length, 0);
    return Number.isNaN(micros) ? null : micros;
  }
  if (field === "level") return level(path, value);
  if (isNumber) return Number.isFinite(value.value) ? JSON.stringify(value.value) : null;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(encoder.encode(value as string));
  return field === "currency" ? text.replace(/[a-z]/g, (letter) => letter.toUpperCase()) : text;
}

/** A number's digits are kept beyond what a float64 holds, unless it is written with an exponent or is small. */
function isDigits({ source }: SourceNumber): boolean {
  return /^-?[1-9]/.test(source) && !/e/i.test(source) || source.length >= 16 && !/e/i.test(source);
}

function level(path: string, value: unknown): string | null {
  const isOtel = /severity_?number$/i.test(path);
  let bytes: Uint8Array | null;
  if (value instanceof SourceNumber) {
    bytes = isOtel
      ? levelOfOtelSeverity(value.value)
      : Number.isInteger(value.value)
      ? levelOfNumber(value.value)
      : null;
    return bytes === null ? null : lenient.decode(bytes);
  }
  if (isOtel) return null;
  const raw = encoder.encode(value as string);
  bytes = normalizeLevel(raw, 0, raw.length) ?? raw;
  return bytes.length === 0 ? null : lenient.decode(bytes);
}

function timeExponent(path: string): number {
  if (/_ns$/.test(path) || path === "event.duration") return -6;
  if (/_us$/.test(path)) return -3;
  return /_s$|_seconds$/.test(path) || path === "request_time" ? 3 : 0;
}

/** Exact arithmetic on the digits; null where the text is no number or is beyond 2^53 units. */
function fixedPoint(text: string, exponent: number, decimals: number, field: string, isNumber: boolean): number | null {
  const units: Record<string, number> = { ns: -6, us: -3, "µs": -3, "μs": -3, ms: 0, s: 3 };
  const match = /^([-+]?)(\d*)(\.\d*)?(?:[eE]([-+]?\d+))?(?: *(ns|us|µs|μs|ms|s))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole, fraction = "", power = "0", unit] = match;
  const digits = whole + fraction.slice(1);
  if (digits === "" || unit !== undefined && (field !== "response_time" || isNumber)) return null;
  if (/^0+$/.test(digits)) return 0;
  const shift = Number(power) + (unit === undefined ? exponent : units[unit]) + decimals -
    (digits.length - whole.length);
  if (shift > 400) return null;
  if (shift < -400 - digits.length) return 0;
  const divisor = 10n ** BigInt(Math.max(0, -shift));
  const scaled = (2n * BigInt(digits) * 10n ** BigInt(Math.max(0, shift)) + divisor) / (2n * divisor);
  if (scaled > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return scaled === 0n ? 0 : Number(sign === "-" ? -scaled : scaled);
}
