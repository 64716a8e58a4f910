/**
 * The way of the unusual record: JSON.parse, then the wanted values by name. It defines what the scanner must answer,
 * and supplies the reason where a record is none.
 */
import type { NameNode } from "./json_names.ts";
import type { Projection } from "./json_projection.ts";
import type { Reason } from "./parser.ts";
import { isValidUtf8 } from "./utf8.ts";

/**
 * Levels of nesting that a record may have: the one thing in which we refuse what JSON.parse takes. Readers of exports
 * have limits too, most of them lower.
 */
export const DEEPEST_NESTING = 512;

/** Numbers of up to 15 digits are exact in a float64; of longer ones the text is kept. */
const LONG_NUMBER_LENGTH = 16;
/** A run of digits that no quote precedes; inside of a longer string it is a false alarm that only costs time. */
const MAYBE_LONG_NUMBER = /[-:,[\s][\d.]{16}/;

// The byte order mark is kept, so that JSON.parse refuses it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A number with more digits than a float64 holds. */
class LongNumber {
  constructor(readonly literal: string) {}
}

type Json = string | number | boolean | null | LongNumber | Json[] | JsonObject;
interface JsonObject {
  readonly [key: string]: Json;
}

/** Reads bytes[start, end) with JSON.parse into the projection (begun by the caller); null, or the reason why not. */
export function parseAndProject(
  bytes: Uint8Array,
  start: number,
  end: number,
  names: NameNode,
  projection: Projection,
): Reason | null {
  if (isBlank(bytes, start, end)) return "empty";
  if (!isValidUtf8(bytes, start, end)) return "invalid_utf8";
  const text = decoder.decode(bytes.subarray(start, end));
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return "invalid_json";
  }
  if (!isObject(value)) return "not_an_object";
  if (nesting(bytes, start, end) > DEEPEST_NESTING) return "too_deep";
  // Only now: a reviver is called recursively, so the depth has to be known.
  if (MAYBE_LONG_NUMBER.test(text)) value = JSON.parse(text, keepLongNumber);
  if (isObject(value)) projectObject(value, names, projection);
  return null;
}

/** V8 hands a reviver the source text of primitives (ECMA-262 proposal JSON.parse source text access). */
function keepLongNumber(_key: string, value: Json, context?: { source?: string }): Json {
  if (typeof value !== "number" || context?.source === undefined) return value;
  return context.source.length >= LONG_NUMBER_LENGTH ? new LongNumber(context.source) : value;
}

/** The wanted values of an object, by the tree of their names. */
export function projectObject(object: JsonObject, names: NameNode, projection: Projection): void {
  for (const key of Object.keys(object)) {
    const node = names.children.get(key);
    if (node === undefined) continue;
    const value = object[key];
    if (typeof value === "string") projection.decodedString(node.targets, value);
    else if (typeof value === "number") projection.decodedNumber(node.targets, value, String(value));
    else if (value instanceof LongNumber) {
      projection.decodedNumber(node.targets, Number(value.literal), value.literal);
    } else if (isObject(value)) projectObject(value, node, projection);
    else if (Array.isArray(value) && node.isAttributes) projectObject(objectOfAttributes(value), node, projection);
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof LongNumber);
}

/** `[{key, value: {stringValue | intValue | doubleValue | boolValue}}, …]` (OTLP) as an object; the last of a key wins. */
function objectOfAttributes(attributes: readonly Json[]): JsonObject {
  const object = new Map<string, Json>();
  for (const attribute of attributes) {
    if (!isObject(attribute) || typeof attribute.key !== "string") continue;
    const { value } = attribute;
    if (value === undefined || !isObject(value)) continue;
    object.set(attribute.key, value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? null);
  }
  return Object.fromEntries(object);
}

/** True where there is only JSON's white space. */
function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  }
  return true;
}

/** Levels of nesting of valid JSON. */
function nesting(bytes: Uint8Array, start: number, end: number): number {
  // Each level takes two bytes.
  if (end - start <= 2 * DEEPEST_NESTING) return 0;
  let deepest = 0;
  let depth = 0;
  let isInString = false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x22) isInString = !isInString;
    else if (isInString) {
      if (byte === 0x5c) i++;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return deepest;
}
