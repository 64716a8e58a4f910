import { expect } from "expect";
import { TEXT_FIELDS } from "../../core/minutes/fields.ts";
import { USUAL_NAMES } from "./json_names.ts";
import { PARSERS } from "./registry.ts";

const read = (path: string) => Deno.readTextFile(new URL(path, import.meta.url));

/** The section of docs/formats.md under a heading. */
async function section(heading: string): Promise<string> {
  const page = await read("../../docs/formats.md");
  return page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
}
const missingFrom = (text: string, words: readonly string[]) => words.filter((word) => !text.includes(`\`${word}\``));

Deno.test("docs/formats.md names every field", async () => {
  expect(missingFrom(await section("Fields"), TEXT_FIELDS)).toEqual([]);
});

Deno.test("docs/formats.md names every format", async () => {
  const page = await read("../../docs/formats.md");
  expect(missingFrom(page, PARSERS.map((parser) => parser.name))).toEqual([]);
});

Deno.test("docs/formats.md names every reason of quarantine", async () => {
  const type = (await read("./parser.ts")).match(/type Reason =([^;]+);/)?.[1] ?? "";
  const reasons = [...type.matchAll(/"(\w+)"/g)].map((match) => match[1]);
  expect(reasons.length).toBeGreaterThan(5);
  expect(missingFrom(await section("Reasons in quarantine"), reasons)).toEqual([]);
});

Deno.test("docs/formats.md lists the usual names of each field in the order in which they are tried", async () => {
  const json = await section("JSON");
  for (const [field, names] of Object.entries(USUAL_NAMES)) {
    const row = json.split("\n").find((line) => line.startsWith(`| \`${field}\` `)) ?? "";
    expect([field, [...row.matchAll(/`([^`]+)`/g)].map((match) => match[1]).slice(1)]).toEqual([field, names]);
  }
});
