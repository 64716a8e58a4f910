/** A YAML file as plain data that remembers where each key stands. */
import { isAlias, isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { MillraceError } from "../errors.ts";
import { CONFIG_GUIDE, type ConfigPath } from "./keys.ts";
import type { SchemaGuide } from "./schema_guide.ts";

/** A parsed file. */
export interface YamlSource {
  /** What the file says; a mapping. */
  readonly values: Readonly<Record<string, unknown>>;
  /** "millrace.yaml:3:9" for the key or the value at a path, or its nearest enclosing one. */
  positionOf(path: ConfigPath, part: "key" | "value"): string;
  /** True where the file itself has that key. */
  has(path: ConfigPath): boolean;
}

const CONFIG_REMEDY = "Correct the file; millrace.example.yaml shows every key.";

/**
 * Reads `text`; throws INVALID_CONFIG with line and column where it is not one YAML mapping. `guide` and `remedy`: of files
 * that are not the configuration. Without `hasHex`, 0x20 is a text and no number.
 */
export function readYaml(
  text: string,
  file: string,
  guide: Pick<SchemaGuide, "isMapping"> = CONFIG_GUIDE,
  remedy = CONFIG_REMEDY,
  hasHex = true,
): YamlSource {
  const refusal = (message: string): MillraceError => new MillraceError("INVALID_CONFIG", message, remedy);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    customTags: hasHex ? null : (tags) => tags.filter((tag) => typeof tag === "string" || tag.format !== "HEX"),
  });
  const at = (index: number): string => {
    const { line, col } = lines.linePos(index);
    return `${file}:${line}:${col}`;
  };
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw refusal(`${at(fault.pos[0])}: ${fault.message}`);
  const root = document.contents;
  if (root !== null && !isMap(root) && !(isScalar(root) && root.value === null)) {
    throw refusal(`${at(root.range[0])}: expected keys and values, as in "gateway:", found something else`);
  }
  const anchors = (node: unknown): unknown => isAlias(node) ? node.resolve(document) : node;
  return {
    values: withoutEmptySections(toValues(() => document.toJS({ maxAliasCount: 100 }), file, refusal), guide),
    has: (path) => document.hasIn(path),
    positionOf: (path, part) => at(indexOf(root, path, part, anchors)),
  };
}

function toValues(
  read: () => unknown,
  file: string,
  refusal: (message: string) => MillraceError,
): Record<string, unknown> {
  let values: unknown;
  try {
    values = read();
  } catch (error) {
    throw refusal(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return typeof values === "object" && values !== null ? { ...values } : {};
}

/** A section whose every line is commented out reads as null: it stands for an empty one. */
function withoutEmptySections(
  values: Record<string, unknown>,
  guide: Pick<SchemaGuide, "isMapping">,
  path: ConfigPath = [],
): Record<string, unknown> {
  const kept: [string, unknown][] = [];
  for (const [key, value] of Object.entries(values)) {
    const here = [...path, key];
    if (value === null && guide.isMapping(here)) kept.push([key, {}]);
    else if (isRecord(value) && guide.isMapping(here)) kept.push([key, withoutEmptySections(value, guide, here)]);
    else kept.push([key, value]);
  }
  return Object.fromEntries(kept);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Index in the text of the key or value at `path`, as deep as the file goes. */
function indexOf(
  root: unknown,
  path: ConfigPath,
  part: "key" | "value",
  resolve: (node: unknown) => unknown,
): number {
  let index = startOf(root);
  let node = resolve(root);
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
      if (pair === undefined) return index;
      index = isLast && part === "value" && isNode(pair.value) ? startOf(pair.value) : startOf(pair.key);
      node = resolve(pair.value);
    } else if (isNode(node) && "items" in node && Array.isArray(node.items) && typeof step === "number") {
      const item: unknown = node.items[step];
      if (item === undefined) return index;
      index = startOf(item);
      node = resolve(item);
    } else return index;
  }
  return index;
}

function startOf(node: unknown): number {
  const range = isNode(node) ? (node satisfies Node).range : null;
  return range?.[0] ?? 0;
}
