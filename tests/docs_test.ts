/** The reference pages say what the code says. */
import { expect } from "expect";
import { RULE_KINDS } from "../analyzer/alerts/kinds/registry.ts";
import { rulesFileSchema } from "../analyzer/alerts/rules_file.ts";
import { CONFIG_KEYS, keysAt } from "../core/config/keys.ts";
import { nodeOf } from "../core/config/schema_guide.ts";
import { ERROR_CODES } from "../core/errors.ts";
import { PARSERS } from "../engine/parsing/registry.ts";

const read = (path: string): string => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));

/** The rows of all tables of a page, cells trimmed. */
function rowsOf(page: string): string[][] {
  return page.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

const operations = rowsOf(read("docs/operations.md"));

Deno.test("the reference has every key of the configuration, with variable, default and meaning", () => {
  for (const { name, environment, defaultValue, description } of CONFIG_KEYS) {
    expect(operations).toContainEqual([`\`${name}\``, `\`${environment}\``, String(defaultValue), description]);
  }
  const documented = operations.filter((row) => row.length === 4 && row[0].startsWith("`"));
  expect(documented).toHaveLength(CONFIG_KEYS.length);
});

Deno.test("the reference has every setting of a topic", () => {
  for (const key of keysAt(["topics", "any"])) {
    expect(operations.some((row) => row.length === 2 && row[0] === `\`${key}\``)).toBe(true);
  }
});

Deno.test("the reference has every error code with its exit status", () => {
  for (const [code, status] of Object.entries(ERROR_CODES)) {
    expect(operations.some((row) => row[0] === code && row[1] === String(status))).toBe(true);
  }
});

Deno.test("the page of formats has every parser", () => {
  const formats = rowsOf(read("docs/formats.md"));
  for (const { name } of PARSERS) expect(formats.some(([first]) => first === `\`${name}\``)).toBe(true);
});

Deno.test("the page of alerts has every kind of rule with every key, its default and its meaning", () => {
  const page = read("docs/alerts.md");
  const rows = rowsOf(page).filter((row) => row.length === 3).map(([key, , meaning]) => `${key} ${meaning}`);
  for (const kind of RULE_KINDS) {
    expect(page).toContain(`### ${kind.name}\n`);
    for (const [key, { description = "" }] of Object.entries(nodeOf(kind.schema).properties ?? {})) {
      if (key !== "kind") expect(rows).toContain(`\`${key}\` ${description}`);
    }
  }
  for (const [section, { items }] of Object.entries(nodeOf(rulesFileSchema).properties ?? {})) {
    expect(page).toContain(section);
    for (const [key, { description = "" }] of Object.entries(items?.properties ?? {})) {
      if (section !== "rules") expect(rows).toContain(`\`${key}\` ${description}`);
    }
  }
});
