/**
 * The configuration of a run: the defaults of the schema, then the file, then the environment, then the command line,
 * the later winning. Nothing is guessed: an unknown key or variable is an error that names the likely one.
 */
import { MillraceError } from "../errors.ts";
import { CONFIG_KEYS, type ConfigKey, type ConfigPath, ENVIRONMENT_PREFIX } from "./keys.ts";
import { didYouMean } from "./nearest.ts";
import { type Problem, problemsOf } from "./problems.ts";
import { type Config, configSchema } from "./schema.ts";
import { readYaml, type YamlSource } from "./yaml_source.ts";

/** A value given on the command line. */
export interface ConfigFlag {
  /** As in gateway.port. */
  readonly key: string;
  /** As in --port. */
  readonly flag: string;
  readonly value: ConfigValue;
}

/** A value as the environment or the command line gives it. */
export type ConfigValue = string | number | boolean | readonly string[];

export interface ConfigSources {
  /** Path of the YAML file; absent: none. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the file; what it throws is passed on. */
  readonly readText: (path: string) => string;
  readonly flags?: readonly ConfigFlag[];
}

/** A configuration, and where each of its values comes from. */
export interface TracedConfig {
  readonly config: Config;
  /** By path: "default", "millrace.yaml:3", "MILLRACE_GATEWAY_PORT" or "--port". */
  originOf(path: ConfigPath): string;
}

/** Reads and checks the configuration. Throws INVALID_CONFIG that names every problem with its place. */
export function loadConfig(sources: ConfigSources): Config {
  return traceConfig(sources).config;
}

/** {@link loadConfig}, with the origin of each value. */
export function traceConfig({ file, env, readText, flags = [] }: ConfigSources): TracedConfig {
  const yaml = file === undefined ? null : readYaml(readText(file), file);
  const values = structuredClone(yaml?.values ?? {});
  const origins = new Map<string, string>();
  const faults = [...setFromEnvironment(env, values, origins)];
  for (const { key, flag, value } of flags) set(values, key.split("."), value, origins, flag);

  const result = configSchema.safeParse(values);
  if (!result.success) {
    faults.push(...problemsOf(result.error.issues, values).map((problem) => placed(problem, origins, yaml)));
  } else faults.push(...contradictions(result.data));
  if (faults.length > 0 || !result.success) throw refusal(faults);
  return {
    config: result.data,
    originOf: (path) => {
      const given = origins.get(path.join("."));
      if (given !== undefined) return given;
      return yaml?.has(path) ? yaml.positionOf(path, "key").replace(/:\d+$/, "") : "default";
    },
  };
}

function refusal(faults: readonly string[]): MillraceError {
  return new MillraceError(
    "INVALID_CONFIG",
    faults.join("\n       "),
    "`deno task config` prints every key with its value; docs/operations.md explains them.",
  );
}

/** Puts what the environment says into `values`; answers what cannot be taken. An empty variable is not set. */
function setFromEnvironment(
  env: ConfigSources["env"],
  values: Record<string, unknown>,
  origins: Map<string, string>,
): string[] {
  const faults: string[] = [];
  const byVariable = new Map(CONFIG_KEYS.map((key) => [key.environment, key]));
  for (const key of CONFIG_KEYS) {
    const text = key.alias === null ? undefined : env[key.alias];
    if (key.alias !== null && text !== undefined && text !== "") {
      set(values, key.path, valueOf(key, text), origins, key.alias);
    }
  }
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENVIRONMENT_PREFIX) || text === undefined || text === "") continue;
    const key = byVariable.get(variable);
    if (key === undefined) faults.push(`${variable}: no such variable${didYouMean(variable, byVariable.keys())}`);
    else set(values, key.path, valueOf(key, text), origins, variable);
  }
  return faults;
}

/** Numbers as they are written in decimal, lists with commas; what is neither stays text, for the schema to refuse. */
function valueOf({ kind }: ConfigKey, text: string): ConfigValue {
  switch (kind) {
    case "number":
      return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : text;
    case "flag":
      return text === "true" || text === "false" ? text === "true" : text;
    case "list":
      return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
    case "text":
      return text;
  }
}

function set(
  values: Record<string, unknown>,
  path: readonly string[],
  value: ConfigValue,
  origins: Map<string, string>,
  origin: string,
): void {
  const name = path[path.length - 1];
  let section = values;
  for (const step of path.slice(0, -1)) {
    const inner = section[step] ?? {};
    // A section that is not a mapping is refused by the schema; there is nothing to set in it.
    if (typeof inner !== "object" || Array.isArray(inner)) return;
    section = section[step] = { ...inner };
  }
  section[name] = value;
  origins.set(path.join("."), origin);
}

/** The problem, after the place that it comes from. */
function placed(problem: Problem, origins: Map<string, string>, yaml: YamlSource | null): string {
  const origin = origins.get(problem.path.join("."));
  if (origin !== undefined) return `${origin}: ${problem.message}`;
  return yaml === null
    ? problem.message
    : `${yaml.positionOf(problem.path, problem.isKey ? "key" : "value")}: ${problem.message}`;
}

/** Values that are each right and together wrong. */
function contradictions({ log, store }: Config): string[] {
  const faults: string[] = [];
  // A replay of the log must find the units that it dirties: the store remembers longer than the log.
  for (const [key, days] of [["minutes", store.minutesRetentionDays], ["events", store.eventsRetentionDays]] as const) {
    if (days * 24 < log.retentionHours) {
      faults.push(
        `store.${key}RetentionDays: expected at least log.retentionHours (${log.retentionHours} hours), found ${days} days`,
      );
    }
  }
  return faults;
}
