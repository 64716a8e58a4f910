/** Writes the configuration's two references from its schema: the table in docs/operations.md and millrace.example.yaml. */
import { CONFIG_KEYS, type ConfigKey } from "./keys.ts";

const at = (path: string) => new URL(`../../${path}`, import.meta.url);

function rewrite(path: string, rewritten: (text: string) => string): void {
  Deno.writeTextFileSync(at(path), rewritten(Deno.readTextFileSync(at(path))));
}

/** The rows that begin with a key and a variable, in place of those that were there. */
function withTable(page: string): string {
  const lines = page.split("\n");
  const isRow = (line: string) => /^\| `[\w.]+` +\| `MILLRACE_\w+` +\|/.test(line);
  const first = lines.findIndex(isRow);
  const rows = CONFIG_KEYS.map(({ name, environment, defaultValue, description }) =>
    `| \`${name}\` | \`${environment}\` | ${defaultValue} | ${description} |`
  );
  const others = lines.filter((line) => !isRow(line));
  return [...others.slice(0, first), ...rows, ...others.slice(first)].join("\n");
}

function yamlOf({ kind, defaultValue }: ConfigKey): string {
  if (kind === "list" && Array.isArray(defaultValue)) {
    return `[${defaultValue.map((item) => JSON.stringify(item)).join(", ")}]`;
  }
  return defaultValue === "" ? '""' : String(defaultValue);
}

/** The head up to `data`, every key with its default, and the tail from the sentence on topics. */
function withKeys(example: string): string {
  const [head, rest] = example.split(/^(?=# .*\n#data: )/m);
  const tail = rest.slice(rest.search(/^# Topics need no entry here/m));
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const key of CONFIG_KEYS) {
    const sections = key.path.slice(0, -1);
    const shared = sections.findIndex((section, i) => section !== open[i]);
    // A section begins with an empty line, one within it does not.
    if (sections[0] !== open[0] && lines.length > 0) lines.push("");
    for (let i = shared === -1 ? sections.length : shared; i < sections.length; i++) {
      lines.push(`${"  ".repeat(i)}${sections[i]}:`);
    }
    open = sections;
    const indent = "  ".repeat(sections.length);
    lines.push(`${indent}# ${key.description}`, `${indent}#${key.path.at(-1)}: ${yamlOf(key)}`);
  }
  return `${head}${lines.join("\n")}\n\n${tail}`;
}

rewrite("docs/operations.md", withTable);
rewrite("millrace.example.yaml", withKeys);
