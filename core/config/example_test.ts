import { expect } from "expect";
import { CONFIG_KEYS, keysAt } from "./keys.ts";
import { loadConfig } from "./load.ts";
import { type Config, configSchema } from "./schema.ts";

const example = await Deno.readTextFile(new URL("../../millrace.example.yaml", import.meta.url));
const load = (text: string): Config => loadConfig({ file: "millrace.example.yaml", env: {}, readText: () => text });
/** Keys are commented out without a space after the sign; sentences have one. */
const everyKey = example.replace(/^( *)#(?=[\w-]+:)/gm, "$1");

Deno.test("the example configuration changes nothing as it stands", () => {
  expect(load(example)).toEqual(configSchema.parse({}));
});

Deno.test("the example with every line in force shows every key with its default", () => {
  const { topics, ...config } = load(everyKey);
  const { topics: _none, ...defaults } = configSchema.parse({});
  expect(config).toEqual(defaults);
  for (const { path } of CONFIG_KEYS) expect(everyKey).toMatch(new RegExp(`^ *${path.at(-1)}: `, "m"));
  expect(Object.keys(topics["access-example"]).sort()).toEqual([...keysAt(["topics", "any"])].sort());
});

Deno.test("the example says of every key what the schema says", () => {
  for (const { description } of CONFIG_KEYS) expect(example).toContain(`# ${description}`);
});
