/** What the schema refuses, in words that name the key, what was expected and what was found. */
import type { z } from "zod";
import { CONFIG_GUIDE, type ConfigPath } from "./keys.ts";
import { didYouMean } from "./nearest.ts";
import type { SchemaGuide } from "./schema_guide.ts";

/** One thing wrong with the configuration. */
export interface Problem {
  /** The key at fault; for an unknown key, that key itself. */
  readonly path: ConfigPath;
  /** True where the key, and not its value, is wrong. */
  readonly isKey: boolean;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

/** Every issue of what a schema refused; `input` is what was refused, `guide` of the same schema. */
export function problemsOf(issues: readonly Issue[], input: unknown, guide: SchemaGuide = CONFIG_GUIDE): Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, input, guide));
}

function problemsOfIssue(issue: Issue, input: unknown, guide: SchemaGuide): Problem[] {
  const path = issue.path.map((step) => typeof step === "symbol" ? String(step) : step);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], guide));
    case "invalid_key": {
      const why = issue.issues.map((inner) => inner.message).join("; ");
      return [{ path, isKey: true, message: `${nameOf(path)}: ${why}` }];
    }
    case "custom":
      return [{ path, isKey: false, message: `${nameOf(path)}: ${foundAt(input, path, guide)} is ${issue.message}` }];
    default: {
      const value = valueAt(input, path);
      const nothing = value === null ? " (leave the line out for the default)" : "";
      const message = `${nameOf(path)}: expected ${guide.expectationAt(path)}, found ${
        foundAt(input, path, guide)
      }${nothing}`;
      return [{ path, isKey: false, message }];
    }
  }
}

function unknownKey(path: ConfigPath, guide: SchemaGuide): Problem {
  const key = String(path[path.length - 1]);
  const known = guide.keysAt(path.slice(0, -1));
  const hint = didYouMean(key, known) || ` (known: ${known.join(", ")})`;
  return { path, isKey: true, message: `${nameOf(path)}: no such key${hint}` };
}

function nameOf(path: ConfigPath): string {
  return path.length === 0 ? "the configuration" : path.join(".");
}

function valueAt(input: unknown, path: ConfigPath): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

function foundAt(input: unknown, path: ConfigPath, guide: SchemaGuide): string {
  return guide.isSecret(path) ? "something secret" : found(valueAt(input, path));
}

/** A value as a person wrote it, cut short. */
export function found(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
