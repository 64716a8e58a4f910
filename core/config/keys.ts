/** Every key of the configuration, derived from the schema: the table behind the environment, the help and the reference. */
import { z } from "zod";
import { configSchema } from "./schema.ts";

/** A path into the configuration: section, key, or deeper within topics. */
export type ConfigPath = readonly (string | number)[];

/** One key that may be set, but for those under topics. */
export interface ConfigKey {
  readonly path: readonly string[];
  /** As in gateway.port. */
  readonly name: string;
  /** As in MILLRACE_GATEWAY_PORT. */
  readonly environment: string;
  /** Another variable that sets it, of the field's own names: KAFKA_BROKERS. The one above wins over it. */
  readonly alias: string | null;
  readonly description: string;
  readonly kind: "text" | "number" | "flag" | "list";
  /** Never printed. */
  readonly isSecret: boolean;
  readonly defaultValue: string | number | boolean | readonly string[];
  /** What the schema takes, in words: "a whole number from 0 to 65535". */
  readonly expectation: string;
}

export const ENVIRONMENT_PREFIX = "MILLRACE_";

/** The part of JSON Schema that zod makes of our schema. */
interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly propertyNames?: SchemaNode;
  readonly items?: SchemaNode;
  /** Of our own, through zod's meta. */
  readonly alias?: string;
  readonly isSecret?: boolean;
}

const root: SchemaNode = nodeOf(z.toJSONSchema(configSchema, { io: "input" }));

// z.toJSONSchema promises the draft's whole vocabulary; only the members above are read.
function nodeOf(schema: object): SchemaNode {
  return schema;
}

/** The schema's node at a path; undefined where the path leads nowhere. */
function nodeAt(path: ConfigPath): SchemaNode | undefined {
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

/** What may stand at a path, in words. */
export function expectationAt(path: ConfigPath): string {
  const node = nodeAt(path);
  return node === undefined ? "nothing" : expectationOf(node);
}

/** The keys that may stand below a path; none where anything may, or nothing. */
export function keysAt(path: ConfigPath): readonly string[] {
  const node = nodeAt(path);
  if (node?.properties !== undefined) return Object.keys(node.properties);
  return (node?.propertyNames?.enum ?? []).map(String);
}

/** True where the schema takes a mapping there, so that a key without a value stands for an empty one. */
export function isMapping(path: ConfigPath): boolean {
  return nodeAt(path)?.type === "object";
}

function expectationOf(node: SchemaNode): string {
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
      return "a list of texts";
    default:
      return "a mapping of keys to values";
  }
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: SchemaNode): string {
  const max = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMinimum !== undefined) {
    return ` above ${exclusiveMinimum}${max === undefined ? "" : ` and up to ${max}`}`;
  }
  if (minimum !== undefined && max !== undefined) return ` from ${minimum} to ${max}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return max === undefined ? "" : ` up to ${max}`;
}

/** gateway.ingestBodyBytesMax becomes MILLRACE_GATEWAY_INGEST_BODY_BYTES_MAX. */
function environmentName(path: readonly string[]): string {
  const words = path.map((step) => step.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase());
  return ENVIRONMENT_PREFIX + words.join("_");
}

function leaves(node: SchemaNode, path: readonly string[]): ConfigKey[] {
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([name, child]) => leaves(child, [...path, name]));
  }
  const kind = kindOf(node);
  if (kind === null || node.default === undefined) return [];
  return [{
    path,
    name: path.join("."),
    environment: environmentName(path),
    alias: node.alias ?? null,
    description: node.description ?? "",
    kind,
    isSecret: node.isSecret === true,
    // Of the kind that the schema's node has.
    defaultValue: node.default as ConfigKey["defaultValue"],
    expectation: expectationOf(node),
  }];
}

function kindOf({ type, items }: SchemaNode): ConfigKey["kind"] | null {
  switch (type) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "flag";
    case "array":
      return items?.type === "string" ? "list" : null;
    default:
      return null;
  }
}

/** All keys outside of topics, in the schema's order. */
export const CONFIG_KEYS: readonly ConfigKey[] = leaves(root, []);

/** Whether the value of a key, as in kafka.password, must not be shown. */
export function isSecret(path: ConfigPath): boolean {
  return nodeAt(path)?.isSecret === true;
}
