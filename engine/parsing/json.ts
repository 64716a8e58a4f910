/** JSON objects, one a record: application logs of any writer (docs/formats.md lists the names that are known). */
import { Kernel } from "../kernel/kernel.ts";
import { compileNames, type FieldNames, USUAL_NAMES } from "./json_names.ts";
import { parseAndProject } from "./json_object.ts";
import { type DerivedLevel, Projection } from "./json_projection.ts";
import { JsonScanner } from "./json_scanner.ts";
import type { CompiledParser, Parser, ParserOptions } from "./parser.ts";
import { TimestampReader } from "./timestamp.ts";

/**
 * A parser of JSON records for the given names: the scanner, and JSON.parse where it declines. `derivedLevel` supplies
 * the level of records that say none.
 */
export function compileJson(
  names: FieldNames,
  options: ParserOptions,
  derivedLevel: DerivedLevel | null = null,
): CompiledParser {
  const tree = compileNames(names, options.mapping);
  const kernel = new Kernel();
  const projection = new Projection(new TimestampReader(options.timeZone), derivedLevel, kernel);
  const scanner = new JsonScanner(tree, projection, kernel);
  const parseScanned: CompiledParser["parseScanned"] = (answer, bytes, start, end, recordTimeMs, out) => {
    if (!scanner.finish(answer, bytes, start, end, recordTimeMs, out)) {
      projection.begin(bytes, recordTimeMs, out);
      const reason = parseAndProject(bytes, start, end, tree, projection);
      if (reason !== null) {
        out.clear(bytes);
        return reason;
      }
    }
    projection.finish();
    return null;
  };
  return {
    kernel,
    parse: (bytes, start, end, recordTimeMs, out) =>
      parseScanned(kernel.scan(bytes, start, end), bytes, start, end, recordTimeMs, out),
    ...(derivedLevel === null ? { parseScanned } : {}),
  };
}

const decoder = new TextDecoder();

/** The share of a sample that are JSON objects for which `isOne` holds, 0 to 1. */
export function shareOfObjects(
  sample: readonly Uint8Array[],
  isOne: (object: Readonly<Record<string, unknown>>) => boolean,
): number {
  let count = 0;
  for (const record of sample) {
    try {
      const value: unknown = JSON.parse(decoder.decode(record));
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        if (isOne(value as Readonly<Record<string, unknown>>)) count++;
      }
    } catch {
      // Not JSON: it does not count.
    }
  }
  return sample.length === 0 ? 0 : count / sample.length;
}

/** Application logs in JSON. */
export const json: Parser = {
  name: "json",
  description: "JSON objects: application logs in the usual names, ECS, OpenTelemetry, Fluent Bit",
  preset: "apps",
  detect: (sample) => shareOfObjects(sample, () => true),
  compile: (options) => compileJson(USUAL_NAMES, options),
};
