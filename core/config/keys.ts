/** Every key of the configuration, derived from the schema: the table behind the environment, the help and the reference. */
import { configSchema } from "./schema.ts";
import { type ConfigPath, expectationOf, guideOf, nodeOf, type SchemaGuide, type SchemaNode } from "./schema_guide.ts";

export type { ConfigPath };

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

/** The configuration's schema, in words. */
export const CONFIG_GUIDE: SchemaGuide = guideOf(configSchema);

/** The keys that may stand below a path; none where anything may, or nothing. */
export function keysAt(path: ConfigPath): readonly string[] {
  return CONFIG_GUIDE.keysAt(path);
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
export const CONFIG_KEYS: readonly ConfigKey[] = leaves(nodeOf(configSchema), []);

/** Whether the value of a key, as in kafka.password, must not be shown. */
export function isSecret(path: ConfigPath): boolean {
  return CONFIG_GUIDE.isSecret(path);
}
