/** What a zod schema takes, in words: for messages about files that it refuses. */
import { z } from "zod";

/** A path into a file: section, key, or deeper. */
export type ConfigPath = readonly (string | number)[];

/** The part of JSON Schema that zod makes of our schemas. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly propertyNames?: SchemaNode;
  readonly items?: SchemaNode;
  /** Of our own, through zod's meta. */
  readonly alias?: string;
  readonly isSecret?: boolean;
}

/** What a schema takes, as a tree. */
export function nodeOf(schema: z.ZodType): SchemaNode {
  return asNode(z.toJSONSchema(schema, { io: "input" }));
}

// z.toJSONSchema promises the draft's whole vocabulary; only the members above are read.
function asNode(schema: object): SchemaNode {
  return schema;
}

/** Answers about the paths of one schema. */
export interface SchemaGuide {
  /** What may stand at a path, in words. */
  expectationAt(path: ConfigPath): string;
  /** The keys that may stand below a path; none where anything may, or nothing. */
  keysAt(path: ConfigPath): readonly string[];
  /** True where the schema takes a mapping there, so that a key without a value stands for an empty one. */
  isMapping(path: ConfigPath): boolean;
  /** Whether the value there, as in kafka.password, must not be shown. */
  isSecret(path: ConfigPath): boolean;
}

export function guideOf(schema: z.ZodType): SchemaGuide {
  const root = nodeOf(schema);
  return {
    expectationAt: (path) => {
      const node = nodeAt(root, path);
      return node === undefined ? "nothing" : expectationOf(node);
    },
    keysAt: (path) => {
      const node = nodeAt(root, path);
      if (node?.properties !== undefined) return Object.keys(node.properties);
      return (node?.propertyNames?.enum ?? []).map(String);
    },
    isMapping: (path) => nodeAt(root, path)?.type === "object",
    isSecret: (path) => nodeAt(root, path)?.isSecret === true,
  };
}

/** The schema's node at a path; undefined where the path leads nowhere. */
function nodeAt(root: SchemaNode, path: ConfigPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of path) {
    if (node === undefined) return undefined;
    if (typeof step === "number") node = node.items;
    else if (node.properties !== undefined) {
      node = Object.hasOwn(node.properties, step) ? node.properties[step] : undefined;
    } else node = typeof node.additionalProperties === "object" ? node.additionalProperties : undefined;
  }
  return node;
}

/** What a node takes, in words. */
export function expectationOf(node: SchemaNode): string {
  if (node.enum !== undefined) return `one of ${node.enum.join(", ")}`;
  switch (node.type) {
    case "integer":
      return `a whole number${rangeOf(node)}`;
    case "number":
      return `a number${rangeOf(node)}`;
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "array":
      return node.items?.type === "string" ? "a list of texts" : "a list";
    default:
      return "a mapping of keys to values";
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: SchemaNode): string {
  const max = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMaximum !== undefined) {
    return exclusiveMinimum === undefined
      ? `${minimum === undefined ? "" : ` from ${minimum}`} to below ${exclusiveMaximum}`
      : ` above ${exclusiveMinimum} and below ${exclusiveMaximum}`;
  }
  if (exclusiveMinimum !== undefined) {
    return ` above ${exclusiveMinimum}${max === undefined ? "" : ` and up to ${max}`}`;
  }
  if (minimum !== undefined && max !== undefined) return ` from ${minimum} to ${max}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return max === undefined ? "" : ` up to ${max}`;
}
