/** The files of the prompts: read and checked at a start, so that a mistake in one is told before it is used. */
import { didYouMean } from "../../core/config/nearest.ts";
import { messageOf, MillraceError } from "../../core/errors.ts";

/** Per file, the placeholders that it may have, and those that it must. */
const FILES = {
  "system.md": { may: ["service_notes"], must: [] },
  "user.md": { may: ["facts"], must: ["facts"] },
  "repair.md": { may: ["problem"], must: [] },
} as const satisfies Readonly<Record<string, { may: readonly string[]; must: readonly string[] }>>;
type PromptFile = keyof typeof FILES;
const NAMES = ["system.md", "user.md", "repair.md"] as const satisfies readonly PromptFile[];
const SERVICES = "services";

/** Longer than any prompt that a model reads with care. */
const BYTES_MAX = 32 * 1024;

export interface Prompts {
  readonly system: string;
  readonly user: string;
  readonly repair: string;
  /** Notes on services, by the name of the service. */
  readonly services: ReadonlyMap<string, string>;
}

const BUILT_IN = new URL("./prompts/", import.meta.url);

/**
 * Reads the built-in prompts, and those of `directory` (empty: none) in their place. A file that is missing there is the
 * built-in one; services/NAME.md has notes for errors of the service NAME. Throws INVALID_CONFIG with file and line.
 */
export async function loadPrompts(directory: string): Promise<Prompts> {
  const own = directory === "" ? [] : await namesIn(directory);
  for (const name of own) refuseUnknown(directory, name);
  const text = async (name: PromptFile): Promise<string> =>
    own.includes(name)
      ? await checked(`${directory}/${name}`, FILES[name])
      : await Deno.readTextFile(new URL(name, BUILT_IN));
  const services = new Map<string, string>();
  if (own.includes(SERVICES)) {
    for (const name of await namesIn(`${directory}/${SERVICES}`)) {
      const path = `${directory}/${SERVICES}/${name}`;
      if (!/.\.md$/.test(name)) {
        throw refusal(path, "no notes on a service: they are in SERVICE.md", `rename ${path}, or take it away`);
      }
      services.set(name.slice(0, -".md".length), await checked(path, { may: [], must: [] }));
    }
  }
  return { system: await text("system.md"), user: await text("user.md"), repair: await text("repair.md"), services };
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(directory));
    return entries.map(({ name }) => name).filter((name) => !/^\.|~$/.test(name)).sort();
  } catch (error) {
    throw refusal(
      directory,
      `cannot be listed (${messageOf(error)})`,
      "set mistral.promptsDirectory to a directory that is there, or leave it empty",
    );
  }
}

function refuseUnknown(directory: string, name: string): void {
  const known = [...NAMES, SERVICES];
  if (known.some((one) => one === name)) return;
  throw refusal(
    `${directory}/${name}`,
    `no such prompt${didYouMean(name, known)}`,
    `prompts are ${known.join(", ")}; rename the file, or take it away`,
  );
}

async function checked(
  path: string,
  { may, must }: { readonly may: readonly string[]; readonly must: readonly string[] },
): Promise<string> {
  const text = await read(path);
  text.split("\n").forEach((line, i) => {
    for (const { 0: whole, 1: name } of line.matchAll(/\{\{([^{}]*)\}\}/g)) {
      if (may.includes(name.trim())) continue;
      const allowed = may.length === 0 ? "this file has none" : `known: ${may.join(", ")}`;
      throw refusal(
        `${path}:${i + 1}`,
        `no such placeholder: ${whole}${didYouMean(name.trim(), may)} (${allowed})`,
        "correct its name, or write it without braces",
      );
    }
  });
  for (const name of must) {
    if (text.includes(`{{${name}}}`)) continue;
    throw refusal(
      path,
      `{{${name}}} is missing: without it the model is not told of the error`,
      `add a line with {{${name}}}`,
    );
  }
  return text;
}

async function read(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    throw refusal(path, `cannot be read (${messageOf(error)})`, "make it a file that may be read");
  }
  if (bytes.length > BYTES_MAX) {
    throw refusal(
      path,
      `expected at most ${BYTES_MAX} bytes, found ${bytes.length}`,
      "shorten it: every call pays for it",
    );
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.trim() !== "") return text.replaceAll("\r\n", "\n").replace(/\{\{\s*([^{}]*?)\s*\}\}/g, "{{$1}}");
  } catch {
    throw refusal(path, "not UTF-8", "save it as UTF-8");
  }
  throw refusal(path, "empty", "write the prompt, or take the file away for the built-in one");
}

const refusal = (place: string, what: string, remedy: string): MillraceError =>
  new MillraceError("INVALID_CONFIG", `${place}: ${what}`, remedy);
