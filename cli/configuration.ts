/** The configuration of a command: --config or ./millrace.yaml, the environment, and the command's own options. */
import { type ConfigFlag, traceConfig, type TracedConfig } from "../core/config/load.ts";
import { didYouMean } from "../core/config/nearest.ts";
import { messageOf, MillraceError } from "../core/errors.ts";
import { findParser, PARSERS } from "../engine/parsing/registry.ts";

export const DEFAULT_FILE = "millrace.yaml";

/** Loads and checks it. `file` is what --config names. Throws INVALID_CONFIG, or FILE_UNAVAILABLE for a named file. */
export function configure(file: string | undefined, flags: readonly ConfigFlag[] = []): TracedConfig {
  const traced = traceConfig({
    file: file ?? (exists(DEFAULT_FILE) ? DEFAULT_FILE : undefined),
    env: Deno.env.toObject(),
    readText: readConfigFile,
    flags,
  });
  for (const [name, { format }] of Object.entries(traced.config.topics)) {
    if (format !== undefined) checkFormat(format, `topics.${name}.format`);
  }
  return traced;
}

/** Throws INVALID_INPUT where no parser has that name; `place` says who named it. */
export function checkFormat(format: string, place: string): void {
  if (findParser(format) !== undefined) return;
  const names = PARSERS.map(({ name }) => name);
  throw new MillraceError(
    "INVALID_INPUT",
    `${place}: no format ${JSON.stringify(format)}${didYouMean(format, names)}`,
    `the formats are ${names.join(", ")}; docs/formats.md describes them`,
  );
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function readConfigFile(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : messageOf(cause);
    throw new MillraceError(
      "FILE_UNAVAILABLE",
      `configuration ${path}: ${why}`,
      "name a file that this user can read, or start without --config for the defaults",
      { cause },
    );
  }
}
