/** Checks the code itself: who may import whom, sizes, words, links, tasks, files that nobody needs. */
import { expect } from "expect";
import { dirname, join, normalize } from "node:path";

const root = normalize(join(import.meta.dirname ?? ".", ".."));
/** The last is in AssemblyScript, which resolves and names things its own way. */
const SKIPPED = new Set(["node_modules", "data", "bench/out", "docs/research", "engine/kernel/assembly"]);
const LINES_MAX = 400;

interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

function* walk(directory: string): Generator<string> {
  const entries = [...Deno.readDirSync(join(root, directory))].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, isDirectory } of entries) {
    const path = directory === "" ? name : `${directory}/${name}`;
    if (SKIPPED.has(path) || (name.startsWith(".") && name !== ".ci")) continue;
    if (isDirectory) yield* walk(path);
    else yield path;
  }
}

const paths = [...walk("")];
const filesWith = (ending: RegExp): SourceFile[] =>
  paths.filter((path) => ending.test(path)).map((path) => ({ path, text: Deno.readTextFileSync(join(root, path)) }));
const sources = filesWith(/\.ts$/);
const pages = filesWith(/\.md$/);
/** Also what only tests use, beside the code: test_batches.ts. */
const isTest = (path: string): boolean => path.startsWith("tests/") || /_test\.ts$|(^|\/)test_\w+\.ts$/.test(path);

/** Files of this project that a file imports, statically, dynamically or as a worker. */
function importsOf({ path, text }: SourceFile): string[] {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"(\.{1,2}\/[^"]+)"/gm),
    ...text.matchAll(/^import\s+"(\.{1,2}\/[^"]+)"/gm),
    ...text.matchAll(/import\(\s*"(\.{1,2}\/[^"]+)"\s*\)/g),
    ...text.matchAll(/new URL\(\s*"(\.{1,2}\/[^"]+\.(?:ts|js|css|html))"\s*,\s*import\.meta\.url/g),
    ...text.matchAll(/@ts-types="(\.{1,2}\/[^"]+)"/g),
  ].map((match) => match[1]);
  // Started as a process of their own, by their path from the root.
  const started = [...text.matchAll(/"(bench\/[\w./-]+\.ts)"/g)].map((match) => match[1]);
  const imported = specifiers.map((specifier) => normalize(join(dirname(path), specifier)).replaceAll("\\", "/"));
  return [...imported, ...started];
}

/** The part of the house that a file is in: engine, core/log, cli... */
function partOf(path: string): string {
  const [top, second] = path.split("/");
  if (!path.includes("/")) return path.endsWith(".json") ? "core" : "root"; // deno.json is data
  return top === "core" && path.split("/").length > 2 ? `core/${second}` : top;
}

/** What each part may import besides itself, the files right in core/, and packages. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  root: ["cli"],
  core: [],
  "core/log": [],
  "core/minutes": [],
  "core/parquet": [],
  // The schema names presets and fields: the words of core/minutes.
  "core/config": ["core/minutes"],
  "core/schemas": ["core/config"],
  "core/store": ["core/minutes", "core/config", "core/parquet"],
  "core/runs": ["core/store"],
  "core/alerts": ["core/store"],
  "core/archive": ["core/store", "core/config", "core/parquet"],
  "core/incidents": ["core/store"],
  engine: ["core/*"],
  gateway: ["core/*"],
  generator: ["core/*"],
  analyzer: ["core/*"],
  supervisor: ["core/*"],
  cli: ["core/*", "engine", "gateway", "generator", "analyzer", "supervisor"],
  bench: ["*"],
};

function mayImport(from: string, to: string): boolean {
  if (from === to || to === "core") return true;
  return (MAY_IMPORT[from] ?? []).some((rule) =>
    rule === "*" || rule === to || (rule.endsWith("/*") && to.startsWith(rule.slice(0, -1)))
  );
}

Deno.test("imports point inwards: programs to core, never core to a program or one program to another", () => {
  const wrong = sources.filter(({ path }) => !isTest(path)).flatMap((file) =>
    importsOf(file).filter((target) => !mayImport(partOf(file.path), partOf(target))).map((target) =>
      `${file.path} imports ${target}`
    )
  );
  expect(wrong).toEqual([]);
});

Deno.test("imported files exist", () => {
  const known = new Set(paths);
  const missing = sources.flatMap((file) =>
    importsOf(file).filter((target) => !known.has(target)).map((target) => `${file.path} imports ${target}`)
  );
  expect(missing).toEqual([]);
});

Deno.test("every file but entries and tests is imported by something that is not a test", () => {
  const entries = new Set(["cli.ts"]);
  const used = new Set(sources.filter(({ path }) => !isTest(path)).flatMap(importsOf));
  const usedByTests = new Set(sources.flatMap(importsOf));
  const dead = sources.map(({ path }) => path).filter((path) => {
    if (path.endsWith("_test.ts") || entries.has(path) || isEntryOfATask(path) || isScript(path)) return false;
    return !(isTest(path) || path.startsWith("bench/") ? usedByTests : used).has(path);
  });
  expect(dead).toEqual([]);
});

/** Benchmarks are run by name. */
function isScript(path: string): boolean {
  return path.startsWith("bench/") &&
    Deno.readTextFileSync(join(root, path)).match(/import\.meta\.main|^ \* .*\bRun: /m) !== null;
}

interface Manifest {
  readonly tasks: Readonly<Record<string, { readonly description?: string; readonly command?: string }>>;
  readonly imports: Readonly<Record<string, string>>;
}
const manifest: Manifest = JSON.parse(Deno.readTextFileSync(join(root, "deno.json")));
const commands = Object.values(manifest.tasks).map(({ command }) => command ?? "").join("\n");
const isEntryOfATask = (path: string): boolean => commands.split(/\s+/).includes(path);

Deno.test("every task says what it is for", () => {
  for (const [name, { description = "" }] of Object.entries(manifest.tasks)) {
    expect({ name, hasDescription: description.length > 10 }).toEqual({ name, hasDescription: true });
  }
});

Deno.test("every package is used, and every package used is in deno.json", () => {
  const used = new Set(
    sources.flatMap(({ text }) =>
      [...text.matchAll(/(?:\bfrom\s+|\bimport\(\s*|^import\s+)"(?!node:)([@a-z][^"\s]*)"/gm)].map(([, name]) =>
        name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/")
      )
    ),
  );
  // Read as files (import.meta.resolve), not imported.
  const mentioned = (name: string): boolean => sources.some(({ text }) => text.includes(`"${name}`));
  const declared = Object.keys(manifest.imports);
  expect([...used].filter((name) => !declared.includes(name))).toEqual([]);
  expect(declared.filter((name) => !used.has(name) && !mentioned(name))).toEqual([]);
});

Deno.test(`a file over ${LINES_MAX} lines says why in its first lines`, () => {
  const long = sources.filter(({ text }) => text.split("\n").length > LINES_MAX);
  const unexplained = long.filter(({ text }) => !/\bover 400 lines: \w/i.test(head(text)));
  expect(unexplained.map(({ path }) => path)).toEqual([]);
});

const head = (text: string): string => text.split("\n").slice(0, 30).join("\n");

Deno.test("every source file starts by saying what it is", () => {
  const silent = sources.filter(({ path, text }) => !path.endsWith("_test.ts") && !/^(#!.*\n)?\/[*/]/.test(text));
  expect(silent.map(({ path }) => path)).toEqual([]);
});

/** Lines that match, as "path:line: text"; this file names what it looks for, and is left out. */
function linesWith(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.filter(({ path }) => path !== "tests/tidy_test.ts").flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])
  );
}

Deno.test("nothing is left for later in a comment", () => {
  expect(linesWith([...sources, ...pages], /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
});

Deno.test("types are not switched off", () => {
  expect(
    linesWith(sources, /:\s*any\b(?!\s+[a-z])|\bas any\b|<any>|@ts-(ignore|expect-error|nocheck)|deno-lint-ignore/),
  )
    .toEqual([]);
});

Deno.test("no path of somebody's machine is in the tree", () => {
  const texts = [...sources, ...pages, ...filesWith(/\.(json|ya?ml|svg)$|^\.ci\//)];
  expect(linesWith(texts, /(^|["'`\s(=])\/(home|Users|root|work)\/\w/)).toEqual([]);
});

Deno.test("links in the docs lead somewhere", () => {
  const broken = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)]
      .map(([, markdown, html]) => markdown ?? html)
      .filter((target) => !/^(https?:|mailto:)/.test(target))
      .filter((target) => !linkExists(path, target))
      .map((target) => `${path}: ${target}`)
  );
  expect(broken).toEqual([]);
});

function linkExists(page: string, target: string): boolean {
  const [file, anchor] = target.split("#");
  const path = file === "" ? page : normalize(join(dirname(page), decodeURIComponent(file))).replace(/\/$/, "");
  try {
    Deno.statSync(join(root, path));
  } catch {
    return false;
  }
  return anchor === undefined || !path.endsWith(".md") || anchorsOf(path).has(anchor);
}

/** Anchors as GitHub makes them of headings. */
function anchorsOf(path: string): Set<string> {
  const text = Deno.readTextFileSync(join(root, path));
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-")
    ),
  );
}

Deno.test("the tasks that the docs name exist", () => {
  const unknown = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:deno|deno@[\d.]+) task (?:-q )?([a-z][\w:-]*)/g)]
      .map(([, name]) => name)
      .filter((name) => !Object.hasOwn(manifest.tasks, name))
      .map((name) => `${path}: ${name}`)
  );
  expect(unknown).toEqual([]);
});

Deno.test("files that the docs name in code marks exist", () => {
  const known = new Set(paths);
  const missing = pages.filter(({ path }) => path !== "CHANGELOG.md").flatMap(({ path, text }) =>
    [...text.matchAll(/`((?:core|engine|gateway|generator|cli|tests|bench|docs)\/[\w./-]+\.\w+)`/g)]
      .map(([, name]) => name)
      .filter((name) => !known.has(name))
      .map((name) => `${path}: ${name}`)
  );
  expect(missing).toEqual([]);
});
